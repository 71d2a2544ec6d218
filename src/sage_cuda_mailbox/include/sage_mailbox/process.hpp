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

/// What the kernel knows of processes.
struct SystemProcesses {
  /// This process; looked up anew after a fork.
  static Process current();

  /// False if no process has this id.
  static bool exists(std::uint32_t pid);

  /// False if the process ended (or is a zombie). One in another process id namespace cannot be
  /// looked at and counts as alive: there, only a lease's time to live ends it.
  static bool is_alive(const Process & process);
};

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__PROCESS_HPP_
