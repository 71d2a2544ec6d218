// Device memory that can be handed to another process as a file descriptor.
#ifndef VMM_MEMORY_HPP_
#define VMM_MEMORY_HPP_

#include <cuda.h>

#include <cstddef>
#include <cstdint>

#include "shared_file.hpp"

namespace sage::mailbox::cuda_backend
{

/// One allocation, mapped for reading and writing by its device.
class VmmMemory
{
public:
  /// Allocates at least `bytes`. Throws CudaError.
  VmmMemory(int device, std::uint64_t bytes);
  /// Maps memory that another process exported; `bytes`: what that one asked for. Throws CudaError.
  VmmMemory(int device, std::uint64_t bytes, const FileDescriptor & exported);
  VmmMemory(const VmmMemory &) = delete;
  VmmMemory & operator=(const VmmMemory &) = delete;
  ~VmmMemory();

  /// A descriptor for another process to import. Throws CudaError.
  FileDescriptor exported() const;
  std::byte * data() const { return reinterpret_cast<std::byte *>(address_); }

private:
  void map();
  void give_back() noexcept;

  int device_;
  std::uint64_t bytes_;  // a multiple of the device's granularity
  CUmemGenericAllocationHandle handle_ = 0;
  CUdeviceptr address_ = 0;
  bool has_handle_ = false;
  bool is_mapped_ = false;
};

}  // namespace sage::mailbox::cuda_backend

#endif  // VMM_MEMORY_HPP_
