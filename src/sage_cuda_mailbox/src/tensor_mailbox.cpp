#include "sage_mailbox/tensor_mailbox.hpp"

#include <stdexcept>
#include <string>
#include <utility>

#include "host_payload.hpp"
#include "sage_mailbox/wakeup.hpp"
#include "tensor_port.hpp"

namespace sage::mailbox
{

namespace
{

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
  SystemParticipants places(
      &segment_->header(), segment_->places(), segment_->geometry().place_count);
  const SystemPool pool(
      &segment_->header(), segment_->slots(), segment_->leases(), segment_->geometry().slot_count,
      places);
  return pool.free_slots(monotonic_ns());
}

}  // namespace sage::mailbox
