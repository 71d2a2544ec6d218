#include "hand_over.hpp"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <thread>

#include "sage_mailbox/tensor_mailbox.hpp"
#include "sage_mailbox/wakeup.hpp"

namespace sage::mailbox::bench
{

namespace
{

constexpr std::int64_t kReadersTimeout_ns = 20'000'000'000;
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
  std::uint32_t done = 0;
  std::uint64_t missed = 0;
};

/// Memory that processes forked from this one share.
class SharedArray
{
public:
  explicit SharedArray(std::size_t bytes)
  : box_(TensorMailbox::create("bench-results-" + std::to_string(getpid()), options(bytes)))
  {
  }
  std::byte * data() const { return box_.segment()->payload(); }

private:
  static TensorOptions options(std::size_t bytes)
  {
    TensorOptions options;
    options.slot_count = 1;
    options.slot_bytes = bytes;
    return options;
  }

  TensorMailbox box_;
};

void read_all(TensorReader reader, const HandOver & what, Report & report, std::int64_t * times)
{
  SystemWords::store(&report.ready, 1u);
  std::uint32_t seen = 0;
  while (seen < what.count + kWarmUp) {
    ReadLease lease;
    const Status status = reader.next(lease);
    if (status == Status::closed) {
      break;
    }
    if (status != Status::ok) {
      if (!what.polling) {
        reader.wait(-1);
      }
      continue;
    }
    const volatile std::byte * first = lease.data();
    (void)first[0];
    (void)first[what.payload_bytes - 1];
    const std::int64_t now_ns = monotonic_ns();
    if (seen >= kWarmUp) {
      times[seen - kWarmUp] = now_ns - lease.tensor().stamp_ns;
    }
    ++seen;
  }
  SystemWords::store(&report.missed, reader.missed());
  SystemWords::store(&report.done, 1u + seen);
}

void wait_until(const std::uint32_t & word)
{
  const std::int64_t end_ns = monotonic_ns() + kReadersTimeout_ns;
  while (SystemWords::load(&word) == 0) {
    if (monotonic_ns() > end_ns) {
      throw std::runtime_error("a reader did not answer within 20 s");
    }
    usleep(1000);
  }
}

double write_all(TensorMailbox & box, const HandOver & what)
{
  TensorWriter writer = box.writer();
  Tensor tensor;
  tensor.shape = {what.payload_bytes};
  std::int64_t used_ns = 0;
  const std::int64_t begin_ns = monotonic_ns();
  for (std::uint32_t index = 0; index < what.count + kWarmUp; ++index) {
    const std::int64_t due_ns = begin_ns + std::int64_t{index} * what.period_us * 1000;
    const std::int64_t left_ns = due_ns - monotonic_ns();
    if (left_ns > 0) {
      const timespec rest{left_ns / 1'000'000'000, left_ns % 1'000'000'000};
      nanosleep(&rest, nullptr);
    }
    const std::int64_t before_ns = cpu_ns();
    WriteLease lease;
    Status status = writer.acquire(lease, WhenFull::overwrite);
    while (status == Status::full) {
      status = writer.acquire(lease, WhenFull::overwrite);
    }
    tensor.stamp_ns = monotonic_ns();
    if (status != Status::ok || lease.publish(tensor) != Status::ok) {
      throw std::runtime_error(std::string("writing failed: ") + name_of(status));
    }
    used_ns += cpu_ns() - before_ns;
  }
  return static_cast<double>(used_ns) / static_cast<double>(monotonic_ns() - begin_ns);
}

}  // namespace

Times measure(const HandOver & what)
{
  const std::string name = "bench-" + std::to_string(getpid());
  TensorOptions options;
  options.slot_count = 4;
  options.slot_bytes = what.payload_bytes;
  TensorMailbox box = TensorMailbox::create(name, options);
  const std::size_t times_bytes = what.count * sizeof(std::int64_t);
  const SharedArray results(what.readers * (sizeof(Report) + times_bytes));
  auto * reports = reinterpret_cast<Report *>(results.data());
  auto * times = reinterpret_cast<std::int64_t *>(reports + what.readers);

  std::vector<std::thread> threads;
  std::vector<pid_t> children;
  for (std::uint32_t index = 0; index < what.readers; ++index) {
    std::int64_t * own = times + std::size_t{index} * what.count;
    if (!what.across_processes) {
      threads.emplace_back([&box, &what, reports, own, index] {
        read_all(box.reader(), what, reports[index], own);
      });
      continue;
    }
    const pid_t child = fork();
    if (child == 0) {
      read_all(TensorMailbox::attach(name).reader(), what, reports[index], own);
      _exit(0);
    }
    children.push_back(child);
  }
  for (std::uint32_t index = 0; index < what.readers; ++index) {
    wait_until(reports[index].ready);
  }
  Times found;
  found.writer_cpu_share = write_all(box, what);
  usleep(100'000);
  box.close();
  for (auto & thread : threads) {
    thread.join();
  }
  for (const pid_t child : children) {
    waitpid(child, nullptr, 0);
  }
  for (std::uint32_t index = 0; index < what.readers; ++index) {
    const std::uint32_t seen = SystemWords::load(&reports[index].done) - 1;
    const std::uint32_t kept = seen > kWarmUp ? seen - kWarmUp : 0;
    const std::int64_t * own = times + std::size_t{index} * what.count;
    found.latencies_ns.insert(found.latencies_ns.end(), own, own + kept);
    found.missed += reports[index].missed;
  }
  return found;
}

}  // namespace sage::mailbox::bench
