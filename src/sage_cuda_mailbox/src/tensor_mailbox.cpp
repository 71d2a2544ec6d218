#include "sage_mailbox/tensor_mailbox.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "host_payload.hpp"
#include "sage_mailbox/wakeup.hpp"

namespace sage::mailbox
{

namespace
{

/// What a record in a tensor mailbox's ring says.
struct Announcement {
  std::uint32_t slot;
  std::uint32_t reserved;
  std::uint64_t generation;
};
constexpr std::uint16_t kAnnouncement = 1;
constexpr std::int64_t kOrphanPatienceNs = 1'000'000;
constexpr std::int64_t kLongestWaitNs = 50'000'000;

std::uint32_t power_of_two_from(std::uint32_t least)
{
  std::uint32_t power = 2;
  while (power < least) {
    power *= 2;
  }
  return power;
}

bool is_in_host_memory(Backend backend)
{
  return backend == Backend::host || backend == Backend::shm;
}

void require(bool holds, const char * field, std::uint64_t value, const std::string & expected)
{
  if (!holds) {
    throw std::invalid_argument(
        std::string(field) + " is " + std::to_string(value) + ", expected " + expected);
  }
}

/// Throws std::invalid_argument where a geometry cannot even be reckoned.
void check(const TensorOptions & options)
{
  require(
      options.slot_count >= 1 && options.slot_count <= kMostSlots, "slot_count", options.slot_count,
      "1 to " + std::to_string(kMostSlots));
  require(
      options.slot_bytes >= 1 && options.slot_bytes <= kMostSlotBytes, "slot_bytes",
      options.slot_bytes, "1 to " + std::to_string(kMostSlotBytes));
  require(
      is_in_host_memory(options.backend), "backend", static_cast<std::uint64_t>(options.backend),
      "0 (host) or 1 (shm)");
  if (options.ttl_ns < 0) {
    throw std::invalid_argument(
        "ttl_ns is " + std::to_string(options.ttl_ns) + ", expected 0 (no end) or more");
  }
}

/// Where the slots of a mailbox are for this process. Throws MailboxError.
std::shared_ptr<Payload> payload_in(const std::shared_ptr<Segment> & segment)
{
  if (!is_in_host_memory(segment->backend())) {
    throw MailboxError(
        "mailbox '" + segment->name() + "' has its tensors in backend " +
        std::to_string(static_cast<std::uint32_t>(segment->backend())) +
        ", expected 0 (host) or 1 (shm), which this build has");
  }
  return std::make_shared<HostPayload>(segment);
}

}  // namespace

class TensorPort
{
public:
  TensorPort(
      std::shared_ptr<Segment> segment, std::shared_ptr<Payload> payload, PlaceWord::Role role,
      std::int64_t ttl_ns)
  : participant(std::move(segment), role),
    payload(std::move(payload)),
    ttl_ns(ttl_ns),
    late(participant.places()),
    ring(
        &header(), participant.segment()->cells(), geometry().cell_bytes, geometry().cell_count,
        late),
    pool(
        &header(), participant.segment()->slots(), participant.segment()->leases(),
        geometry().slot_count, participant.places())
  {
  }

  Header & header() const { return participant.segment()->header(); }
  const Geometry & geometry() const { return participant.segment()->geometry(); }
  Holder holder() const { return participant.holder(); }
  bool is_inherited() const { return participant.is_inherited(); }

  Status announce(TensorId id)
  {
    RecordHead head;
    head.type = kAnnouncement;
    head.length = sizeof(Announcement);
    head.producer = holder().place;
    const Announcement announcement{id.slot, 0, id.generation};
    return ring.push(holder(), head, &announcement);
  }

