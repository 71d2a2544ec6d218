// A ring of records in device memory, for kernels; and its use from the host, in order of a stream.
#ifndef SAGE_MAILBOX_CUDA__DEVICE_RING_HPP_
#define SAGE_MAILBOX_CUDA__DEVICE_RING_HPP_

#include <cuda_runtime_api.h>

#include <cstdint>

#include "sage_mailbox_cuda/device_ring.cuh"

namespace sage::mailbox::cuda_backend
{

/// What a kernel that pops reports.
struct PopResult {
  Cursor cursor;
  std::uint32_t popped = 0;
};

/// A ring whose words all lie in the memory of one GPU.
///
/// The host takes part by kernels that it queues on a stream: processors cannot use atomic
/// operations on that memory, nor, on most discrete GPUs, kernels on the host's
/// (cudaDevAttrHostNativeAtomicSupported). One thread at a time.
class DeviceRing
{
public:
  /// Args: `cell_bytes`: 64, 128, 192 or 256; `cell_count`: a power of two.
  /// Throws InvalidArgument, CudaError.
  DeviceRing(int device, std::uint32_t cell_bytes, std::uint32_t cell_count);
  DeviceRing(const DeviceRing &) = delete;
  DeviceRing & operator=(const DeviceRing &) = delete;
  ~DeviceRing();

  /// To be given to kernels.
  const RingView & view() const { return view_; }
  std::uint32_t payload_bytes() const { return view_.cell_bytes - kCellHeadBytes; }

  /// Queues a kernel that writes `count` records of one type.
  ///
  /// Args: `writer`: distinct for each writer there is at a time; `payloads`: device memory,
  /// `count` payloads of `length` bytes each, which must stay until the kernel is done; `written`:
  /// device memory, set to how many said ok; may be nullptr. Throws CudaError.
  void push(
      Holder writer, std::uint16_t type, const void * payloads, std::uint16_t length,
      std::uint32_t count, std::uint32_t * written, cudaStream_t stream);

  /// Queues a kernel that reads up to `count` records from `result->cursor` on.
  ///
  /// Args: `heads`, `payloads`, `result`: device memory; `payloads` has room for `count` times
  /// `payload_bytes()`. Throws CudaError.
  void pop(
      std::uint32_t count, RecordHead * heads, void * payloads, PopResult * result,
      cudaStream_t stream);

private:
  int device_;
  void * memory_ = nullptr;
  RingView view_{};
};

}  // namespace sage::mailbox::cuda_backend

#endif  // SAGE_MAILBOX_CUDA__DEVICE_RING_HPP_
