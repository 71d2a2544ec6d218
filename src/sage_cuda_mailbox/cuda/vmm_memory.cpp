#include "vmm_memory.hpp"

#include <cuda_runtime_api.h>

#include "driver.hpp"
#include "sage_mailbox_cuda/checked.hpp"

namespace sage::mailbox::cuda_backend
{

namespace
{

CUmemAllocationProp properties_of(int device)
{
  CUmemAllocationProp properties{};
  properties.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  properties.requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
  properties.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  properties.location.id = device;
  return properties;
}

/// The size that an allocation of `bytes` has. Makes the device's context, too.
std::uint64_t rounded(int device, std::uint64_t bytes)
{
  checked(cudaSetDevice(device), "cudaSetDevice");
  checked(cudaFree(nullptr), "making the context of the device");
  const Driver & driver = Driver::instance();
  const CUmemAllocationProp properties = properties_of(device);
  std::size_t granularity = 0;
  driver.checked(
      driver.granularity(&granularity, &properties, CU_MEM_ALLOC_GRANULARITY_MINIMUM),
      "cuMemGetAllocationGranularity");
  return (bytes + granularity - 1) / granularity * granularity;
}

}  // namespace

VmmMemory::VmmMemory(int device, std::uint64_t bytes)
: device_(device), bytes_(rounded(device, bytes))
{
  const Driver & driver = Driver::instance();
  const CUmemAllocationProp properties = properties_of(device_);
  driver.checked(driver.create(&handle_, bytes_, &properties, 0), "cuMemCreate");
  has_handle_ = true;
  map();
}

VmmMemory::VmmMemory(int device, std::uint64_t bytes, const FileDescriptor & exported)
: device_(device), bytes_(rounded(device, bytes))
{
  const Driver & driver = Driver::instance();
  auto * descriptor = reinterpret_cast<void *>(static_cast<std::uintptr_t>(exported.number()));
  driver.checked(
      driver.import_handle(&handle_, descriptor, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR),
      "cuMemImportFromShareableHandle");
  has_handle_ = true;
  map();
}

VmmMemory::~VmmMemory() { give_back(); }

FileDescriptor VmmMemory::exported() const
{
  const Driver & driver = Driver::instance();
  int descriptor = -1;
  driver.checked(
      driver.export_handle(&descriptor, handle_, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0),
      "cuMemExportToShareableHandle");
  return FileDescriptor(descriptor);
}

void VmmMemory::map()
{
  const Driver & driver = Driver::instance();
  CUmemAccessDesc access{};
  access.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  access.location.id = device_;
  access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
  try {
    driver.checked(driver.reserve_addresses(&address_, bytes_, 0, 0, 0), "cuMemAddressReserve");
    driver.checked(driver.map(address_, bytes_, 0, handle_, 0), "cuMemMap");
    is_mapped_ = true;
    driver.checked(driver.set_access(address_, bytes_, &access, 1), "cuMemSetAccess");
  } catch (const CudaError &) {
    give_back();
    throw;
  }
}

void VmmMemory::give_back() noexcept
{
  const Driver & driver = Driver::instance();
  if (is_mapped_) {
    driver.unmap(address_, bytes_);
  }
  if (address_ != 0) {
    driver.free_addresses(address_, bytes_);
  }
  if (has_handle_) {
    driver.release(handle_);
  }
}

}  // namespace sage::mailbox::cuda_backend
