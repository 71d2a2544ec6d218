// The CPU time of a thread.
#ifndef THREAD_CLOCK_HPP_
#define THREAD_CLOCK_HPP_

#include <time.h>

#include <cstdint>

namespace sage::mailbox::bench
{

/// CPU time of the calling thread [ns], CLOCK_THREAD_CPUTIME_ID.
inline std::int64_t thread_cpu_ns()
{
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

}  // namespace sage::mailbox::bench

#endif  // THREAD_CLOCK_HPP_