  Participant participant;
  std::shared_ptr<Payload> payload;
  std::int64_t ttl_ns;
  LateWriters late;
  SystemRing ring;
  SystemPool pool;
};

WriteLease & WriteLease::operator=(WriteLease && other) noexcept
{
  if (this != &other) {
    abandon();
    port_ = std::move(other.port_);
    id_ = other.id_;
  }
  return *this;
}

std::byte * WriteLease::data() const { return port_ ? port_->payload->slot(id_.slot) : nullptr; }

std::uint64_t WriteLease::bytes() const { return port_ ? port_->geometry().slot_bytes : 0; }

Status WriteLease::publish(const Tensor & tensor, std::int64_t ttl_ns, std::uint32_t * readers)
{
  if (!port_) {
    return Status::not_leased;
  }
  if (port_->is_inherited()) {
    port_.reset();
    return Status::inherited;
  }
  const Description description = described(tensor, bytes());
  if (port_->participant.segment()->is_closed()) {
    abandon();
    return Status::closed;
  }
  const auto port = std::exchange(port_, nullptr);
  std::uint32_t count = 0;
  Status status = port->pool.publish(
      port->holder(), id_, description, ttl_ns < 0 ? port->ttl_ns : ttl_ns, monotonic_ns(), count);
  if (status != Status::ok) {
    return status;
  }
  status = port->announce(id_);
  if (status != Status::ok) {
    port->pool.withdraw(id_);
    return status;
  }
  wake_sleepers(port->header());
  if (readers != nullptr) {
    *readers = count;
  }
  return Status::ok;
}

void WriteLease::abandon()
{
  const auto port = std::exchange(port_, nullptr);
  if (port && !port->is_inherited()) {
    port->pool.abandon(port->holder(), id_);
  }
}

ReadLease & ReadLease::operator=(ReadLease && other) noexcept
{
  if (this != &other) {
    release();
    port_ = std::move(other.port_);
    id_ = other.id_;
    tensor_ = std::move(other.tensor_);
  }
  return *this;
}

const std::byte * ReadLease::data() const
{
  return port_ ? port_->payload->slot(id_.slot) : nullptr;
}

Backend ReadLease::backend() const { return port_ ? port_->payload->backend() : Backend::host; }

std::int32_t ReadLease::device() const { return port_ ? port_->payload->device() : -1; }

Status ReadLease::check() const
{
  if (!port_) {
    return Status::not_leased;
  }
  return port_->is_inherited() ? Status::inherited : port_->pool.check(port_->holder(), id_);
}

Status ReadLease::release()
{
  if (!port_) {
    return Status::not_leased;
  }
  const auto port = std::exchange(port_, nullptr);
  return port->is_inherited() ? Status::inherited : port->pool.release(port->holder(), id_);
}

TensorWriter::TensorWriter(
    std::shared_ptr<Segment> segment, std::shared_ptr<Payload> payload, std::int64_t ttl_ns)
: port_(
      std::make_shared<TensorPort>(
          std::move(segment), std::move(payload), PlaceWord::writer, ttl_ns))
{
}

Status TensorWriter::acquire(WriteLease & lease, WhenFull when_full)
{
  if (port_->is_inherited()) {
    return Status::inherited;
  }
  if (port_->participant.segment()->is_closed()) {
    return Status::closed;
  }
  TensorId id;
  const Status status =
      port_->pool.acquire(port_->holder(), next_slot_, monotonic_ns(), when_full, id);
  if (status == Status::ok) {
    next_slot_ = (id.slot + 1) % port_->geometry().slot_count;
    lease = WriteLease(port_, id);
  }
  return status;
}

TensorReader::TensorReader(std::shared_ptr<Segment> segment, std::shared_ptr<Payload> payload)
: announcements_(segment),
  port_(std::make_shared<TensorPort>(std::move(segment), std::move(payload), PlaceWord::reader, 0))
{
  port_->pool.forget_earlier(port_->holder());
  joined_at_ = port_->ring.end().next;
}

void TensorReader::retire()
{
  if (port_ && !port_->is_inherited()) {
    port_->participant.places().retire(port_->holder());
  }
  port_.reset();
}

Status TensorReader::next(ReadLease & lease)
{
  if (port_->is_inherited()) {
    return Status::inherited;
  }
  const Status status = next_announced(lease);
  if (status != Status::closed && (status != Status::empty || !is_time_for_orphans())) {
    return status;
  }
  const auto orphan = port_->pool.find_orphan(port_->holder());
  if (!orphan) {
    return status;
  }
  // its writer is dead: what it still announced is to be seen by now
  const Status last = next_announced(lease);
  return last == Status::empty || last == Status::closed ? take(*orphan, lease) : last;
}

Status TensorReader::next_announced(ReadLease & lease)
{
  for (;;) {
    unsigned char bytes[256];
    RecordHead head;
    const std::uint64_t before = announcements_.next();
    const Status status = announcements_.pop(head, bytes);
    miss(before, status == Status::ok ? head.sequence : announcements_.next());
    if (announcements_.overrun() != overrun_) {
      overrun_ = announcements_.overrun();
      port_->pool.end_older(port_->holder(), overrun_, LeaseWord::overwritten);
    }
    if (status != Status::ok) {
      return status;
    }
    Announcement announcement{};
    if (head.type != kAnnouncement || head.length != sizeof announcement) {
      miss(head.sequence, head.sequence + 1);
      continue;
    }
    std::memcpy(&announcement, bytes, sizeof announcement);
    const Status taken = take({announcement.slot, announcement.generation}, lease);
    if (taken == Status::ok) {
      return Status::ok;
    }
    if (taken != Status::not_leased) {
      miss(head.sequence, head.sequence + 1);
    }
  }
}

void TensorReader::miss(std::uint64_t first, std::uint64_t end)
{
  first = std::max(first, joined_at_);
  missed_ += end > first ? end - first : 0;
}

bool TensorReader::is_time_for_orphans()
{
  const std::int64_t now_ns = monotonic_ns();
  if (now_ns < orphans_again_ns_) {
    return false;
  }
  orphans_again_ns_ = now_ns + kOrphanPatienceNs;
  return true;
}

Status TensorReader::open(TensorId id, ReadLease & lease)
{
  if (port_->is_inherited()) {
    return Status::inherited;
  }
  const Status status = take(id, lease);
  if (status == Status::ok) {
    port_->pool.end_older(port_->holder(), port_->pool.order_of(id), LeaseWord::released);
  }
  return status;
}

Status TensorReader::take(TensorId id, ReadLease & lease)
{
  Description description{};
  const Status status = port_->pool.take(port_->holder(), id, description);
  if (status != Status::ok) {
    return status;
  }
  try {
    lease = ReadLease(port_, id, understood(description, port_->geometry().slot_bytes));
  } catch (const std::invalid_argument &) {
    port_->pool.release(port_->holder(), id);
    return Status::invalid;
  }
  return Status::ok;
}

Status TensorReader::wait(std::int64_t timeout_ns)
{
  const Deadline deadline(timeout_ns);
  for (;;) {
    const std::int64_t left_ns = deadline.left_ns();
    const Status status = announcements_.wait(std::min(left_ns, kLongestWaitNs));
    if (status != Status::empty) {
      return status;
    }
    if (port_->pool.find_orphan(port_->holder())) {
      orphans_again_ns_ = 0;
      return Status::ok;
    }
    if (left_ns == 0) {
      return Status::empty;
    }
  }
}

TensorMailbox::TensorMailbox(
    std::shared_ptr<Segment> segment, std::shared_ptr<Payload> payload, std::int64_t ttl_ns,
    Creation creation)
: segment_(std::move(segment)),
  payload_(std::move(payload)),
  ttl_ns_(ttl_ns),
  creation_(std::move(creation))
{
}

TensorMailbox TensorMailbox::create(const std::string & name, const TensorOptions & options)
{
  check(options);
  Geometry geometry;
  geometry.kind = Kind::tensor;
  // A reader that is given a tensor has at most slot_count announcements before it.
  geometry.cell_count = power_of_two_from(2 * options.slot_count);
  geometry.place_count = options.place_count;
  geometry.slot_count = options.slot_count;
  geometry.slot_bytes = (options.slot_bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  auto segment = Segment::create(name, geometry, options.backend);
  auto payload = payload_in(segment);
  return {segment, std::move(payload), options.ttl_ns, Creation(segment)};
}

TensorMailbox TensorMailbox::attach(const std::string & name)
{
  auto segment = Segment::attach(name);
  if (segment->geometry().kind != Kind::tensor) {
    throw NotAMailbox("mailbox '" + name + "' holds records, expected tensors");
  }
  auto payload = payload_in(segment);
  return {std::move(segment), std::move(payload), 0, Creation()};
}

std::uint32_t TensorMailbox::free_slots() const
{
  SystemPlaces places(&segment_->header(), segment_->places(), segment_->geometry().place_count);
  const SystemPool pool(
      &segment_->header(), segment_->slots(), segment_->leases(), segment_->geometry().slot_count,
      places);
  return pool.free_slots(monotonic_ns());
}

}  // namespace sage::mailbox
