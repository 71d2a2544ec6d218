// Writers and readers of the ring of records.
#include <algorithm>

#include "protocol.hpp"
#include "scenarios.hpp"

namespace model
{

namespace
{

using mailbox::Cursor;
using mailbox::name_of;
using mailbox::RecordHead;
using mailbox::Status;

constexpr int kCells = 2;
constexpr int kMostRecords = 8;
constexpr int kMostSequences = 24;
constexpr int kMostReaders = 2;

/// What truly happened, for comparison with what the mailbox says.
struct Ghost {
  enum Said : std::uint8_t { nothing, begun, ok, busy };

  std::array<Said, kMostRecords> said;
  std::array<std::uint8_t, kMostRecords> sequence;                         // where `said` is ok
  std::array<std::array<std::uint8_t, kMostSequences>, kMostReaders> got;  // 1 + record
  std::array<std::uint8_t, kMostReaders> passed;
};

struct Shape {
  int writers;
  int readers;
  int records;        // of each writer
  int mortals;        // writers that may die
  bool must_get_all;  // no cell is needed twice: nobody may lose anything
};
Shape shape;

Ghost & ghost() { return engine.ghost<Ghost>(); }

RecordHead head_of(int record, int writer)
{
  RecordHead head;
  head.type = static_cast<std::uint16_t>(record);
  head.length = 8;
  head.producer = static_cast<std::uint32_t>(writer);
  head.stamp_ns = 1000 + record;
  return head;
}

std::uint64_t payload_of(int record) { return 0x0101010101010101 * (record + 1u); }

void remember_push(int record, Status status, std::uint64_t sequence)
{
  engine.note("push of record %d says %s, sequence %d", record, name_of(status), int(sequence));
  if (status != Status::ok) {
    ghost().said[record] = Ghost::busy;
    if (status != Status::busy) {
      engine.violate("push of record %d says %s", record, name_of(status));
    }
    return;
  }
  for (int other = 0; other < kMostRecords; ++other) {
    if (ghost().said[other] == Ghost::ok && ghost().sequence[other] == sequence) {
      engine.violate("records %d and %d were both given sequence %d", record, other, int(sequence));
    }
  }
  ghost().said[record] = Ghost::ok;
  ghost().sequence[record] = static_cast<std::uint8_t>(sequence);
}

void write_records(int self)
{
  ParticipantTable table = places();
  Ring records = ring(table);
  const mailbox::Holder holder{static_cast<std::uint32_t>(self), 0};
  for (int index = 0; index < shape.records; ++index) {
    const int record = self * shape.records + index;
    engine.quiet(static_cast<std::uint64_t>(index));
    ghost().said[record] = Ghost::begun;
    RecordHead head = head_of(record, self);
    const std::uint64_t payload = payload_of(record);
    const Status status = records.push(holder, head, &payload);
    remember_push(record, status, head.sequence);
  }
}

/// Compares a record that was delivered with those that were pushed.
void check_delivery(int reader, const RecordHead & head, std::uint64_t payload)
{
  const int record = head.type;
  const int writer = record / shape.records;
  const RecordHead expected = head_of(record, writer);
  engine.note("reader %d is given record %d, sequence %d", reader, record, int(head.sequence));
  if (record >= shape.writers * shape.records || head.stamp_ns != expected.stamp_ns ||
      head.producer != expected.producer || head.length != expected.length ||
      payload != payload_of(record)) {
    engine.violate(
        "reader %d is given a torn record: type %d, stamp %lld, payload %llx", reader, record,
        static_cast<long long>(head.stamp_ns), static_cast<unsigned long long>(payload));
    return;
  }
  if (ghost().said[record] == Ghost::nothing || ghost().said[record] == Ghost::busy) {
    engine.violate("reader %d is given record %d, which was not pushed", reader, record);
  }
  for (const std::uint8_t before : ghost().got[reader]) {
    if (before == record + 1) {
      engine.violate("reader %d is given record %d twice", reader, record);
    }
  }
  if (head.sequence < kMostSequences) {
    ghost().got[reader][head.sequence] = static_cast<std::uint8_t>(record + 1);
  }
}

void read_records(int self)
{
  const int reader = self - shape.writers;
  ParticipantTable table = places();
  const Ring records = ring(table);
  Cursor cursor = records.begin();
  const std::uint64_t start = cursor.next;
  std::uint64_t delivered = 0;
  for (;;) {
    engine.quiet(start | cursor.next << 8 | cursor.lost << 16 | delivered << 24);
    engine.look();
    const bool all_written = engine.are_over(0, shape.writers);
    RecordHead head;
    std::uint64_t payload[5] = {};
    const std::uint64_t before = cursor.next;
    const Status status = records.pop(cursor, head, payload);
    if (status == Status::ok) {
      ++delivered;
      if (head.sequence < before || cursor.next != head.sequence + 1) {
        engine.violate(
            "reader %d is given sequence %d after %d", reader, int(head.sequence), int(before) - 1);
      }
      check_delivery(reader, head, payload[0]);
    } else if (status == Status::empty && all_written) {
      break;
    } else {
      engine.wait();
    }
  }
  if (delivered + cursor.lost != cursor.next - start) {
    engine.violate(
        "reader %d: %d delivered and %d lost of %d", reader, int(delivered), int(cursor.lost),
        int(cursor.next - start));
  }
  engine.note("reader %d ends at %d with %d lost", reader, int(cursor.next), int(cursor.lost));
  ghost().passed[reader] = static_cast<std::uint8_t>(cursor.next);
}

void check_end()
{
  for (int record = 0; record < shape.writers * shape.records; ++record) {
    const Ghost::Said said = ghost().said[record];
    const bool writer_died = engine.participant(record / shape.records).stage == Stage::dead;
    if (said == Ghost::begun && !writer_died) {
      engine.violate("push of record %d came to no end", record);
    }
    for (int reader = 0; reader < shape.readers; ++reader) {
      const auto & got = ghost().got[reader];
      const auto at = std::find(got.begin(), got.end(), record + 1) - got.begin();
      const bool is_delivered = at < kMostSequences;
      if (said == Ghost::ok && is_delivered && at != ghost().sequence[record]) {
        engine.violate("reader %d got record %d at another sequence", reader, record);
      }
      if (said == Ghost::ok && !is_delivered &&
          ghost().sequence[record] >= ghost().passed[reader]) {
        engine.violate("reader %d never came to record %d", reader, record);
      }
      if (said == Ghost::ok && !is_delivered && shape.must_get_all) {
        engine.violate("reader %d lost record %d, which nobody overwrote", reader, record);
      }
      if (said == Ghost::busy && is_delivered) {
        engine.violate("reader %d got record %d, of which push said busy", reader, record);
      }
    }
  }
}

void set_up(const Shape & wanted)
{
  shape = wanted;
  mailbox::Geometry geometry;
  geometry.cell_count = kCells;
  geometry.place_count = static_cast<std::uint32_t>(wanted.writers);
  engine.reset(geometry);
  treat_counters();
  static constexpr const char * kWriters[] = {"writer 0", "writer 1", "writer 2"};
  static constexpr const char * kReaders[] = {"reader 0", "reader 1"};
  for (int writer = 0; writer < wanted.writers; ++writer) {
    engine.add(kWriters[writer], write_records, writer < wanted.mortals);
  }
  for (int reader = 0; reader < wanted.readers; ++reader) {
    engine.add(kReaders[reader], read_records);
  }
  ParticipantTable table = places();
  ring(table).clear();
  for (int writer = 0; writer < wanted.writers; ++writer) {
    table.join(mailbox::PlaceWord::writer, Processes::of(writer));
  }
  // nobody joins or leaves: places are read only
  auto * first = reinterpret_cast<std::byte *>(&engine.header()) + geometry.places_at();
  engine.treat(first, geometry.place_count * sizeof(mailbox::Place), Treatment::constant);
}

}  // namespace

std::vector<Scenario> ring_scenarios()
{
  return {
      {"ring-no-lap", "2 writers of 1 record, 2 readers, 2 cells: nobody may lose anything",
       [] { set_up({2, 2, 1, 0, true}); }, nullptr, check_end, kUnbounded, kUnbounded},
      {"ring-laps", "2 writers of 2 records, 1 reader, 2 cells: overwriting, and being skipped",
       [] { set_up({2, 1, 2, 0, false}); }, nullptr, check_end, 3, 6},
      {"ring-deaths", "2 writers of 2 records, each of which may die, 1 reader, 2 cells",
       [] { set_up({2, 1, 2, 2, false}); }, nullptr, check_end, 2, 4},
      {"ring-crowd", "3 writers of 1 record, one of which may die, 1 reader, 2 cells",
       [] { set_up({3, 1, 1, 1, false}); }, nullptr, check_end, 2, 3},
  };
}

}  // namespace model
