#include <cstddef>
#include <vector>

#include "sage_mailbox_cuda/checked.hpp"
#include "sage_mailbox_cuda/device_ring.hpp"

namespace sage::mailbox::cuda_backend
{

namespace
{

__global__ void push_records(
    RingView view, Holder writer, std::uint16_t type, const unsigned char * payloads,
    std::uint16_t length, std::uint32_t count, std::uint32_t * written)
{
  std::uint32_t done = 0;
  for (std::uint32_t index = 0; index < count; ++index) {
    RecordHead head;
    head.type = type;
    head.length = length;
    head.producer = writer.place;
    done += push(view, writer, head, payloads + std::uint64_t{index} * length) == Status::ok;
  }
  if (written != nullptr) {
    *written = done;
  }
}

__global__ void pop_records(
    RingView view, std::uint32_t count, RecordHead * heads, unsigned char * payloads,
    PopResult * result)
{
  const std::uint32_t stride = view.cell_bytes - kCellHeadBytes;
  Cursor cursor = result->cursor;
  result->popped = pop(view, cursor, count, heads, payloads, stride);
  result->cursor = cursor;
}

Geometry ring_geometry(std::uint32_t cell_bytes, std::uint32_t cell_count)
{
  Geometry geometry;
  geometry.cell_bytes = cell_bytes;
  geometry.cell_count = cell_count;
  geometry.place_count = 1;
  check(geometry);
  return geometry;
}

}  // namespace

DeviceRing::DeviceRing(int device, std::uint32_t cell_bytes, std::uint32_t cell_count)
: device_(device)
{
  const Geometry geometry = ring_geometry(cell_bytes, cell_count);
  const std::uint64_t cells_at = geometry.cells_at();
  const std::uint64_t bytes = cells_at + std::uint64_t{cell_count} * cell_bytes;
  std::vector<std::uint64_t> image(bytes / 8);
  auto * base = reinterpret_cast<std::byte *>(image.data());
  Ring<SystemAtomics, NeverGone>(
      reinterpret_cast<Header *>(base), base + cells_at, cell_bytes, cell_count, NeverGone{})
      .clear();
  checked(cudaSetDevice(device_), "cudaSetDevice");
  checked(cudaMalloc(&memory_, bytes), "cudaMalloc");
  cudaError_t copied = cudaMemcpy(memory_, base, bytes, cudaMemcpyHostToDevice);
  if (copied == cudaSuccess) {
    copied = cudaDeviceSynchronize();  // for streams that wait for no other
  }
  if (copied != cudaSuccess) {
    cudaFree(memory_);
  }
  checked(copied, "copying the empty ring to the device");
  auto * device_base = static_cast<std::byte *>(memory_);
  view_ = {reinterpret_cast<Header *>(device_base), device_base + cells_at, cell_bytes, cell_count};
}

DeviceRing::~DeviceRing() { cudaFree(memory_); }

void DeviceRing::push(
    Holder writer, std::uint16_t type, const void * payloads, std::uint16_t length,
    std::uint32_t count, std::uint32_t * written, cudaStream_t stream)
{
  push_records<<<1, 1, 0, stream>>>(
      view_, writer, type, static_cast<const unsigned char *>(payloads), length, count, written);
  checked(cudaGetLastError(), "the kernel that pushes");
}

void DeviceRing::pop(
    std::uint32_t count, RecordHead * heads, void * payloads, PopResult * result,
    cudaStream_t stream)
{
  pop_records<<<1, 1, 0, stream>>>(
      view_, count, heads, static_cast<unsigned char *>(payloads), result);
  checked(cudaGetLastError(), "the kernel that pops");
}

}  // namespace sage::mailbox::cuda_backend
