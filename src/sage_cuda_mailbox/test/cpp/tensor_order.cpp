// Several writers and readers of tensors: what a reader holds a lease on stays whole.
//
// tensor_order TENSORS: that many from each writer, in each of the ways.
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "expect.hpp"
#include "sage_mailbox/tensor_mailbox.hpp"

using namespace sage::mailbox;
using namespace sage::mailbox::test;

namespace
{

constexpr std::uint32_t kWriters = 3;
constexpr std::uint32_t kReaders = 3;
constexpr std::uint64_t kElements = 512;

/// How a run differs from others.
struct Way {
  const char * name;
  WhenFull when_full;
  std::int64_t ttl_ns;
};

/// Elements are atomic words: where leases run out, a reader may look while a writer writes.
std::uint64_t * elements(std::byte * slot) { return reinterpret_cast<std::uint64_t *>(slot); }

Tensor tensor_with(std::uint64_t tag)
{
  Tensor tensor;
  tensor.type = data_type("uint64");
  tensor.shape = {kElements};
  tensor.tag = tag;
  return tensor;
}

void write(
    const TensorMailbox & mailbox, std::uint64_t writer, std::uint64_t count, const Way & way)
{
  TensorWriter tensors = mailbox.writer();
  for (std::uint64_t number = 0; number < count;) {
    WriteLease lease;
    const Status status = tensors.acquire(lease, way.when_full);
    if (status != Status::ok) {
      EXPECT(status == Status::full);
      std::this_thread::yield();
      continue;
    }
    const std::uint64_t tag = number * kWriters + writer;
    for (std::uint64_t index = 0; index < kElements; ++index) {
      __atomic_store_n(elements(lease.data()) + index, tag, __ATOMIC_RELAXED);
    }
    EXPECT(lease.publish(tensor_with(tag), way.ttl_ns) == Status::ok);
    ++number;
  }
}

bool is_whole(const ReadLease & lease)
{
  const auto * words = reinterpret_cast<const std::uint64_t *>(lease.data());
  bool whole = true;
  for (std::uint64_t index = 0; index < kElements; ++index) {
    whole = whole && __atomic_load_n(words + index, __ATOMIC_RELAXED) == lease.tensor().tag;
  }
  return whole;
}

struct Read {
  std::uint64_t delivered = 0;
  std::uint64_t missed = 0;
};

void look(ReadLease & lease, std::uint64_t delivered, const Way & way)
{
  for (int again = 0; again < 2; ++again) {
    const bool whole = is_whole(lease);
    const Status status = lease.check();
    EXPECT(whole || status != Status::ok);
    EXPECT(status == Status::ok || (way.ttl_ns != 0 && status != Status::not_leased));
    if (delivered % 8 == 0) {
      std::this_thread::yield();
    }
  }
  const Status status = lease.release();
  EXPECT(status == Status::ok || way.ttl_ns != 0);
}

Read read_all(TensorReader & tensors, const Way & way)
{
  Read read;
  std::int64_t newest[kWriters] = {-1, -1, -1};
  for (;;) {
    ReadLease lease;
    const Status status = tensors.next(lease);
    if (status == Status::closed) {
      break;
    }
    if (status != Status::ok) {
      EXPECT(status == Status::empty || status == Status::pending);
      EXPECT(tensors.wait(-1) != Status::timed_out);
      continue;
    }
    const auto writer = lease.tensor().tag % kWriters;
    const auto number = static_cast<std::int64_t>(lease.tensor().tag / kWriters);
    EXPECT(number > newest[writer]);
    newest[writer] = number;
    ++read.delivered;
    look(lease, read.delivered, way);
  }
  read.missed = tensors.missed();
  return read;
}

void run(std::uint64_t count, const Way & way)
{
  TensorOptions options;
  options.slot_count = 6;
  options.slot_bytes = kElements * 8;
  TensorMailbox mailbox = TensorMailbox::create(unique_name("tensors"), options);
  std::vector<Read> read(kReaders);
  std::vector<std::thread> readers;
  for (std::uint32_t reader = 0; reader < kReaders; ++reader) {
    readers.emplace_back([&read, &way, reader, from_start = mailbox.reader()]() mutable {
      read[reader] = read_all(from_start, way);
    });
  }
  std::vector<std::thread> writers;
  for (std::uint32_t writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] { write(mailbox, writer, count, way); });
  }
  for (std::thread & writer : writers) {
    writer.join();
  }
  mailbox.close();
  for (std::thread & reader : readers) {
    reader.join();
  }
  const Statistics counted = mailbox.statistics();
  EXPECT(counted.published == count * kWriters && counted.reclaimed == 0);
  EXPECT(counted.records - counted.skipped == counted.published);
  EXPECT(mailbox.free_slots() == options.slot_count);
  for (const Read & seen : read) {
    std::printf(
        "%s: delivered %llu, missed %llu\n", way.name,
        static_cast<unsigned long long>(seen.delivered),
        static_cast<unsigned long long>(seen.missed));
    EXPECT(seen.delivered > 0);
    EXPECT(seen.delivered + seen.missed == counted.records);
    EXPECT(seen.missed == 0 || way.ttl_ns != 0 || way.when_full == WhenFull::overwrite);
  }
}

