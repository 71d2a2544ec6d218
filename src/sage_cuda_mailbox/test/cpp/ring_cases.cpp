// The broadcast mailbox, case by case.
#include <chrono>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <thread>

#include "expect.hpp"
#include "sage_mailbox/broadcast_mailbox.hpp"
#include "sage_mailbox/wakeup.hpp"

using namespace sage::mailbox;
using namespace sage::mailbox::test;

namespace
{

BroadcastMailbox small_mailbox(std::uint32_t cells)
{
  BroadcastOptions options;
  options.cell_count = cells;
  return BroadcastMailbox::create(unique_name("ring"), options);
}

void push_number(BroadcastWriter & writer, std::uint64_t number)
{
  EXPECT(writer.push(&number, sizeof number) == Status::ok);
}

void expect_next(BroadcastReader & reader, std::uint64_t expected)
{
  std::uint64_t payload[5];
  RecordHead head;
  EXPECT(reader.pop(head, payload) == Status::ok);
  EXPECT(head.length == sizeof expected && payload[0] == expected);
}

void ten_in_five_out_thrice()
{
  const BroadcastMailbox mailbox = small_mailbox(64);
  BroadcastWriter writer = mailbox.writer();
  BroadcastReader reader = mailbox.reader();
  for (std::uint64_t round = 0; round < 3; ++round) {
    for (std::uint64_t number = 0; number < 10; ++number) {
      push_number(writer, round * 10 + number);
    }
    for (std::uint64_t number = 0; number < 5; ++number) {
      expect_next(reader, round * 5 + number);
    }
  }
  for (std::uint64_t number = 15; number < 30; ++number) {
    expect_next(reader, number);
  }
  std::uint64_t payload[5];
  RecordHead head;
  EXPECT(reader.pop(head, payload) == Status::empty);
  EXPECT(reader.lost() == 0);
}

void a_slow_reader_loses_the_oldest_and_knows_how_many()
{
  const BroadcastMailbox mailbox = small_mailbox(8);
  BroadcastWriter writer = mailbox.writer();
  BroadcastReader reader = mailbox.reader();
  for (std::uint64_t number = 0; number < 20; ++number) {
    push_number(writer, number);
  }
  expect_next(reader, 12);
  EXPECT(reader.lost() == 12);
}

void what_was_written_before_closing_is_read()
{
  BroadcastMailbox mailbox = small_mailbox(8);
  BroadcastWriter writer = mailbox.writer();
  BroadcastReader reader = mailbox.reader();
  push_number(writer, 7);
  mailbox.close();
  EXPECT(writer.push("x", 1) == Status::closed);
  expect_next(reader, 7);
  std::uint64_t payload[5];
  RecordHead head;
  EXPECT(reader.pop(head, payload) == Status::closed);
  EXPECT(reader.wait(-1) == Status::closed);
}

void every_length_comes_back()
{
  const BroadcastMailbox mailbox = small_mailbox(8);
  BroadcastWriter writer = mailbox.writer();
  BroadcastReader reader = mailbox.reader();
  unsigned char sent[41];
  for (unsigned index = 0; index < sizeof sent; ++index) {
    sent[index] = static_cast<unsigned char>(200 + index);
  }
  for (std::uint32_t length = 0; length <= 40; ++length) {
    EXPECT(writer.push(sent, length, 9, -5) == Status::ok);
    unsigned char got[41];
    std::memset(got, 0, sizeof got);
    RecordHead head;
    EXPECT(reader.pop(head, got) == Status::ok);
    EXPECT(head.length == length && head.type == 9 && head.stamp_ns == -5);
    EXPECT(std::memcmp(sent, got, length) == 0 && got[length] == 0);
  }
  EXPECT(writer.push(sent, 41) == Status::out_of_range);
}

/// A writer that is killed between seeing a sleeper and waking it leaves it asleep.
void a_sleeper_that_nobody_wakes_looks_again()
{
  const BroadcastMailbox mailbox = small_mailbox(8);
  BroadcastReader reader = mailbox.reader();
  std::thread sleeper([&reader] { EXPECT(reader.wait(-1) == Status::ok); });
  Header & header = mailbox.segment()->header();
  while (__atomic_load_n(&header.sleepers, __ATOMIC_ACQUIRE) == 0) {
    std::this_thread::yield();
  }
  const Segment & segment = *mailbox.segment();
  const auto never = [](Holder) { return false; };
  Ring<SystemAtomics, decltype(never)> ring(&header, segment.cells(), 64, 8, never);
  RecordHead head;
  EXPECT(ring.push({0, 0}, head, nullptr) == Status::ok);
  sleeper.join();
}

void the_longest_timeouts_do_not_overflow()
{
  const BroadcastMailbox mailbox = small_mailbox(8);
  BroadcastWriter writer = mailbox.writer();
  BroadcastReader reader = mailbox.reader();
  EXPECT(reader.wait(0) == Status::timed_out);
  EXPECT(reader.wait(1) == Status::timed_out);
  push_number(writer, 1);
  EXPECT(reader.wait(std::numeric_limits<std::int64_t>::max()) == Status::ok);
  EXPECT(reader.wait(std::numeric_limits<std::int64_t>::min()) == Status::ok);
  EXPECT(Deadline(std::numeric_limits<std::int64_t>::max()).left_ns() > 0);
}

void tampering_is_said_and_holds_nobody_up()
{
  const BroadcastMailbox mailbox = small_mailbox(8);
  BroadcastWriter writer = mailbox.writer();
  BroadcastReader reader = mailbox.reader();
  push_number(writer, 1);
  Header & header = mailbox.segment()->header();
  auto * cells = static_cast<std::uint64_t *>(mailbox.segment()->cells());
  cells[8] = CellWord{false, {0, 0}, 1000}.packed();  // the next cell, from far in the future
  EXPECT(writer.push("x", 1) == Status::invalid);
  expect_next(reader, 1);
  header.head = 0;
  RecordHead head;
  std::uint64_t payload[5];
  EXPECT(reader.pop(head, payload) == Status::invalid);
}

void a_label_that_lies_about_its_length_is_cut()
{
  const BroadcastMailbox mailbox = small_mailbox(8);
  BroadcastWriter writer = mailbox.writer();
  BroadcastReader reader = mailbox.reader();
  push_number(writer, 1);
  static_cast<std::uint64_t *>(mailbox.segment()->cells())[1] = 0xFFFF;
  RecordHead head;
  std::uint64_t payload[5];
  EXPECT(reader.pop(head, payload) == Status::ok && head.length == 40);
}

void a_dead_writers_unfinished_record_is_passed_over()
{
  const BroadcastMailbox mailbox = small_mailbox(8);
  BroadcastReader reader = mailbox.reader();
  EXPECT(ended_well(in_child([&] {
    Participant participant(mailbox.segment(), PlaceWord::writer);
    auto * cells = static_cast<std::uint64_t *>(mailbox.segment()->cells());
    cells[0] = CellWord{true, participant.holder(), 0}.packed();
    mailbox.segment()->header().head = 1;
    std::_Exit(0);  // as if killed: no destructor runs
  })));
  RecordHead head;
  std::uint64_t payload[5];
  EXPECT(mailbox.statistics().writers == 1);
  EXPECT(reader.pop(head, payload) == Status::pending);  // it may be slow only
  EXPECT(reader.wait(-1) == Status::ok);
  BroadcastWriter writer = mailbox.writer();  // takes the dead one's place
  EXPECT(writer.producer() == 0 && mailbox.statistics().writers == 1);
  push_number(writer, 5);
  expect_next(reader, 5);
  EXPECT(reader.lost() == 1);
}

/// A writer that comes to them in turn, and seldom, finds both dead.
void two_dead_writers_cells_are_taken_over()
{
  const BroadcastMailbox mailbox = small_mailbox(8);
  BroadcastWriter writer = mailbox.writer();
  EXPECT(ended_well(in_child([&] {
    Participant first(mailbox.segment(), PlaceWord::writer);
    Participant second(mailbox.segment(), PlaceWord::writer);
    auto * cells = static_cast<std::uint64_t *>(mailbox.segment()->cells());
    cells[0] = CellWord{true, first.holder(), 0}.packed();
    cells[4 * 8] = CellWord{true, second.holder(), 4}.packed();
    mailbox.segment()->header().head = 8;
    std::_Exit(0);  // as if killed: no destructor runs
  })));
  for (std::uint64_t number = 0; number < 16; ++number) {
    push_number(writer, number);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT(mailbox.statistics().skipped == 0);
}

void a_forked_child_may_not_write_as_its_parent()
{
  const BroadcastMailbox mailbox = small_mailbox(8);
  BroadcastWriter writer = mailbox.writer();
  BroadcastReader reader = mailbox.reader();
  push_number(writer, 1);
  EXPECT(ended_well(in_child([&] {
    EXPECT(writer.push("x", 1) == Status::inherited);
    BroadcastWriter own = mailbox.writer();
    expect_next(reader, 1);  // a reader is a cursor only: the child has a copy
    push_number(own, 2);
    EXPECT(own.producer() != writer.producer());
  })));
  expect_next(reader, 1);
  expect_next(reader, 2);
  push_number(writer, 3);
  EXPECT(!mailbox.segment()->is_closed());
}

void arguments_are_refused_by_name()
{
  const auto create = [](std::uint32_t bytes, std::uint32_t cells, std::uint32_t places) {
    return refusal<InvalidArgument>([=] {
      BroadcastMailbox::create(unique_name("bad"), {bytes, cells, places, Backend::shm});
    });
  };
  EXPECT(contains(create(63, 8, 1), "cell_bytes is 63, expected 64, 128, 192 or 256"));
  EXPECT(contains(create(320, 8, 1), "cell_bytes is 320"));
  EXPECT(contains(create(64, 9, 1), "cell_count is 9, expected a power of two"));
  EXPECT(contains(create(64, 1u << 25, 1), "cell_count"));
  EXPECT(contains(create(64, 8, 0), "place_count is 0, expected 1 to 256"));
  EXPECT(contains(create(64, 8, 257), "place_count is 257"));
  EXPECT(contains(
      refusal<InvalidArgument>(
          [] { BroadcastMailbox::create(unique_name("bad"), {64, 8, 1, Backend::cuda_vmm}); }),
      "backend is cuda_vmm"));
}

void all_places_taken_is_said()
{
  const BroadcastMailbox mailbox =
      BroadcastMailbox::create(unique_name("places"), {64, 8, 1, Backend::shm});
  const BroadcastWriter writer = mailbox.writer();
  EXPECT(contains(
      refusal<NoFreePlace>([&] { mailbox.writer(); }), "all 1 places are taken (place_count)"));
}

void assigning_a_mailbox_closes_the_one_before()
{
  BroadcastMailbox mailbox = small_mailbox(8);
  const std::shared_ptr<Segment> earlier = mailbox.segment();
  mailbox = BroadcastMailbox::create(unique_name("later"), {});
  EXPECT(earlier->is_closed());
  EXPECT(!mailbox.segment()->is_closed());
  BroadcastMailbox moved = std::move(mailbox);
  EXPECT(!moved.segment()->is_closed());
}

}  // namespace

int main()
{
  ten_in_five_out_thrice();
  a_slow_reader_loses_the_oldest_and_knows_how_many();
  what_was_written_before_closing_is_read();
  every_length_comes_back();
  a_sleeper_that_nobody_wakes_looks_again();
  the_longest_timeouts_do_not_overflow();
  tampering_is_said_and_holds_nobody_up();
  a_label_that_lies_about_its_length_is_cut();
  a_dead_writers_unfinished_record_is_passed_over();
  two_dead_writers_cells_are_taken_over();
  a_forked_child_may_not_write_as_its_parent();
  arguments_are_refused_by_name();
  all_places_taken_is_said();
  assigning_a_mailbox_closes_the_one_before();
  EXPECT(list().empty() || !contains(list().front(), unique_name("ring")));
}
