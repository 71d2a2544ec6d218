#include "sage_mailbox/wakeup.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <limits>

namespace sage::mailbox
{

namespace
{

constexpr std::int64_t kNsPerS = 1'000'000'000;
constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();

/// A writer that is killed between seeing a sleeper and waking it leaves it asleep, and those who
/// write after it do not know of the sleeper.
constexpr std::int64_t kLongestSleepNs = 50'000'000;

std::int64_t now_ns(clockid_t clock)
{
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * kNsPerS + now.tv_nsec;
}

long futex(std::uint32_t * word, int operation, std::uint32_t value, const timespec * timeout)
{
  return syscall(SYS_futex, word, operation, value, timeout, nullptr, 0);
}

}  // namespace

std::int64_t monotonic_ns() { return now_ns(CLOCK_MONOTONIC); }

std::int64_t coarse_monotonic_ns() { return now_ns(CLOCK_MONOTONIC_COARSE); }

Deadline::Deadline(std::int64_t timeout_ns) : end_ns_(kForever)
{
  if (timeout_ns >= 0 && __builtin_add_overflow(monotonic_ns(), timeout_ns, &end_ns_)) {
    end_ns_ = kForever;
  }
}

std::int64_t Deadline::left_ns() const
{
  return end_ns_ == kForever ? kForever : std::max(end_ns_ - monotonic_ns(), std::int64_t{0});
}

void wake_sleepers(Header & header)
{
  // With the fence in announce_sleep: either this sees the sleeper, or the sleeper's second look
  // sees what was written before.
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  if (__atomic_load_n(&header.sleepers, __ATOMIC_RELAXED) == 0) {
    return;
  }
  if (__atomic_exchange_n(&header.sleepers, 0u, __ATOMIC_SEQ_CST) != 0) {
    __atomic_fetch_add(&header.wake, 1u, __ATOMIC_SEQ_CST);
    futex(&header.wake, FUTEX_WAKE, INT_MAX, nullptr);
  }
}

std::uint32_t announce_sleep(Header & header)
{
  const std::uint32_t announced = __atomic_load_n(&header.wake, __ATOMIC_SEQ_CST);
  __atomic_exchange_n(&header.sleepers, 1u, __ATOMIC_SEQ_CST);
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  return announced;
}

void sleep_until_woken(Header & header, std::uint32_t announced, std::int64_t timeout_ns)
{
  const std::int64_t sleep_ns = std::min(timeout_ns, kLongestSleepNs);
  const timespec timeout{sleep_ns / kNsPerS, sleep_ns % kNsPerS};
  futex(&header.wake, FUTEX_WAIT, announced, &timeout);
}

}  // namespace sage::mailbox