/// A writer that publishes until it is told to pause.
class PausableWriter
{
public:
  explicit PausableWriter(const TensorMailbox & mailbox)
  : thread_([this, writer = mailbox.writer()]() mutable { publish(writer); })
  {
  }
  PausableWriter(const PausableWriter &) = delete;
  PausableWriter & operator=(const PausableWriter &) = delete;
  ~PausableWriter()
  {
    phase_ = Phase::ending;
    thread_.join();
  }

  void go() { phase_ = Phase::publishing; }
  void pause()
  {
    phase_ = Phase::pausing;
    while (phase_ != Phase::paused) {
      std::this_thread::yield();
    }
  }

private:
  enum class Phase { publishing, pausing, paused, ending };

  void publish(TensorWriter & writer)
  {
    while (phase_ != Phase::ending) {
      Phase pausing = Phase::pausing;
      phase_.compare_exchange_strong(pausing, Phase::paused);
      WriteLease lease;
      if (phase_ == Phase::publishing && writer.acquire(lease) == Status::ok) {
        EXPECT(lease.publish(tensor_with(0)) == Status::ok);
      } else {
        std::this_thread::yield();
      }
    }
  }

  std::atomic<Phase> phase_{Phase::paused};
  std::thread thread_;
};

/// Readers join while tensors are published: none is given a lease that it never hears of.
void readers_join_at_any_moment(std::uint64_t count)
{
  TensorOptions options;
  options.slot_count = 3;
  options.slot_bytes = kElements * 8;
  const TensorMailbox mailbox = TensorMailbox::create(unique_name("join"), options);
  PausableWriter writer(mailbox);
  for (std::uint64_t round = 0; round < count; ++round) {
    const std::uint64_t before = mailbox.statistics().published;
    writer.go();
    while (mailbox.statistics().published < before + round % 4) {
      std::this_thread::yield();
    }
    TensorReader reader = mailbox.reader();
    writer.pause();
    ReadLease lease;
    while (reader.next(lease) == Status::ok) {
      lease.release();
    }
    EXPECT(mailbox.free_slots() == options.slot_count);
    EXPECT(reader.missed() == 0);
  }
}

}  // namespace

int main(int argc, char ** argv)
{
  const std::uint64_t count = count_in(argc, argv, 1, 5'000);
  run(count, {"all are read", WhenFull::refuse, 0});
  run(count, {"newer ones win", WhenFull::overwrite, 0});
  run(count, {"leases run out", WhenFull::refuse, 20'000});
  readers_join_at_any_moment(count);
}
