// Sleeping until something new is in a mailbox, across processes, without a system call for those
// who write while nobody sleeps.
#ifndef SAGE_MAILBOX__WAKEUP_HPP_
#define SAGE_MAILBOX__WAKEUP_HPP_

#include <cstdint>

#include "sage_mailbox/layout.hpp"

namespace sage::mailbox
{

/// CLOCK_MONOTONIC [ns].
std::int64_t monotonic_ns();

/// The same clock as of the kernel's last tick, up to 10 ms ago; a fifth of the cost.
std::int64_t coarse_monotonic_ns();

/// When waiting ends.
class Deadline
{
public:
  /// `timeout_ns`: negative: never.
  explicit Deadline(std::int64_t timeout_ns);
  /// 0 once it is over; the largest number if it never is.
  std::int64_t left_ns() const;

private:
  std::int64_t end_ns_;
};

/// Wakes everybody who sleeps; a fence and a load if nobody does.
void wake_sleepers(Header & header);

/// Announces sleep. The caller looks once more whether there is something new, then sleeps.
/// Returns what `sleep_until_woken` is to be given.
std::uint32_t announce_sleep(Header & header);

/// Sleeps until woken, or `timeout_ns` is over; also returns for nothing, at the latest after 50
/// ms: the caller looks, and sleeps again.
void sleep_until_woken(Header & header, std::uint32_t announced, std::int64_t timeout_ns);

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__WAKEUP_HPP_
