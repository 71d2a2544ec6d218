// Four writers, three readers: order, losses and wholeness of records.
//
// ring_order RECORDS [CELLS]: that many records in all, in threads and then in processes.
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "expect.hpp"
#include "sage_mailbox/broadcast_mailbox.hpp"

using namespace sage::mailbox;
using namespace sage::mailbox::test;

namespace
{

constexpr std::uint32_t kWriters = 4;
constexpr std::uint32_t kReaders = 3;
constexpr std::uint32_t kWords = 5;
constexpr std::uint64_t kTogether = 256;

/// All words of a record follow from who wrote it and which of its records it is.
std::uint64_t word_of(std::uint32_t writer, std::uint64_t number, std::uint32_t word)
{
  return (number * kWriters + writer) * 0x9E3779B97F4A7C15 + word;
}

void write(const BroadcastMailbox & mailbox, std::uint32_t writer, std::uint64_t count)
{
  BroadcastWriter records = mailbox.writer();
  std::uint64_t last = 0;
  for (std::uint64_t number = 0; number < count;) {
    std::uint64_t payload[kWords];
    for (std::uint32_t word = 0; word < kWords; ++word) {
      payload[word] = word_of(writer, number, word);
    }
    std::uint64_t sequence = 0;
    const Status status = records.push(
        payload, sizeof payload, static_cast<std::uint16_t>(writer),
        static_cast<std::int64_t>(number), &sequence);
    EXPECT(status == Status::ok || status == Status::busy);
    if (status == Status::ok) {
      EXPECT(number == 0 || sequence > last);
      last = sequence;
      ++number;
    }
    if (number % kTogether == 0) {
      std::this_thread::yield();  // else readers on a small machine see only the ends of bursts
    }
  }
}

struct Read {
  std::uint64_t delivered = 0;
  std::uint64_t lost = 0;
  std::uint64_t next = 0;
};

Read read_all(BroadcastReader & records)
{
  Read read;
  std::int64_t newest[kWriters] = {-1, -1, -1, -1};
  std::uint64_t last_sequence = 0;
  for (;;) {
    std::uint64_t payload[kWords];
    RecordHead head;
    const Status status = records.pop(head, payload);
    if (status == Status::closed) {
      break;
    }
    if (status != Status::ok) {
      EXPECT(status == Status::empty || status == Status::pending);
      EXPECT(records.wait(-1) != Status::timed_out);
      continue;
    }
    EXPECT(head.type < kWriters && head.length == sizeof payload);
    EXPECT(head.stamp_ns > newest[head.type]);
    EXPECT(read.delivered == 0 || head.sequence > last_sequence);
    for (std::uint32_t word = 0; word < kWords; ++word) {
      EXPECT(payload[word] == word_of(head.type, static_cast<std::uint64_t>(head.stamp_ns), word));
    }
    newest[head.type] = head.stamp_ns;
    last_sequence = head.sequence;
    ++read.delivered;
  }
  read.lost = records.lost();
  read.next = records.next();
  return read;
}

void expect_accounts(const BroadcastMailbox & mailbox, const Read & read, std::uint64_t pushed)
{
  const Statistics counted = mailbox.statistics();
  EXPECT(read.delivered > 0);
  EXPECT(read.next == counted.records);
  EXPECT(read.delivered + read.lost == counted.records);
  EXPECT(counted.records - counted.skipped == pushed);
  std::printf(
      "  delivered %llu, lost %llu, skipped %llu\n",
      static_cast<unsigned long long>(read.delivered), static_cast<unsigned long long>(read.lost),
      static_cast<unsigned long long>(counted.skipped));
}

BroadcastOptions options_with(std::uint64_t cells)
{
  BroadcastOptions options;
  options.cell_count = static_cast<std::uint32_t>(cells);
  return options;
}

void in_threads(std::uint64_t records, std::uint64_t cells)
{
  std::printf("threads:\n");
  auto mailbox = BroadcastMailbox::create(unique_name("order"), options_with(cells));
  std::vector<Read> read(kReaders);
  std::vector<std::thread> readers;
  for (std::uint32_t reader = 0; reader < kReaders; ++reader) {
    readers.emplace_back([&read, reader, from_start = mailbox.reader()]() mutable {
      read[reader] = read_all(from_start);
    });
  }
  std::vector<std::thread> writers;
  for (std::uint32_t writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back(
        [&mailbox, writer, records] { write(mailbox, writer, records / kWriters); });
  }
  for (std::thread & writer : writers) {
    writer.join();
  }
  mailbox.close();
  for (std::thread & reader : readers) {
    reader.join();
  }
  for (const Read & seen : read) {
    expect_accounts(mailbox, seen, records / kWriters * kWriters);
  }
}

void in_processes(std::uint64_t records, std::uint64_t cells)
{
  std::printf("processes:\n");
  const std::string name = unique_name("order");
  auto mailbox = BroadcastMailbox::create(name, options_with(cells));
  std::vector<pid_t> readers;
  for (std::uint32_t reader = 0; reader < kReaders; ++reader) {
    BroadcastReader from_start = mailbox.reader();
    readers.push_back(in_child([&] {
      const Read read = read_all(from_start);
      expect_accounts(mailbox, read, records / kWriters * kWriters);
    }));
  }
  std::vector<pid_t> writers;
  for (std::uint32_t writer = 0; writer < kWriters; ++writer) {
    writers.push_back(
        in_child([&] { write(BroadcastMailbox::attach(name), writer, records / kWriters); }));
  }
  for (const pid_t writer : writers) {
    EXPECT(ended_well(writer));
  }
  mailbox.close();
  for (const pid_t reader : readers) {
    EXPECT(ended_well(reader));
  }
}

}  // namespace

int main(int argc, char ** argv)
{
  const std::uint64_t records = count_in(argc, argv, 1, 100'000);
  const std::uint64_t cells = count_in(argc, argv, 2, 4096);
  in_threads(records / 2, cells);
  in_processes(records / 2, cells);
}
