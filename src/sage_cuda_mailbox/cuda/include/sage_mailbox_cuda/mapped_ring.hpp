// A broadcast mailbox that kernels write to, and processes read.
#ifndef SAGE_MAILBOX_CUDA__MAPPED_RING_HPP_
#define SAGE_MAILBOX_CUDA__MAPPED_RING_HPP_

#include <memory>

#include "sage_mailbox/broadcast_mailbox.hpp"
#include "sage_mailbox_cuda/device_ring.cuh"

namespace sage::mailbox::cuda_backend
{

/// One writer of a broadcast mailbox in shared memory, for one thread of a kernel at a time.
///
/// Only where the GPU's atomic operations hold for processors, too
/// (DeviceTraits::has_host_atomics): elsewhere two writers could take one cell. Kernels wake
/// nobody: readers poll, or the host calls `wake` when the kernel is done.
class MappedRing
{
public:
  /// Throws WrongBackend: the GPU has no such operations; NoFreePlace; CudaError.
  MappedRing(std::shared_ptr<Segment> segment, int device);
  MappedRing(const MappedRing &) = delete;
  MappedRing & operator=(const MappedRing &) = delete;
  ~MappedRing();

  /// To be given to kernels.
  const RingView & view() const { return view_; }
  Holder writer() const { return participant_.holder(); }
  /// Wakes readers that sleep.
  void wake();

private:
  std::shared_ptr<Segment> segment_;
  Participant participant_;
  RingView view_{};
};

}  // namespace sage::mailbox::cuda_backend

#endif  // SAGE_MAILBOX_CUDA__MAPPED_RING_HPP_
