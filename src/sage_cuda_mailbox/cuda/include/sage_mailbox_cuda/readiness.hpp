// Handing tensors over in the order of CUDA streams, without waiting on the host.
#ifndef SAGE_MAILBOX_CUDA__READINESS_HPP_
#define SAGE_MAILBOX_CUDA__READINESS_HPP_

#include <cuda_runtime_api.h>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "sage_mailbox/tensor_mailbox.hpp"

namespace sage::mailbox::cuda_backend
{

/// The events that say when the payload of a slot is there. One object for each writer and each
/// reader; one thread at a time.
///
/// A writer's event of a slot is recorded anew only when the slot is its own again, that is when no
/// reader has a lease on what it announced before.
class Readiness
{
public:
  Readiness(std::shared_ptr<Segment> segment, std::shared_ptr<Payload> payload);
  Readiness(const Readiness &) = delete;
  Readiness & operator=(const Readiness &) = delete;
  /// Waits until all that `release` queued is done.
  ~Readiness();

  /// Publishes a tensor that is there when what is queued on `stream` by now is done.
  /// As WriteLease::publish; throws CudaError, too.
  Status publish(
      WriteLease & lease, const Tensor & tensor, cudaStream_t stream, std::int64_t ttl_ns = -1,
      std::uint32_t * readers = nullptr);

  /// Lets `stream` wait until the tensor is there. Returns what ReadLease::check says; if that is
  /// not ok, nothing waits. Throws CudaError.
  Status wait(const ReadLease & lease, cudaStream_t stream);

  /// Gives the lease back when what is queued on `stream` by now is done. Throws CudaError.
  void release(ReadLease && lease, cudaStream_t stream);

private:
  using Handle = std::array<std::uint64_t, 8>;
  struct Queued;

  static void give_back(void * queued);

  cudaEvent_t own_event(std::uint32_t slot);
  cudaEvent_t opened_event(const Handle & handle);

  std::shared_ptr<Segment> segment_;
  std::shared_ptr<Payload> payload_;
  std::mutex mutex_;
  std::condition_variable is_given_back_;
  std::uint64_t queued_ = 0;              // leases that wait for a stream
  std::vector<cudaEvent_t> own_;          // by slot; nullptr: not used yet
  std::map<Handle, cudaEvent_t> opened_;  // of other processes
};

}  // namespace sage::mailbox::cuda_backend

#endif  // SAGE_MAILBOX_CUDA__READINESS_HPP_
