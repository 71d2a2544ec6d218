// How file descriptors of device memory change hands; needs no GPU, the memory is a pipe's end.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "../cpp/expect.hpp"
#include "handle_exchange.hpp"
#include "sage_mailbox/errors.hpp"

using namespace sage::mailbox;
using namespace sage::mailbox::cuda_backend;
using namespace sage::mailbox::test;

namespace
{

std::string folder;

std::string path_of(std::uint64_t nonce)
{
  char name[64];
  std::snprintf(name, sizeof name, "/sage-mailbox.%016llx", static_cast<unsigned long long>(nonce));
  return folder + name;
}

bool is_there(const std::string & path)
{
  struct stat found{};
  return lstat(path.c_str(), &found) == 0;
}

MemoryOffer offer_with(std::uint64_t nonce)
{
  MemoryOffer offer;
  offer.nonce = nonce;
  offer.bytes = 12345;
  offer.backend = 2;
  offer.ipc_handle[63] = 7;
  return offer;
}

void another_process_gets_offer_and_descriptor()
{
  int ends[2];
  EXPECT(pipe2(ends, O_CLOEXEC) == 0);
  FileDescriptor reading(ends[0]);
  const FileDescriptor writing(ends[1]);
  const HandleServer server(offer_with(1), std::move(reading));
  const pid_t child = in_child([] {
    const ReceivedOffer received = receive_offer(1);
    EXPECT(received.offer.bytes == 12345 && received.offer.backend == 2);
    EXPECT(received.offer.ipc_handle[63] == 7);
    char letter = 0;
    EXPECT(received.memory.is_open() && read(received.memory.number(), &letter, 1) == 1);
    EXPECT(letter == 'x');
    EXPECT((fcntl(received.memory.number(), F_GETFD) & FD_CLOEXEC) != 0);
  });
  EXPECT(write(writing.number(), "x", 1) == 1);
  EXPECT(ended_well(child));
}

void an_offer_may_come_without_a_descriptor()
{
  const HandleServer server(offer_with(2), FileDescriptor(-1));
  for (int turn = 0; turn < 100; ++turn) {
    EXPECT(!receive_offer(2).memory.is_open());
  }
}

void the_socket_is_the_users_own_and_goes_with_the_server()
{
  {
    const HandleServer server(offer_with(3), FileDescriptor(-1));
    struct stat found{};
    EXPECT(lstat(path_of(3).c_str(), &found) == 0 && S_ISSOCK(found.st_mode));
    EXPECT((found.st_mode & 0777) == 0600);
    refusal<MailboxError>([] { HandleServer(offer_with(3), FileDescriptor(-1)); });
    EXPECT(receive_offer(3).offer.nonce == 3);  // the first one is none the worse
  }
  EXPECT(!is_there(path_of(3)));
  EXPECT(contains(refusal<SystemCallError>([] { receive_offer(3); }), "does not answer"));
}

void who_answers_for_another_mailbox_is_refused()
{
  const HandleServer server(offer_with(4), FileDescriptor(-1));
  EXPECT(rename(path_of(4).c_str(), path_of(5).c_str()) == 0);
  EXPECT(contains(refusal<NotAMailbox>([] { receive_offer(5); }), "not the creator"));
  EXPECT(unlink(path_of(5).c_str()) == 0);
}

/// One that is stopped, or busy, is the creator all the same: its mailbox is not to be removed.
void who_is_silent_is_said_to_be()
{
  const FileDescriptor listening(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  const std::string path = path_of(9);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  EXPECT(path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const auto * name = reinterpret_cast<const sockaddr *>(&address);
  EXPECT(bind(listening.number(), name, sizeof address) == 0 && listen(listening.number(), 1) == 0);
  EXPECT(
      contains(refusal<SystemCallError>([] { receive_offer(9); }), "does not answer at " + path));
  EXPECT(unlink(path.c_str()) == 0);
}

void the_socket_of_one_that_was_killed_is_removed_by_the_next()
{
  const pid_t child = in_child([] {
    const HandleServer server(offer_with(6), FileDescriptor(-1));
    kill(getpid(), SIGKILL);
  });
  EXPECT(!ended_well(child));
  EXPECT(is_there(path_of(6)));
  const HandleServer next(offer_with(7), FileDescriptor(-1));
  EXPECT(!is_there(path_of(6)) && is_there(path_of(7)));
}

void a_folder_that_others_can_write_to_is_refused()
{
  EXPECT(chmod(folder.c_str(), 0777) == 0);
  EXPECT(contains(refusal<WrongOwner>([] { receive_offer(8); }), "only this user"));
  EXPECT(chmod(folder.c_str(), 0700) == 0);
}

}  // namespace

int main()
{
  char pattern[] = "/tmp/sage-mailbox-test.XXXXXX";
  EXPECT(mkdtemp(pattern) != nullptr);
  folder = pattern;
  EXPECT(setenv("XDG_RUNTIME_DIR", folder.c_str(), 1) == 0);
  another_process_gets_offer_and_descriptor();
  an_offer_may_come_without_a_descriptor();
  the_socket_is_the_users_own_and_goes_with_the_server();
  who_answers_for_another_mailbox_is_refused();
  who_is_silent_is_said_to_be();
  the_socket_of_one_that_was_killed_is_removed_by_the_next();
  a_folder_that_others_can_write_to_is_refused();
  EXPECT(rmdir(folder.c_str()) == 0);
  std::printf("handle_exchange_cases: all is well\n");
  return 0;
}
