// Who is alive, and what becomes of the places of those who are not.
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "expect.hpp"
#include "sage_mailbox/errors.hpp"
#include "sage_mailbox/participant.hpp"
#include "sage_mailbox/tensor_mailbox.hpp"

using namespace sage::mailbox;
using namespace sage::mailbox::test;

namespace
{

Process process_of(pid_t pid, Process like)
{
  // a child forked within the same tick has the same start, so that is tried, and those after it
  like.pid = static_cast<std::uint32_t>(pid);
  for (int ticks = 0; ticks < 1000; ++ticks, ++like.started) {
    if (SystemProcesses::is_alive(like)) {
      return like;
    }
  }
  EXPECT(!"the child is seen to be alive");
  return like;
}

void the_living_are_told_from_the_dead()
{
  const Process self = SystemProcesses::current();
  EXPECT(SystemProcesses::is_alive(self));
  Process namesake = self;
  namesake.started += 1;
  EXPECT(!SystemProcesses::is_alive(namesake));
  const pid_t child = in_child([] { pause(); });
  const Process alive = process_of(child, self);
  EXPECT(kill(child, SIGSTOP) == 0);
  EXPECT(waitpid(child, nullptr, WUNTRACED) == child && SystemProcesses::is_alive(alive));
  EXPECT(kill(child, SIGKILL) == 0);
  siginfo_t ended{};
  EXPECT(waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT) == 0);
  EXPECT(!SystemProcesses::is_alive(alive));  // a zombie holds nothing
  EXPECT(waitpid(child, nullptr, 0) == child && !SystemProcesses::is_alive(alive));
  const std::uint32_t mark = namespace_mark(self.process_namespace);
  EXPECT(!SystemProcesses::exists(alive.pid, mark) && SystemProcesses::exists(self.pid, mark));
  EXPECT(!SystemProcesses::exists(0, mark) && !SystemProcesses::exists(~0u, mark));
}

void who_cannot_be_looked_at_counts_as_alive()
{
  Process elsewhere = SystemProcesses::current();
  elsewhere.process_namespace += 1;
  elsewhere.pid = 0x7FFFFFFF;
  EXPECT(SystemProcesses::is_alive(elsewhere));
  EXPECT(SystemProcesses::exists(elsewhere.pid, namespace_mark(elsewhere.process_namespace)));
}

/// What the kernel said when it refused an action; 0 if it did not.
template <class Action>
int error_number(Action action)
{
  try {
    action();
  } catch (const SystemCallError & error) {
    return error.number();
  }
  return 0;
}

/// Without a descriptor left, /proc cannot be read: that must not make the living dead.
void without_descriptors_nobody_is_taken_for_dead()
{
  EXPECT(ended_well(in_child([] {
    const Process self = SystemProcesses::current();
    const BroadcastMailbox mailbox = BroadcastMailbox::create(unique_name("files"), {});
    const rlimit few{32, 32};
    EXPECT(setrlimit(RLIMIT_NOFILE, &few) == 0);
    std::vector<int> files;
    for (int file = dup(0); file >= 0; file = dup(0)) {
      files.push_back(file);
    }
    EXPECT(SystemProcesses::is_alive(self));
    EXPECT(error_number([&] { mailbox.writer(); }) == EMFILE);
    refusal<SystemCallError>([] { BroadcastMailbox::create(unique_name("more"), {}); });
    refusal<SystemCallError>([] { BroadcastMailbox::attach(unique_name("files")); });
    for (const int file : files) {
      close(file);
    }
    mailbox.writer();
  })));
  sweep_stale();
}

/// A mailbox that ends where no descriptor is left keeps its name, not its process from ending.
void without_descriptors_a_mailbox_can_end()
{
  const std::string name = unique_name("ends");
  EXPECT(ended_well(in_child([&] {
    {
      const BroadcastMailbox mailbox = BroadcastMailbox::create(name, {});
      const rlimit none{0, 0};
      EXPECT(setrlimit(RLIMIT_NOFILE, &none) == 0);
    }
  })));
  const BroadcastMailbox mailbox = BroadcastMailbox::create(name, {});
  EXPECT(!mailbox.segment()->is_closed());
}

