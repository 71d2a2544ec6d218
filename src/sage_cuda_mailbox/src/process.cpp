#include "sage_mailbox/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace sage::mailbox
{

namespace
{

constexpr int kStateField = 3;
constexpr int kStartField = 22;

struct Status {
  char state;
  std::uint64_t started;
};

/// What /proc says of a process; nothing if there is none.
std::optional<Status> status_of(std::uint32_t pid)
{
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%u/stat", pid);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return std::nullopt;
  }
  char text[1024];
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) {
    return std::nullopt;
  }
  text[length] = '\0';
  const char * field = std::strrchr(text, ')');  // ends the name, which may hold anything
  if (field == nullptr) {
    return std::nullopt;
  }
  Status status{field[2], 0};
  for (int number = kStateField - 1; number < kStartField && field != nullptr; ++number) {
    field = std::strchr(field + 1, ' ');
  }
  if (field == nullptr) {
    return std::nullopt;
  }
  status.started = std::strtoull(field + 1, nullptr, 10);
  return status;
}

std::uint64_t own_namespace()
{
  struct stat description{};
  return stat("/proc/self/ns/pid", &description) == 0 ? description.st_ino : 0;
}

}  // namespace

Process SystemProcesses::current()
{
  const auto pid = static_cast<std::uint32_t>(getpid());
  const auto status = status_of(pid);
  return {pid, status ? status->started : 0, own_namespace()};
}

bool SystemProcesses::exists(std::uint32_t pid)
{
  const auto id = static_cast<pid_t>(pid);
  return id > 0 && (kill(id, 0) == 0 || errno == EPERM);
}

bool SystemProcesses::is_alive(const Process & process)
{
  if (process.process_namespace != own_namespace()) {
    return true;
  }
  const auto status = status_of(process.pid);
  return status && status->started == process.started && status->state != 'Z' &&
         status->state != 'X';
}

}  // namespace sage::mailbox
