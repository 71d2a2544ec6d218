// Measures the mailboxes in C++ and prints what was found, one JSON object a line.
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "hand_over.hpp"
#include "sage_mailbox/broadcast_mailbox.hpp"
#include "sage_mailbox/tensor_mailbox.hpp"
#include "sage_mailbox/wakeup.hpp"

namespace sage::mailbox::bench
{

namespace
{

constexpr int kRepetitions = 5;
constexpr int kRounds = 4;
constexpr std::pair<const char *, Via> kVias[] = {
    {"word", Via::word}, {"queue", Via::queue}, {"tensor", Via::tensor}};
constexpr std::pair<const char *, double> kRanks[] = {
    {"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}};

/// Calls per second of the fastest of some runs, as the least disturbed one.
template <class Call>
double rate(std::uint32_t count, const Call & call)
{
  double best = 0.0;
  for (int repetition = 0; repetition < kRepetitions; ++repetition) {
    const std::int64_t begin_ns = monotonic_ns();
    for (std::uint32_t index = 0; index < count; ++index) {
      call(index);
    }
    best = std::max(best, 1e9 * count / static_cast<double>(monotonic_ns() - begin_ns));
  }
  return best;
}

void print(const char * name, double value, const char * unit)
{
  std::printf("{\"name\": \"%s\", \"value\": %.9g, \"unit\": \"%s\"}\n", name, value, unit);
}

void require(bool holds, const char * what)
{
  if (!holds) {
    throw MailboxError(std::string("while measuring: ") + what);
  }
}

void records(std::uint32_t count)
{
  BroadcastOptions options;
  options.cell_count = 4096;
  auto box = BroadcastMailbox::create("bench-records-" + std::to_string(getpid()), options);
  auto writer = box.writer();
  std::uint64_t payload[5] = {};
  print(
      "push",
      rate(
          count,
          [&](std::uint32_t index) {
            payload[0] = index;
            require(writer.push(payload, sizeof payload) == Status::ok, "a push failed");
          }),
      "1/s");
  auto reader = box.reader();
  RecordHead head;
  print(
      "push and pop",
      rate(
          count,
          [&](std::uint32_t index) {
            payload[0] = index;
            require(writer.push(payload, sizeof payload) == Status::ok, "a push failed");
            require(reader.pop(head, payload) == Status::ok, "a pop failed");
            require(payload[0] == index, "a record came back changed");
          }),
      "1/s");
  const std::uint32_t lap = options.cell_count;
  double best_ns = 1e18;
  for (std::uint32_t repetition = 0; repetition < 200; ++repetition) {
    for (std::uint32_t index = 0; index < lap; ++index) {
      writer.push(payload, sizeof payload);
    }
    const std::int64_t begin_ns = monotonic_ns();
    for (std::uint32_t index = 0; index < lap; ++index) {
      require(reader.pop(head, payload) == Status::ok, "a pop failed");
    }
    best_ns = std::min(best_ns, static_cast<double>(monotonic_ns() - begin_ns));
  }
  print("pop", 1e9 * lap / best_ns, "1/s");
}

void tensors(std::uint32_t count)
{
  TensorOptions options;
  options.slot_count = 4;
  options.slot_bytes = 1u << 20;
  auto box = TensorMailbox::create("bench-tensors-" + std::to_string(getpid()), options);
  auto writer = box.writer();
  Tensor tensor;
  tensor.shape = {512, 512, 4};
  const auto push = [&] {
    WriteLease lease;
    require(writer.acquire(lease) == Status::ok, "no slot was free");
    require(lease.publish(tensor) == Status::ok, "a tensor was not published");
  };
  print("push, no reader", rate(count, [&](std::uint32_t) { push(); }), "1/s");
  auto reader = box.reader();
  std::int64_t push_ns = 0;
  std::int64_t pop_ns = 0;
  for (std::uint32_t index = 0; index < count / options.slot_count; ++index) {
    const std::int64_t begin_ns = monotonic_ns();
    for (std::uint32_t slot = 0; slot < options.slot_count; ++slot) {
      push();
    }
    const std::int64_t middle_ns = monotonic_ns();
    for (std::uint32_t slot = 0; slot < options.slot_count; ++slot) {
      ReadLease lease;
      require(reader.next(lease) == Status::ok, "a tensor did not come");
    }
    push_ns += middle_ns - begin_ns;
    pop_ns += monotonic_ns() - middle_ns;
  }
  print("push", 1e9 * count / static_cast<double>(push_ns), "1/s");
  print("pop", 1e9 * count / static_cast<double>(pop_ns), "1/s");
}

double percentile_us(std::vector<std::int64_t> & times_ns, double share)
{
  const auto at = times_ns.begin() + static_cast<std::ptrdiff_t>(share * (times_ns.size() - 1));
  std::nth_element(times_ns.begin(), at, times_ns.end());
  return static_cast<double>(*at) / 1e3;
}

void print_late(const Times & found)
{
  const Lateness & of = found.lateness;
  const std::pair<const char *, std::uint64_t> counts[] = {
      {"late", of.late},
      {"late_reader_off", of.reader_off},
      {"late_writer_off", of.writer_off},
      {"late_behind", of.behind},
      {"late_reader_on", of.reader_on},
      {"late_writer_on", of.writer_on},
      {"late_unexplained", of.unexplained},
      {"reader_stalls", of.reader_stalls},
      {"writer_stalls", of.writer_stalls},
      {"on_core_samples", found.on_core_ns.size()}};
  for (const auto & [name, value] : counts) {
    std::printf(", \"%s\": %llu", name, static_cast<unsigned long long>(value));
  }
}

void print(const char * name, Times & found)
{
  require(!found.latencies_ns.empty(), "nothing came");
  auto & times = found.latencies_ns;
  std::printf("{\"name\": \"%s\", \"unit\": \"us\"", name);
  for (const auto & [rank, share] : kRanks) {
    std::printf(", \"%s\": %.3f", rank, percentile_us(times, share));
  }
  // where no hand-over met both sides on their cores there is no such figure
  if (!found.on_core_ns.empty()) {
    std::printf(", \"on_core_p50\": %.3f", percentile_us(found.on_core_ns, 0.5));
    std::printf(", \"on_core_p99\": %.3f", percentile_us(found.on_core_ns, 0.99));
    std::printf(", \"on_core_p999\": %.3f", percentile_us(found.on_core_ns, 0.999));
  }
  print_late(found);
  std::printf(
      ", \"samples\": %zu, \"missed\": %llu, \"filling_p50\": %.3f, "
      "\"writer_cpu_share\": %.6f, \"reader_cpu_share\": %.6f}\n",
      times.size(), static_cast<unsigned long long>(found.missed),
      percentile_us(found.filling_ns, 0.5), found.writer_cpu_share / kRounds,
      found.reader_cpu_share / kRounds);
}

/// Transports in turns, so that all meet the same disturbances.
void hand_over(HandOver what)
{
  what.count /= kRounds;
  Times found[std::size(kVias)];
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t index = 0; index < std::size(kVias); ++index) {
      found[index].add(measure(what, kVias[index].second));
    }
  }
  for (std::size_t index = 0; index < std::size(kVias); ++index) {
    print(kVias[index].first, found[index]);
  }
}

std::uint64_t number(const char * text)
{
  char * end = nullptr;
  const std::uint64_t value = std::strtoull(text, &end, 10);
  if (end == text || *end != '\0') {
    throw std::invalid_argument(std::string("'") + text + "' is no number");
  }
  return value;
}

constexpr char kUsage[] =
    "usage: mailbox_figures records COUNT\n"
    "       mailbox_figures tensors COUNT\n"
    "       mailbox_figures hand-over BYTES READERS COUNT PERIOD_US (process|thread) "
    "(poll|sleep) (busy|asleep)\n"
    "the last two: how readers wait, and how the writer passes the time between hand-overs\n";

int run(int count, char ** words)
{
  const std::string what = count > 1 ? words[1] : "";
  if (what == "records" && count == 3) {
    records(static_cast<std::uint32_t>(number(words[2])));
  } else if (what == "tensors" && count == 3) {
    tensors(static_cast<std::uint32_t>(number(words[2])));
  } else if (what == "hand-over" && count == 9) {
    HandOver wanted;
    wanted.payload_bytes = number(words[2]);
    wanted.readers = static_cast<std::uint32_t>(number(words[3]));
    wanted.count = static_cast<std::uint32_t>(number(words[4]));
    wanted.period_us = static_cast<std::uint32_t>(number(words[5]));
    wanted.across_processes = std::strcmp(words[6], "process") == 0;
    wanted.polling = std::strcmp(words[7], "poll") == 0;
    wanted.busy_writer = std::strcmp(words[8], "busy") == 0;
    hand_over(wanted);
  } else {
    std::fputs(kUsage, stderr);
    return 2;
  }
  return 0;
}

}  // namespace

}  // namespace sage::mailbox::bench

int main(int count, char ** words)
{
  try {
    return sage::mailbox::bench::run(count, words);
  } catch (const std::exception & error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
