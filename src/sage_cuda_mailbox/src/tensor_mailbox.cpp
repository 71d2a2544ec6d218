#include "sage_mailbox/tensor_mailbox.hpp"

#include <string>
#include <utility>

#include "host_payload.hpp"
#include "sage_mailbox/errors.hpp"
#include "sage_mailbox/wakeup.hpp"
#include "tensor_port.hpp"

namespace sage::mailbox
{

namespace
{

bool is_in_host_memory(Backend backend)
{
  return backend == Backend::host || backend == Backend::shm;
}

/// Where the slots of a mailbox are for this process. Throws WrongBackend.
std::shared_ptr<Payload> payload_in(const std::shared_ptr<Segment> & segment)
{
  if (!is_in_host_memory(segment->backend())) {
    throw WrongBackend(
        "mailbox '" + segment->name() + "': " +
        mismatch("backend", name_of(segment->backend()), "host or shm, which this build has"));
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
  if (!is_in_host_memory(options.backend)) {
    throw InvalidArgument("backend", name_of(options.backend), "host or shm");
  }
  if (options.ttl_ns < 0) {
    throw InvalidArgument("ttl_ns", std::to_string(options.ttl_ns), "0 (no end) or more");
  }
  const Geometry geometry =
      tensor_geometry(options.slot_count, options.slot_bytes, options.place_count);
  auto segment = Segment::create(name, geometry, options.backend);
  auto payload = payload_in(segment);
  return {segment, std::move(payload), options.ttl_ns, Creation(segment)};
}

TensorMailbox TensorMailbox::attach(const std::string & name)
{
  auto segment = Segment::attach(name);
  if (segment->geometry().kind != Kind::tensor) {
    throw WrongKind("mailbox '" + name + "' holds records, expected tensors");
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