/// A process that may have no more address space is told so, not that the kernel refused something.
void without_address_space_there_is_no_memory()
{
  EXPECT(ended_well(in_child([] {
    std::uint64_t pages = 0;
    std::FILE * sizes = std::fopen("/proc/self/statm", "re");
    EXPECT(sizes != nullptr && std::fscanf(sizes, "%" SCNu64, &pages) == 1);
    EXPECT(std::fclose(sizes) == 0);
    const rlim_t limit = pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + (4u << 20);
    const rlimit little{limit, limit};
    EXPECT(setrlimit(RLIMIT_AS, &little) == 0);
    TensorOptions options;
    options.slot_bytes = 16u << 20;
    options.slot_count = 1;
    const std::string said =
        refusal<OutOfMemory>([&] { TensorMailbox::create(unique_name("space"), options); });
    EXPECT(contains(said, "this process has no room"));
  })));
}

/// A process whose first thread ended is shown as a zombie while its other threads work on.
void a_process_without_its_first_thread_is_alive()
{
  int ends[2];
  EXPECT(pipe(ends) == 0);
  const pid_t child = in_child([&] {
    std::thread([&] {
      char byte;
      EXPECT(read(ends[0], &byte, 1) == 1);
      std::_Exit(0);
    }).detach();
    pthread_exit(nullptr);
  });
  const Process alive = process_of(child, SystemProcesses::current());
  const std::string path = "/proc/" + std::to_string(child) + "/stat";
  for (bool is_zombie = false; !is_zombie; std::this_thread::yield()) {
    char line[256] = {};
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    EXPECT(file >= 0 && read(file, line, sizeof line - 1) > 0 && close(file) == 0);
    is_zombie = contains(line, ") Z ");
  }
  EXPECT(SystemProcesses::is_alive(alive));
  EXPECT(write(ends[1], "", 1) == 1 && ended_well(child));
  EXPECT(!SystemProcesses::is_alive(alive));
}

/// One that was killed while joining leaves a place that others can have; one of another process
/// id namespace may only be slow, and would write its start over that of whoever takes its place.
void a_place_is_not_taken_from_one_who_may_be_joining()
{
  const BroadcastMailbox mailbox =
      BroadcastMailbox::create(unique_name("join"), {64, 8, 2, Backend::shm});
  const Process self = SystemProcesses::current();
  const std::uint32_t own = namespace_mark(self.process_namespace);
  Place * places = mailbox.segment()->places();
  places[0].word =
      PlaceWord{0x7FFFFFFF, PlaceWord::writer, PlaceWord::joining, 3, own ^ 1}.packed();
  EXPECT(mailbox.writer().producer() == 1);
  places[0].word = PlaceWord{0x7FFFFFFF, PlaceWord::writer, PlaceWord::joining, 3, own}.packed();
  EXPECT(mailbox.writer().producer() == 0);
}

/// In another process id namespace, beside a /proc of this one.
void a_strange_proc_is_said()
{
  if (geteuid() != 0) {
    std::printf("a strange /proc is not tested: only root can make namespaces\n");
    return;
  }
  EXPECT(ended_well(in_child([] {
    if (unshare(CLONE_NEWPID) != 0) {
      std::printf("a strange /proc is not tested: namespaces are forbidden here\n");
      return;
    }
    EXPECT(ended_well(in_child([] {
      const std::string said = refusal<MailboxError>(
          [] { EXPECT(error_number([] { SystemProcesses::current(); }) == 0); });
      EXPECT(contains(said, "does not describe process 1,"));
    })));
  })));
}

}  // namespace

int main()
{
  the_living_are_told_from_the_dead();
  who_cannot_be_looked_at_counts_as_alive();
  without_descriptors_nobody_is_taken_for_dead();
  without_descriptors_a_mailbox_can_end();
  without_address_space_there_is_no_memory();
  a_process_without_its_first_thread_is_alive();
  a_place_is_not_taken_from_one_who_may_be_joining();
  a_strange_proc_is_said();
}
