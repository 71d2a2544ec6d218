// The ring of records inside kernels: the protocol of ring.hpp, by the same code.
#ifndef SAGE_MAILBOX_CUDA__DEVICE_RING_CUH_
#define SAGE_MAILBOX_CUDA__DEVICE_RING_CUH_

#include <cstdint>

#include "sage_mailbox/ring.hpp"

namespace sage::mailbox::cuda_backend
{

/// Kernels cannot ask the kernel of the operating system whether a process lives. A record that a
/// dead writer did not finish stays pending here until the ring has come round.
struct NeverGone {
  SAGE_HOST_DEVICE bool operator()(Holder) const { return false; }
};

using KernelRing = Ring<SystemAtomics, NeverGone>;

/// A ring as it is given to a kernel: by value.
struct RingView {
  Header * header;
  void * cells;
  std::uint32_t cell_bytes;
  std::uint32_t cell_count;

  SAGE_HOST_DEVICE KernelRing ring() const
  {
    return {header, cells, cell_bytes, cell_count, NeverGone{}};
  }
};

#if defined(__CUDACC__)

/// Writes one record; to be called by one thread. As Ring::push.
__device__ inline Status push(
    const RingView & view, Holder writer, RecordHead & head, const void * payload)
{
  return view.ring().push(writer, head, payload);
}

/// Reads up to `count` records, in order; to be called by one thread.
///
/// `heads`: room for `count`; `payloads`: room for `count` payloads of `payload_stride` bytes each,
/// which is at least what a cell holds. Returns how many there were: fewer than `count` only if the
/// next one is not there, or not yet finished.
__device__ inline std::uint32_t pop(
    const RingView & view, Cursor & cursor, std::uint32_t count, RecordHead * heads,
    unsigned char * payloads, std::uint32_t payload_stride)
{
  const KernelRing ring = view.ring();
  std::uint32_t popped = 0;
  while (popped < count &&
         ring.pop(cursor, heads[popped], payloads + std::uint64_t{popped} * payload_stride) ==
             Status::ok) {
    ++popped;
  }
  return popped;
}

#endif  // __CUDACC__

}  // namespace sage::mailbox::cuda_backend

#endif  // SAGE_MAILBOX_CUDA__DEVICE_RING_CUH_
