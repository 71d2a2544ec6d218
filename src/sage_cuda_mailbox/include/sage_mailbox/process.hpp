// Telling one process from another that later got the same id.
#ifndef SAGE_MAILBOX__PROCESS_HPP_
#define SAGE_MAILBOX__PROCESS_HPP_

#include <cstdint>

namespace sage::mailbox
{

/// A process: its id is given anew after its end, id and start together are not.
struct Process {
  std::uint32_t pid;
  std::uint64_t started;            ///< clock ticks since boot, /proc/<pid>/stat field 22
  std::uint64_t process_namespace;  ///< inode of /proc/<pid>/ns/pid
};

/// A process id namespace in 16 bits.
constexpr std::uint32_t namespace_mark(std::uint64_t process_namespace)
{
  return static_cast<std::uint32_t>(process_namespace ^ process_namespace >> 16) & 0xFFFF;
}

/// How many forks have made this process, since the first participant; costs one load.
std::uint32_t fork_count();

/// From here on forks are counted. Throws SystemCallError.
void count_forks();

/// What the kernel knows of processes.
struct SystemProcesses {
  /// This process; looked up anew after a fork. Throws SystemCallError if /proc cannot be read,
  /// MailboxError if it is that of another process id namespace.
  static Process current();

  /// Inode of this process's process id namespace; 0 if /proc cannot be read.
  static std::uint64_t own_namespace();

  /// False if no process has this id. One in another process id namespace, as told by its mark,
  /// counts as alive.
  static bool exists(std::uint32_t pid, std::uint32_t namespace_mark);

  /// False if the process ended (or is a zombie). One that cannot be looked at counts as alive: in
  /// another process id namespace, only a lease's time to live ends it.
  static bool is_alive(const Process & process);
};

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__PROCESS_HPP_
