#include "sage_mailbox_cuda/mapped_ring.hpp"

#include <cuda_runtime_api.h>

#include <cstddef>
#include <utility>

#include "sage_mailbox/errors.hpp"
#include "sage_mailbox/wakeup.hpp"
#include "sage_mailbox_cuda/checked.hpp"
#include "sage_mailbox_cuda/device_traits.hpp"

namespace sage::mailbox::cuda_backend
{

namespace
{

const std::shared_ptr<Segment> & usable(const std::shared_ptr<Segment> & segment, int device)
{
  const DeviceTraits traits = traits_of(device);
  if (!traits.has_host_atomics) {
    throw WrongBackend(
        "mailbox '" + segment->name() + "': kernels on device " + std::to_string(device) + " (" +
        traits.name + ") cannot write to it, its atomic operations do not hold for processors");
  }
  return segment;
}

}  // namespace

MappedRing::MappedRing(std::shared_ptr<Segment> segment, int device)
: segment_(std::move(segment)), participant_(usable(segment_, device), PlaceWord::writer)
{
  constexpr unsigned flags = cudaHostRegisterMapped | cudaHostRegisterPortable;
  const Geometry & geometry = segment_->geometry();
  checked(cudaSetDevice(device), "cudaSetDevice");
  checked(
      cudaHostRegister(&segment_->header(), geometry.total_bytes(), flags),
      "cudaHostRegister of the mailbox");
  void * mapped = nullptr;
  const cudaError_t found = cudaHostGetDevicePointer(&mapped, &segment_->header(), 0);
  if (found != cudaSuccess) {
    cudaHostUnregister(&segment_->header());
  }
  checked(found, "cudaHostGetDevicePointer");
  auto * base = static_cast<std::byte *>(mapped);
  view_ = {
      reinterpret_cast<Header *>(base), base + geometry.cells_at(), geometry.cell_bytes,
      geometry.cell_count};
}

MappedRing::~MappedRing() { cudaHostUnregister(&segment_->header()); }

void MappedRing::wake() { wake_sleepers(segment_->header()); }

}  // namespace sage::mailbox::cuda_backend
