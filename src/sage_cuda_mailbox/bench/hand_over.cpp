#include "hand_over.hpp"

#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "channel.hpp"
#include "sage_mailbox/atomics.hpp"
#include "sage_mailbox/errors.hpp"
#include "sage_mailbox/wakeup.hpp"
#include "thread_clock.hpp"

namespace sage::mailbox::bench
{

namespace
{

constexpr std::int64_t kReadersTimeoutNs = 20'000'000'000;
constexpr std::uint32_t kWarmUp = 100;

/// What a reader found, written into memory that the measuring process sees.
struct Report {
  std::uint32_t ready = 0;
  std::uint32_t done = 0;  ///< 1 + how many it timed
  std::uint64_t missed = 0;
  double cpu_share = 0.0;
  StallList stalls;
};

/// Memory that processes forked from this one share: all of its pages are there already.
class SharedArray
{
public:
  explicit SharedArray(std::size_t bytes)
  : bytes_(bytes),
    base_(mmap(
        nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0))
  {
    if (base_ == MAP_FAILED) {
      throw OutOfMemory("no memory for " + std::to_string(bytes) + " bytes of figures");
    }
  }
  SharedArray(const SharedArray &) = delete;
  SharedArray & operator=(const SharedArray &) = delete;
  ~SharedArray() { munmap(base_, bytes_); }
  std::byte * data() const { return static_cast<std::byte *>(base_); }

private:
  std::size_t bytes_;
  void * base_;
};

/// Keeps the calling thread to one core of those that it may use, and lets it go at the end.
class OnCore
{
public:
  /// Does nothing with fewer cores than there are sides.
  OnCore(std::uint32_t index, std::uint32_t sides)
  {
    sched_getaffinity(0, sizeof before_, &before_);
    if (static_cast<std::uint32_t>(CPU_COUNT(&before_)) < sides) {
      return;
    }
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(core, &before_) && index-- == 0) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(core, &one);
        sched_setaffinity(0, sizeof one, &one);
        return;
      }
    }
  }
  OnCore(const OnCore &) = delete;
  OnCore & operator=(const OnCore &) = delete;
  ~OnCore() { sched_setaffinity(0, sizeof before_, &before_); }

private:
  cpu_set_t before_{};
};

void read_all(
    Sender & sender, const HandOver & what, std::uint32_t index, Report & report,
    Arrival * arrivals)
{
  const OnCore kept(1 + index, 1 + what.readers);
  const auto receiver = sender.receiver();
  std::fill_n(arrivals, what.count, Arrival{});  // its pages are to be there in this process, too
  SystemAtomics::store(&report.ready, 1u);
  std::uint32_t timed = 0;
  Arrival arrival;
  const std::int64_t begin_ns = monotonic_ns();
  const std::int64_t used_ns = thread_cpu_ns();
  StallWatch watch(report.stalls);
  while (arrival.number + 1 < what.count + kWarmUp) {
    const Receiver::Got got = receiver->take(arrival);
    if (got == Receiver::Got::end) {
      break;
    }
    if (got == Receiver::Got::nothing) {
      if (!what.polling) {
        receiver->wait();
        watch.skip();
      }
      watch.turn(monotonic_ns());
      continue;
    }
    watch.turn(arrival.seen_ns);
    if (arrival.number >= kWarmUp) {
      arrivals[timed++] = arrival;
    }
    watch.mark();
  }
  report.missed = receiver->missed();
  report.cpu_share = static_cast<double>(thread_cpu_ns() - used_ns) /
                     static_cast<double>(monotonic_ns() - begin_ns);
  SystemAtomics::store(&report.done, 1u + timed);
}

void wait_until(const std::uint32_t & word)
{
  const std::int64_t end_ns = monotonic_ns() + kReadersTimeoutNs;
  while (SystemAtomics::load(&word) == 0) {
    if (monotonic_ns() > end_ns) {
      throw std::runtime_error("a reader did not answer within 20 s");
    }
    usleep(1000);
  }
}

void pass_time_until(std::int64_t due_ns, bool is_busy, StallWatch & watch)
{
  std::int64_t left_ns = due_ns - monotonic_ns();
  if (!is_busy && left_ns > 0) {
    const timespec rest{left_ns / 1'000'000'000, left_ns % 1'000'000'000};
    nanosleep(&rest, nullptr);
    watch.skip();
  }
  while (left_ns > 0) {
    const std::int64_t now_ns = monotonic_ns();
    watch.turn(now_ns);
    left_ns = due_ns - now_ns;
  }
}

