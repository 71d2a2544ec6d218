// How long a tensor takes from a writer's hands to a reader's.
#ifndef HAND_OVER_HPP_
#define HAND_OVER_HPP_

#include <cstdint>
#include <vector>

namespace sage::mailbox::bench
{

struct HandOver {
  std::uint64_t payload_bytes = 64;
  std::uint32_t readers = 1;
  std::uint32_t count = 2000;
  std::uint32_t period_us = 500;  ///< from one tensor to the next
  bool across_processes = true;   ///< else readers are threads
  bool polling = true;            ///< else readers sleep until woken
};

struct Times {
  std::vector<std::int64_t> latencies_ns;  ///< of all readers together
  double writer_cpu_share = 0.0;           ///< of one core, while writing; without the wait between
  std::uint64_t missed = 0;
};

/// From just before `publish` to when the reader has looked at the first and the last byte.
/// The payload is in the slot already: what filling it costs is not the mailbox's.
/// Throws MailboxError; std::runtime_error if a reader ended early.
Times measure(const HandOver & what);

}  // namespace sage::mailbox::bench

#endif  // HAND_OVER_HPP_
