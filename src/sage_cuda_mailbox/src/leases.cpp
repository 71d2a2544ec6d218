#include <cstdint>
#include <memory>
#include <utility>

#include "sage_mailbox/tensor_mailbox.hpp"
#include "sage_mailbox/wakeup.hpp"
#include "tensor_port.hpp"

namespace sage::mailbox
{

WriteLease & WriteLease::operator=(WriteLease && other) noexcept
{
  if (this != &other) {
    abandon();
    port_ = std::move(other.port_);
    id_ = other.id_;
    is_copied_ = other.is_copied_;
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
  port_->pool.prefetch_to_publish(id_);
  port_->ring.prefetch();
  const Description description = described(tensor, bytes());
  if (port_->participant.segment()->is_closed()) {
    abandon();
    return Status::closed;
  }
  const auto port = std::exchange(port_, nullptr);
  std::uint32_t count = 0;
  const std::int64_t lasting_ns = ttl_ns < 0 ? port->ttl_ns : ttl_ns;
  const std::int64_t now_ns = lasting_ns == 0 ? 0 : monotonic_ns();
  Status status = port->pool.publish(port->holder(), id_, description, lasting_ns, now_ns, count);
  if (status != Status::ok) {
    return status;
  }
  status = port->announce(id_);
  if (status != Status::ok) {
    port->pool.withdraw(id_);
    return status;
  }
  wake_sleepers(port->header());
  if (is_copied_) {
    SystemAtomics::add(&port->header().copied, std::uint64_t{1});
  }
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

}  // namespace sage::mailbox
