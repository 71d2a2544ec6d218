#include "stalls.hpp"

#include <algorithm>

#include "sage_mailbox/wakeup.hpp"
#include "thread_clock.hpp"

namespace sage::mailbox::bench
{

namespace
{

/// How much of a hand-over a side stalled, off its core and on it.
struct Overlap {
  std::int64_t off_ns = 0;
  std::int64_t on_ns = 0;
};

/// Both ascend in time, so each list is passed once.
class Overlaps
{
public:
  explicit Overlaps(const StallList & list) : next_(list.stalls), end_(list.stalls + list.count) {}

  Overlap with(const Arrival & arrival)
  {
    while (next_ != end_ && next_->end_ns <= arrival.stamp_ns) {
      ++next_;
    }
    Overlap found;
    for (const Stall * stall = next_; stall != end_ && stall->begin_ns < arrival.seen_ns; ++stall) {
      const std::int64_t both_ns =
          std::min(stall->end_ns, arrival.seen_ns) - std::max(stall->begin_ns, arrival.stamp_ns);
      (stall->off_core ? found.off_ns : found.on_ns) += both_ns;
    }
    return found;
  }

private:
  const Stall * next_;
  const Stall * end_;
};

std::uint64_t off_core(const StallList & list)
{
  return static_cast<std::uint64_t>(std::count_if(
      list.stalls, list.stalls + list.count, [](const Stall & one) { return one.off_core; }));
}

std::uint64_t & cause_of(
    Lateness & found, std::int64_t latency_ns, const Overlap & reader, const Overlap & writer,
    bool is_behind)
{
  const auto most = [latency_ns](std::int64_t part_ns) { return 2 * part_ns >= latency_ns; };
  if (most(reader.off_ns)) {
    return found.reader_off;
  }
  if (most(writer.off_ns)) {
    return found.writer_off;
  }
  if (is_behind) {
    return found.behind;
  }
  if (most(reader.on_ns)) {
    return found.reader_on;
  }
  return most(writer.on_ns) ? found.writer_on : found.unexplained;
}

}  // namespace

StallWatch::StallWatch(StallList & found)
: found_(found), last_ns_(monotonic_ns()), marked_ns_(last_ns_), marked_cpu_ns_(thread_cpu_ns())
{
}

void StallWatch::mark()
{
  turn(monotonic_ns());
  marked_cpu_ns_ = thread_cpu_ns();
  marked_ns_ = monotonic_ns();
}

void StallWatch::skip()
{
  marked_cpu_ns_ = thread_cpu_ns();
  last_ns_ = marked_ns_ = monotonic_ns();
}

void StallWatch::note(std::int64_t now_ns)
{
  const std::int64_t cpu_ns = thread_cpu_ns();
  const std::int64_t off_ns = (now_ns - marked_ns_) - (cpu_ns - marked_cpu_ns_);
  if (found_.count < StallList::kRoom) {
    found_.stalls[found_.count++] = {last_ns_, now_ns, 2 * off_ns >= now_ns - last_ns_};
  } else {
    ++found_.dropped;
  }
  marked_cpu_ns_ = cpu_ns;
  last_ns_ = marked_ns_ = monotonic_ns();
}

void Lateness::add(const Lateness & more)
{
  late += more.late;
  reader_off += more.reader_off;
  writer_off += more.writer_off;
  reader_on += more.reader_on;
  writer_on += more.writer_on;
  behind += more.behind;
  unexplained += more.unexplained;
  reader_stalls += more.reader_stalls;
  writer_stalls += more.writer_stalls;
}

Sorted sort_out(
    const Arrival * arrivals, std::size_t count, const StallList & reader, const StallList & writer)
{
  Sorted sorted;
  sorted.lateness.reader_stalls = off_core(reader);
  sorted.lateness.writer_stalls = off_core(writer);
  Overlaps of_reader(reader);
  Overlaps of_writer(writer);
  std::int64_t seen_before_ns = 0;
  bool was_off = false;
  for (const Arrival * one = arrivals; one != arrivals + count; ++one) {
    const std::int64_t latency_ns = one->seen_ns - one->stamp_ns;
    const Overlap reader_stalled = of_reader.with(*one);
    const Overlap writer_stalled = of_writer.with(*one);
    const bool is_behind = one->stamp_ns < seen_before_ns;
    if (latency_ns >= Lateness::kLateNs) {
      ++sorted.lateness.late;
      ++cause_of(sorted.lateness, latency_ns, reader_stalled, writer_stalled, is_behind);
    }
    was_off = reader_stalled.off_ns > 0 || writer_stalled.off_ns > 0 || (was_off && is_behind);
    if (!was_off) {
      sorted.on_core_ns.push_back(latency_ns);
    }
    seen_before_ns = one->seen_ns;
  }
  return sorted;
}

}  // namespace sage::mailbox::bench
