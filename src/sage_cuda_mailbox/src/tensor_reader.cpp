#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "sage_mailbox/errors.hpp"
#include "sage_mailbox/tensor_mailbox.hpp"
#include "sage_mailbox/wakeup.hpp"
#include "tensor_port.hpp"

namespace sage::mailbox
{

namespace
{

constexpr std::int64_t kOrphanPatienceNs = 1'000'000;
constexpr std::int64_t kLongestWaitNs = 50'000'000;

}  // namespace

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
  if (last != Status::empty && last != Status::closed) {
    return last;
  }
  return take(*orphan, lease) == Status::ok ? Status::ok : last;
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
    if (head.type != Announcement::kType || head.length != sizeof announcement) {
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
  const std::int64_t now_ns = coarse_monotonic_ns();
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
  port_->pool.prefetch_to_take(port_->holder(), id);
  Description description{};
  const Status status = port_->pool.take(port_->holder(), id, description);
  if (status != Status::ok) {
    return status;
  }
  try {
    lease = ReadLease(port_, id, understood(description, port_->geometry().slot_bytes));
  } catch (const InvalidArgument &) {
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
    if (status != Status::timed_out) {
      return status;
    }
    if (port_->pool.find_orphan(port_->holder())) {
      orphans_again_ns_ = 0;
      return Status::ok;
    }
    if (left_ns == 0) {
      return Status::timed_out;
    }
  }
}

}  // namespace sage::mailbox