/// Up to half a period, spread evenly: at a fixed beat all of a run's hand-overs would meet the
/// kernel's timer tick, or none.
std::int64_t dither_ns(std::uint32_t index, const HandOver & what)
{
  return std::int64_t{index} * 619 % 1000 * what.period_us / 2;
}

/// The slot is filled before the time to commit it comes, as by a camera with a rate of its own.
void write_all(Sender & sender, const HandOver & what, Times & found, StallList & stalls)
{
  const OnCore kept(0, 1 + what.readers);
  std::int64_t used_ns = 0;
  StallWatch watch(stalls);
  const std::int64_t begin_ns = monotonic_ns();
  for (std::uint32_t index = 0; index < what.count + kWarmUp; ++index) {
    const std::int64_t before_ns = thread_cpu_ns();
    const std::int64_t filling_from_ns = monotonic_ns();
    sender.fill();
    found.filling_ns.push_back(monotonic_ns() - filling_from_ns);
    used_ns += thread_cpu_ns() - before_ns;
    watch.skip();
    const std::int64_t due_ns =
        begin_ns + std::int64_t{index + 1} * what.period_us * 1000 + dither_ns(index, what);
    pass_time_until(due_ns, what.busy_writer, watch);
    const std::int64_t commit_from_ns = thread_cpu_ns();
    sender.commit();
    watch.turn(monotonic_ns());
    used_ns += thread_cpu_ns() - commit_from_ns;
  }
  found.writer_cpu_share =
      static_cast<double>(used_ns) / static_cast<double>(monotonic_ns() - begin_ns);
}

}  // namespace

void Times::add(const Times & more)
{
  latencies_ns.insert(latencies_ns.end(), more.latencies_ns.begin(), more.latencies_ns.end());
  filling_ns.insert(filling_ns.end(), more.filling_ns.begin(), more.filling_ns.end());
  writer_cpu_share += more.writer_cpu_share;
  reader_cpu_share += more.reader_cpu_share;
  missed += more.missed;
  lateness.add(more.lateness);
  on_core_ns.insert(on_core_ns.end(), more.on_core_ns.begin(), more.on_core_ns.end());
}

void Times::add_reader(
    const Arrival * arrivals, std::size_t count, const StallList & reader, const StallList & writer)
{
  for (const Arrival * one = arrivals; one != arrivals + count; ++one) {
    latencies_ns.push_back(one->seen_ns - one->stamp_ns);
  }
  const Sorted sorted = sort_out(arrivals, count, reader, writer);
  on_core_ns.insert(on_core_ns.end(), sorted.on_core_ns.begin(), sorted.on_core_ns.end());
  lateness.add(sorted.lateness);
}

Times measure(const HandOver & what, Via via)
{
  const auto sender = make_sender(via, "bench-" + std::to_string(getpid()), what);
  const SharedArray results(what.readers * (sizeof(Report) + what.count * sizeof(Arrival)));
  auto * reports = reinterpret_cast<Report *>(results.data());
  auto * arrivals = reinterpret_cast<Arrival *>(reports + what.readers);

  std::vector<std::thread> threads;
  std::vector<pid_t> children;
  for (std::uint32_t index = 0; index < what.readers; ++index) {
    Arrival * own = arrivals + std::size_t{index} * what.count;
    if (!what.across_processes) {
      threads.emplace_back([&sender, &what, reports, own, index] {
        read_all(*sender, what, index, reports[index], own);
      });
      continue;
    }
    const pid_t child = fork();
    if (child == 0) {
      read_all(*sender, what, index, reports[index], own);
      _exit(0);
    }
    children.push_back(child);
  }
  for (std::uint32_t index = 0; index < what.readers; ++index) {
    wait_until(reports[index].ready);
  }
  Times found;
  const auto writer_stalls = std::make_unique<StallList>();
  write_all(*sender, what, found, *writer_stalls);
  usleep(100'000);
  sender->end();
  for (auto & thread : threads) {
    thread.join();
  }
  for (const pid_t child : children) {
    waitpid(child, nullptr, 0);
  }
  for (std::uint32_t index = 0; index < what.readers; ++index) {
    const std::uint32_t done = SystemAtomics::load(&reports[index].done);
    if (done == 0) {
      throw std::runtime_error("a reader ended early");
    }
    found.add_reader(
        arrivals + std::size_t{index} * what.count, done - 1, reports[index].stalls,
        *writer_stalls);
    found.missed += reports[index].missed;
    found.reader_cpu_share += reports[index].cpu_share / what.readers;
  }
  return found;
}

}  // namespace sage::mailbox::bench
