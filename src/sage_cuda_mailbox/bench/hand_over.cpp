#include "hand_over.hpp"

#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <thread>

#include "channel.hpp"
#include "sage_mailbox/status.hpp"
#include "sage_mailbox/wakeup.hpp"
#include "sage_mailbox/words.hpp"

namespace sage::mailbox::bench
{

namespace
{

constexpr std::int64_t kReadersTimeoutNs = 20'000'000'000;
constexpr std::uint32_t kWarmUp = 100;

std::int64_t cpu_ns()
{
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

/// What a reader found, written into memory that the measuring process sees.
struct Report {
  std::uint32_t ready = 0;
  std::uint32_t done = 0;  ///< 1 + how many it timed
  std::uint64_t missed = 0;
  double cpu_share = 0.0;
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
      throw MailboxError("no memory for " + std::to_string(bytes) + " bytes of figures");
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
    std::int64_t * times)
{
  const OnCore kept(1 + index, 1 + what.readers);
  const auto receiver = sender.receiver();
  SystemWords::store(&report.ready, 1u);
  std::uint32_t timed = 0;
  Arrival arrival;
  const std::int64_t begin_ns = monotonic_ns();
  const std::int64_t used_ns = cpu_ns();
  while (arrival.number + 1 < what.count + kWarmUp) {
    const Receiver::Got got = receiver->take(arrival);
    if (got == Receiver::Got::end) {
      break;
    }
    if (got == Receiver::Got::nothing) {
      if (!what.polling) {
        receiver->wait();
      }
      continue;
    }
    if (arrival.number >= kWarmUp) {
      times[timed++] = arrival.seen_ns - arrival.stamp_ns;
    }
  }
  report.missed = receiver->missed();
  report.cpu_share =
      static_cast<double>(cpu_ns() - used_ns) / static_cast<double>(monotonic_ns() - begin_ns);
  SystemWords::store(&report.done, 1u + timed);
}

void wait_until(const std::uint32_t & word)
{
  const std::int64_t end_ns = monotonic_ns() + kReadersTimeoutNs;
  while (SystemWords::load(&word) == 0) {
    if (monotonic_ns() > end_ns) {
      throw std::runtime_error("a reader did not answer within 20 s");
    }
    usleep(1000);
  }
}

void pass_time_until(std::int64_t due_ns, bool is_busy)
{
  std::int64_t left_ns = due_ns - monotonic_ns();
  if (!is_busy && left_ns > 0) {
    const timespec rest{left_ns / 1'000'000'000, left_ns % 1'000'000'000};
    nanosleep(&rest, nullptr);
  }
  while (left_ns > 0) {
    left_ns = due_ns - monotonic_ns();
  }
}

/// The slot is filled before the time to commit it comes, as by a camera with a rate of its own.
void write_all(Sender & sender, const HandOver & what, Times & found)
{
  const OnCore kept(0, 1 + what.readers);
  std::int64_t used_ns = 0;
  const std::int64_t begin_ns = monotonic_ns();
  for (std::uint32_t index = 0; index < what.count + kWarmUp; ++index) {
    const std::int64_t before_ns = cpu_ns();
    const std::int64_t filling_from_ns = monotonic_ns();
    sender.fill();
    found.filling_ns.push_back(monotonic_ns() - filling_from_ns);
    used_ns += cpu_ns() - before_ns;
    pass_time_until(begin_ns + std::int64_t{index + 1} * what.period_us * 1000, what.busy_writer);
    const std::int64_t commit_from_ns = cpu_ns();
    sender.commit();
    used_ns += cpu_ns() - commit_from_ns;
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
}

Times measure(const HandOver & what, Via via)
{
  const auto sender = make_sender(via, "bench-" + std::to_string(getpid()), what);
  const std::size_t times_bytes = what.count * sizeof(std::int64_t);
  const SharedArray results(what.readers * (sizeof(Report) + times_bytes));
  auto * reports = reinterpret_cast<Report *>(results.data());
  auto * times = reinterpret_cast<std::int64_t *>(reports + what.readers);

  std::vector<std::thread> threads;
  std::vector<pid_t> children;
  for (std::uint32_t index = 0; index < what.readers; ++index) {
    std::int64_t * own = times + std::size_t{index} * what.count;
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
  write_all(*sender, what, found);
  usleep(100'000);
  sender->end();
  for (auto & thread : threads) {
    thread.join();
  }
  for (const pid_t child : children) {
    waitpid(child, nullptr, 0);
  }
  for (std::uint32_t index = 0; index < what.readers; ++index) {
    const std::uint32_t done = SystemWords::load(&reports[index].done);
    if (done == 0) {
      throw std::runtime_error("a reader ended early");
    }
    const std::int64_t * own = times + std::size_t{index} * what.count;
    found.latencies_ns.insert(found.latencies_ns.end(), own, own + (done - 1));
    found.missed += reports[index].missed;
    found.reader_cpu_share += reports[index].cpu_share / what.readers;
  }
  return found;
}

}  // namespace sage::mailbox::bench
