#include "sage_mailbox/broadcast_mailbox.hpp"

#include <algorithm>
#include <utility>

#include "sage_mailbox/errors.hpp"
#include "sage_mailbox/wakeup.hpp"

namespace sage::mailbox
{

namespace
{

/// How long a reader sleeps at most while a record is being written: if its writer dies, nobody
/// wakes those who wait for it.
constexpr std::int64_t kPatienceNs = 2'000'000;

SystemRing ring_in(const Segment & segment, LateWriters & late)
{
  const Geometry & geometry = segment.geometry();
  return {&segment.header(), segment.cells(), geometry.cell_bytes, geometry.cell_count, late};
}

}  // namespace

BroadcastWriter::BroadcastWriter(std::shared_ptr<Segment> segment)
: participant_(std::make_unique<Participant>(std::move(segment), PlaceWord::writer)),
  late_(std::make_unique<LateWriters>(participant_->places(), LateWriters::kWritersGraceNs)),
  ring_(ring_in(*participant_->segment(), *late_))
{
}

Status BroadcastWriter::push(
    const void * payload, std::size_t length, std::uint16_t type, std::int64_t stamp_ns,
    std::uint64_t * sequence)
{
  Segment & segment = *participant_->segment();
  if (participant_->is_inherited()) {
    return Status::inherited;
  }
  if (segment.is_closed()) {
    return Status::closed;
  }
  if (length > payload_bytes()) {
    return Status::out_of_range;
  }
  RecordHead head;
  head.type = type;
  head.length = static_cast<std::uint16_t>(length);
  head.producer = producer();
  head.stamp_ns = stamp_ns;
  const Status status = ring_.push(participant_->holder(), head, payload);
  if (status == Status::ok) {
    if (sequence != nullptr) {
      *sequence = head.sequence;
    }
    wake_sleepers(segment.header());
  }
  return status;
}

BroadcastReader::BroadcastReader(std::shared_ptr<Segment> segment, From from)
: segment_(std::move(segment)),
  places_(
      std::make_unique<SystemParticipants>(
          &segment_->header(), segment_->places(), segment_->geometry().place_count)),
  late_(std::make_unique<LateWriters>(*places_, LateWriters::kReadersGraceNs)),
  ring_(ring_in(*segment_, *late_)),
  cursor_(from == From::now ? ring_.end() : ring_.begin())
{
}

Status BroadcastReader::pop(RecordHead & head, void * payload)
{
  const Status status = ring_.pop(cursor_, head, payload);
  if (status == Status::ok) {
    late_->forgive();
  }
  if (status != Status::empty || !segment_->is_closed()) {
    return status;
  }
  // what was written between the look at the ring and the look at the mark is read first
  const Status last = ring_.pop(cursor_, head, payload);
  return last == Status::empty ? Status::closed : last;
}

Status BroadcastReader::wait(std::int64_t timeout_ns)
{
  const Deadline deadline(timeout_ns);
  for (;;) {
    const std::uint32_t announced = announce_sleep(segment_->header());
    if (ring_.has_record(cursor_)) {
      return Status::ok;
    }
    if (segment_->is_closed()) {
      return Status::closed;
    }
    const std::int64_t left_ns = deadline.left_ns();
    if (left_ns == 0) {
      return Status::timed_out;
    }
    const bool is_being_written = ring_.end().next != cursor_.next;
    sleep_until_woken(
        segment_->header(), announced, is_being_written ? std::min(left_ns, kPatienceNs) : left_ns);
  }
}

BroadcastMailbox::BroadcastMailbox(std::shared_ptr<Segment> segment, Creation creation)
: segment_(std::move(segment)), creation_(std::move(creation))
{
}

BroadcastMailbox BroadcastMailbox::create(
    const std::string & name, const BroadcastOptions & options)
{
  Geometry geometry;
  geometry.kind = Kind::broadcast;
  geometry.cell_bytes = options.cell_bytes;
  geometry.cell_count = options.cell_count;
  geometry.place_count = options.place_count;
  if (options.backend != Backend::host && options.backend != Backend::shm) {
    throw InvalidArgument("backend", name_of(options.backend), "host or shm");
  }
  auto segment = Segment::create(name, geometry, options.backend);
  return {segment, Creation(segment)};
}

BroadcastMailbox BroadcastMailbox::attach(const std::string & name)
{
  auto segment = Segment::attach(name);
  if (segment->geometry().kind != Kind::broadcast) {
    throw WrongKind("mailbox '" + name + "' holds tensors, expected records");
  }
  return {std::move(segment), Creation()};
}

}  // namespace sage::mailbox
