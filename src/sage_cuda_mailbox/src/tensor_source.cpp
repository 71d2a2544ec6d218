#include "sage_mailbox/tensor_source.hpp"

#include <utility>

#include "sage_mailbox/errors.hpp"
#include "sage_mailbox/wakeup.hpp"

namespace sage::mailbox
{

namespace
{

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kRetryNs = 1000 * kNsPerMs;

}  // namespace

Status TensorSource::acquire(std::uint64_t tensor_bytes, WriteLease & lease)
{
  if (!mailbox_ || mailbox_->segment()->geometry().slot_bytes < tensor_bytes) {
    make(tensor_bytes);
  }
  return writer_->acquire(lease, WhenFull::overwrite);
}

Status TensorSource::publish(WriteLease & lease, Tensor tensor, Handle & handle)
{
  tensor.tag = ++tag_;
  if (tensor.strides_bytes.empty()) {
    tensor.strides_bytes = dense_strides(tensor.shape, tensor.type);
  }
  const TensorId id = lease.id();
  const Status status = lease.publish(tensor);
  if (status == Status::ok) {
    handle = {name_, Backend::shm, -1, id, std::move(tensor), options_.ttl_ms};
  }
  return status;
}

void TensorSource::close()
{
  writer_.reset();
  mailbox_.reset();
  fault_ = nullptr;
}

void TensorSource::make(std::uint64_t slot_bytes)
{
  const std::int64_t now_ns = monotonic_ns();
  if (fault_ && now_ns < try_again_ns_) {
    std::rethrow_exception(fault_);
  }
  close();
  TensorOptions options;
  options.slot_count = options_.slot_count;
  options.slot_bytes = slot_bytes;
  options.ttl_ns = options_.ttl_ms * kNsPerMs;
  try {
    sweep_stale();  // of processes that were killed, and had other names
    mailbox_.emplace(TensorMailbox::create(name_, options));
    writer_.emplace(mailbox_->writer());
  } catch (const MailboxError &) {
    close();
    fault_ = std::current_exception();
    try_again_ns_ = now_ns + kRetryNs;
    throw;
  }
}

}  // namespace sage::mailbox
