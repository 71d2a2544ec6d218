// When a side of a measurement did not run, so that what was late then can be told from the rest.
#ifndef STALLS_HPP_
#define STALLS_HPP_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "arrival.hpp"

namespace sage::mailbox::bench
{

/// Two turns of a loop lay so far apart.
struct Stall {
  std::int64_t begin_ns = 0;
  std::int64_t end_ns = 0;
  bool off_core = false;  ///< the scheduler, or the hypervisor, ran something else
};

/// A list of fixed room, in memory that may be shared between processes.
struct StallList {
  static constexpr std::uint32_t kRoom = 16384;

  std::uint32_t count = 0;
  std::uint32_t dropped = 0;  ///< those that found no room
  Stall stalls[kRoom];
};

/// Watches the turns of one thread's loop.
///
/// A loop that polls turns every few ten nanoseconds. If a turn took kLeastNs or more, the thread's
/// CPU time tells whether it was off its core for half of it or more. An interrupt, and slow code
/// of the loop's own, count as time on the core.
class StallWatch
{
public:
  static constexpr std::int64_t kLeastNs = 5'000;

  explicit StallWatch(StallList & found);

  void turn(std::int64_t now_ns)
  {
    if (now_ns - last_ns_ >= kLeastNs) {
      note(now_ns);
    } else {
      last_ns_ = now_ns;
    }
  }
  /// To be called now and then: CPU time is compared with the clock since the last mark.
  void mark();
  /// What was done since the last turn took long on purpose.
  void skip();

private:
  void note(std::int64_t now_ns);

  StallList & found_;
  std::int64_t last_ns_;
  std::int64_t marked_ns_;
  std::int64_t marked_cpu_ns_;
};

/// What the late hand-overs were late for.
struct Lateness {
  static constexpr std::int64_t kLateNs = 10'000;

  std::uint64_t late = 0;  ///< kLateNs or more
  std::uint64_t reader_off = 0;
  std::uint64_t writer_off = 0;
  std::uint64_t reader_on = 0;      ///< interrupted, or its own code was slow
  std::uint64_t writer_on = 0;      ///< the same
  std::uint64_t behind = 0;         ///< the reader was at an earlier one still
  std::uint64_t unexplained = 0;    ///< none of these
  std::uint64_t reader_stalls = 0;  ///< off its core, in all
  std::uint64_t writer_stalls = 0;

  void add(const Lateness & more);
};

struct Sorted {
  Lateness lateness;
  /// Of the hand-overs that met no side off its core, and were not behind one that did.
  std::vector<std::int64_t> on_core_ns;
};

/// Sorts the arrivals of one reader, which are in the order in which they were seen.
Sorted sort_out(
    const Arrival * arrivals, std::size_t count, const StallList & reader,
    const StallList & writer);

}  // namespace sage::mailbox::bench

#endif  // STALLS_HPP_
