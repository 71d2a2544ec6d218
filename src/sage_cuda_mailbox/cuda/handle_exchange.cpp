#include "handle_exchange.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "sage_mailbox/errors.hpp"

namespace sage::mailbox::cuda_backend
{

namespace
{

constexpr char kPrefix[] = "sage-mailbox.";
constexpr int kWaiting = 16;
constexpr timeval kPatience{2, 0};

[[noreturn]] void fail(const std::string & what) { throw SystemCallError(what, errno); }

/// The user's runtime folder; nobody else can write there. Throws SystemCallError,
/// WrongOwner.
std::string runtime_folder()
{
  const char * given = std::getenv("XDG_RUNTIME_DIR");
  std::string folder = given != nullptr ? given : "";
  if (folder.empty()) {
    folder = "/tmp/sage-mailbox-" + std::to_string(geteuid());
    if (mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
      fail(folder + " cannot be made");
    }
  }
  struct stat found{};
  if (lstat(folder.c_str(), &found) != 0) {
    fail(folder + " cannot be looked at");
  }
  if (!S_ISDIR(found.st_mode) || found.st_uid != geteuid() ||
      (found.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    throw WrongOwner(folder + " is not a folder that only this user can write to");
  }
  return folder;
}

sockaddr_un address_of(const std::string & path)
{
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw SystemCallError(path + " as the name of a socket", ENAMETOOLONG);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

std::string path_of(std::uint64_t nonce)
{
  char name[64];
  std::snprintf(name, sizeof name, "/%s%016llx", kPrefix, static_cast<unsigned long long>(nonce));
  return runtime_folder() + name;
}

bool is_own_user(const FileDescriptor & peer)
{
  ucred credentials{};
  socklen_t length = sizeof credentials;
  return getsockopt(peer.number(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 &&
         credentials.uid == geteuid();
}

/// Room for one file descriptor beside a message.
struct Attachment {
  alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(int))] = {};
};

FileDescriptor new_event()
{
  FileDescriptor event(eventfd(0, EFD_CLOEXEC));
  if (!event.is_open()) {
    fail("no eventfd can be made");
  }
  return event;
}

/// Removes the sockets of creators that were killed: nobody listens at them.
void remove_stale(const std::string & folder)
{
  const std::unique_ptr<DIR, int (*)(DIR *)> listing(opendir(folder.c_str()), closedir);
  while (const dirent * entry = listing ? readdir(listing.get()) : nullptr) {
    if (std::strncmp(entry->d_name, kPrefix, sizeof kPrefix - 1) != 0) {
      continue;
    }
    const std::string path = folder + "/" + entry->d_name;
    const FileDescriptor probe(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    const sockaddr_un address = address_of(path);
    if (connect(probe.number(), reinterpret_cast<const sockaddr *>(&address), sizeof address) !=
            0 &&
        errno == ECONNREFUSED) {
      unlink(path.c_str());
    }
  }
}

FileDescriptor listening_at(const std::string & path)
{
  FileDescriptor listening(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  const NameLock lock;  // between `bind` and `listen` a socket looks as if nobody would listen
  remove_stale(runtime_folder());
  const sockaddr_un address = address_of(path);
  const auto * name = reinterpret_cast<const sockaddr *>(&address);
  if (!listening.is_open() || bind(listening.number(), name, sizeof address) != 0) {
    fail(path + " cannot be made");
  }
  // nobody can connect before listen, so nobody can between bind and chmod
  if (chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || listen(listening.number(), kWaiting) != 0) {
    unlink(path.c_str());
    fail(path + " cannot be listened at");
  }
  return listening;
}

}  // namespace

HandleServer::HandleServer(const MemoryOffer & offer, FileDescriptor memory)
: offer_(offer),
  memory_(std::move(memory)),
  path_(path_of(offer.nonce)),
  listening_(listening_at(path_)),
  ending_(new_event()),
  thread_([this] { serve(); })
{
}

HandleServer::~HandleServer()
{
  eventfd_write(ending_.number(), 1);
  thread_.join();
  unlink(path_.c_str());
}

void HandleServer::serve()
{
  pollfd watched[] = {{listening_.number(), POLLIN, 0}, {ending_.number(), POLLIN, 0}};
  for (;;) {
    if (poll(watched, 2, -1) < 0 && errno != EINTR) {
      return;
    }
    if (watched[1].revents != 0) {
      return;
    }
    if (watched[0].revents != 0) {
      const FileDescriptor peer(accept4(listening_.number(), nullptr, nullptr, SOCK_CLOEXEC));
      if (peer.is_open() && is_own_user(peer)) {
        answer(peer);
      }
    }
  }
}

void HandleServer::answer(const FileDescriptor & peer) const
{
  iovec part{const_cast<MemoryOffer *>(&offer_), sizeof offer_};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  Attachment attachment;
  if (memory_.is_open()) {
    message.msg_control = attachment.bytes;
    message.msg_controllen = sizeof attachment.bytes;
    cmsghdr * head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    const int descriptor = memory_.number();
    std::memcpy(CMSG_DATA(head), &descriptor, sizeof descriptor);
  }
  // who hung up meanwhile gets nothing
  sendmsg(peer.number(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

ReceivedOffer receive_offer(std::uint64_t nonce)
{
  const std::string path = path_of(nonce);
  const std::string silent = "the creator of the device memory does not answer at " + path;
  const FileDescriptor peer(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  const sockaddr_un address = address_of(path);
  if (!peer.is_open() ||
      setsockopt(peer.number(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience) != 0 ||
      connect(peer.number(), reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0) {
    fail(silent);
  }
  if (!is_own_user(peer)) {
    throw WrongOwner("another user answers at " + path);
  }
  MemoryOffer offer;
  iovec part{&offer, sizeof offer};
  Attachment attachment;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = attachment.bytes;
  message.msg_controllen = sizeof attachment.bytes;
  const ssize_t length = recvmsg(peer.number(), &message, MSG_CMSG_CLOEXEC);
  if (length < 0) {
    fail(silent);
  }
  int descriptor = -1;
  const cmsghdr * head = CMSG_FIRSTHDR(&message);
  if (head != nullptr && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
      head->cmsg_len == CMSG_LEN(sizeof descriptor)) {
    std::memcpy(&descriptor, CMSG_DATA(head), sizeof descriptor);
  }
  FileDescriptor memory(descriptor);
  if (static_cast<std::size_t>(length) != sizeof offer || offer.nonce != nonce) {
    throw NotAMailbox("what answers at " + path + " is not the creator of this mailbox");
  }
  return {offer, std::move(memory)};
}

}  // namespace sage::mailbox::cuda_backend
