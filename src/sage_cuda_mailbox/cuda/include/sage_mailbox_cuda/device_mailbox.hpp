// The focus tensor mailbox with its tensors on a GPU.
#ifndef SAGE_MAILBOX_CUDA__DEVICE_MAILBOX_HPP_
#define SAGE_MAILBOX_CUDA__DEVICE_MAILBOX_HPP_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "sage_mailbox/tensor_mailbox.hpp"
#include "sage_mailbox_cuda/device_traits.hpp"
#include "sage_mailbox_cuda/readiness.hpp"

namespace sage::mailbox::cuda_backend
{

struct DeviceOptions {
  std::uint32_t slot_count = 4;
  std::uint64_t slot_bytes = 0;    ///< rounded up to 4096
  std::uint32_t place_count = 32;  ///< how many writers and readers there can be at a time
  std::int64_t ttl_ns = 0;         ///< of leases; 0: until given back
  int device = 0;
  std::optional<Backend> backend;  ///< cuda_vmm, cuda_ipc or pinned; nothing: what fits the device
};

/// A mailbox for tensors on a GPU; the control words lie in shared memory of the host, as always.
class DeviceTensorMailbox
{
public:
  /// Throws InvalidArgument, OpenError, SystemCallError, CudaError.
  static DeviceTensorMailbox create(const std::string & name, const DeviceOptions & options);
  /// Throws InvalidArgument, OpenError, SystemCallError, CudaError.
  static DeviceTensorMailbox attach(const std::string & name);

  TensorWriter writer() const { return {segment_, payload_, ttl_ns_}; }
  TensorReader reader() const { return {segment_, payload_}; }
  /// For one writer or one reader that works in the order of streams.
  std::unique_ptr<Readiness> readiness() const
  {
    return std::make_unique<Readiness>(segment_, payload_);
  }
  Statistics statistics() const { return statistics_of(*segment_); }
  const Payload & payload() const { return *payload_; }
  const std::shared_ptr<Segment> & segment() const { return segment_; }
  /// Says that nothing more comes; only the creator's process can.
  void close() { segment_->close(); }

private:
  DeviceTensorMailbox(
      std::shared_ptr<Segment> segment, std::shared_ptr<Payload> payload, std::int64_t ttl_ns,
      Creation creation);

  std::shared_ptr<Segment> segment_;
  std::shared_ptr<Payload> payload_;
  std::int64_t ttl_ns_;
  Creation creation_;
};

}  // namespace sage::mailbox::cuda_backend

#endif  // SAGE_MAILBOX_CUDA__DEVICE_MAILBOX_HPP_
