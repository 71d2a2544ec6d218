#include "sage_mailbox/process.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "sage_mailbox/errors.hpp"

namespace sage::mailbox
{

namespace
{

constexpr int kStateField = 3;
constexpr int kThreadsField = 20;
constexpr int kStartField = 22;

std::atomic<std::uint32_t> forks{0};

enum class Seen { yes, no, unknown };

/// What /proc says of a process.
struct ProcessStatus {
  Seen seen = Seen::unknown;  // no: there is none; unknown: /proc could not be read
  std::uint64_t pid = 0;
  char state = 0;
  std::uint64_t threads = 0;
  std::uint64_t started = 0;
  int error = 0;  // errno of what could not be read
};

/// Field `number` of a line of /proc/<pid>/stat, counted from 1; nullptr if it ends before.
const char * field_of(const char * line, int number)
{
  const char * field = std::strrchr(line, ')');  // ends the second field, which may hold anything
  for (int at = kStateField - 1; at < number && field != nullptr; ++at) {
    field = std::strchr(field + 1, ' ');
  }
  return field == nullptr ? nullptr : field + 1;
}

ProcessStatus unread(Seen seen, int error)
{
  ProcessStatus status;
  status.seen = seen;
  status.error = error;
  return status;
}

ProcessStatus status_in(const char * path)
{
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return unread(errno == ENOENT || errno == ESRCH ? Seen::no : Seen::unknown, errno);
  }
  char line[1024];
  const ssize_t length = read(file, line, sizeof line - 1);
  const int error = errno;
  close(file);
  if (length < 0) {
    return unread(error == ESRCH ? Seen::no : Seen::unknown, error);
  }
  line[length] = '\0';
  const char * state = field_of(line, kStateField);
  const char * threads = field_of(line, kThreadsField);
  const char * started = field_of(line, kStartField);
  if (started == nullptr) {
    return {};
  }
  return {
      Seen::yes,
      std::strtoull(line, nullptr, 10),
      *state,
      std::strtoull(threads, nullptr, 10),
      std::strtoull(started, nullptr, 10),
      0};
}

}  // namespace

std::uint32_t fork_count() { return forks.load(std::memory_order_relaxed); }

void count_forks()
{
  static const int error =
      pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
  if (error != 0) {
    throw SystemCallError("forks cannot be watched", error);
  }
}

std::uint64_t SystemProcesses::own_namespace()
{
  struct stat description{};
  return stat("/proc/self/ns/pid", &description) == 0 ? description.st_ino : 0;
}

Process SystemProcesses::current()
{
  const auto pid = static_cast<std::uint32_t>(getpid());
  const ProcessStatus status = status_in("/proc/self/stat");
  if (status.error != 0) {
    throw SystemCallError("/proc/self/stat cannot be read", status.error);
  }
  if (status.seen != Seen::yes || status.pid != pid) {
    throw MailboxError(
        "/proc/self/stat does not describe process " + std::to_string(pid) +
        ", expected the /proc of its process id namespace");
  }
  const std::uint64_t process_namespace = own_namespace();
  if (process_namespace == 0) {
    throw SystemCallError("/proc/self/ns/pid cannot be looked at", errno);
  }
  return {pid, status.started, process_namespace};
}

bool SystemProcesses::exists(std::uint32_t pid, std::uint32_t mark)
{
  if (mark != namespace_mark(own_namespace())) {
    return true;
  }
  const auto id = static_cast<pid_t>(pid);
  return id > 0 && (kill(id, 0) == 0 || errno == EPERM);
}

bool SystemProcesses::is_alive(const Process & process)
{
  if (process.process_namespace != own_namespace()) {
    return true;
  }
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%u/stat", process.pid);
  const ProcessStatus status = status_in(path);
  if (status.seen != Seen::yes) {
    return status.seen == Seen::unknown;
  }
  const bool has_ended = (status.state == 'Z' || status.state == 'X') && status.threads <= 1;
  return status.started == process.started && !has_ended;
}

}  // namespace sage::mailbox
