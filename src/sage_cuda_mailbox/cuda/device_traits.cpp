#include "sage_mailbox_cuda/device_traits.hpp"

#include <cuda_runtime_api.h>

#include <cstring>

#include "driver.hpp"
#include "sage_mailbox_cuda/checked.hpp"

namespace sage::mailbox::cuda_backend
{

namespace
{

bool has(cudaDeviceAttr attribute, int device)
{
  int value = 0;
  checked(cudaDeviceGetAttribute(&value, attribute, device), "cudaDeviceGetAttribute");
  return value != 0;
}

bool has(CUdevice_attribute attribute, int device)
{
  int value = 0;
  const Driver & driver = Driver::instance();
  // devices of the driver have the same order as those of the runtime
  driver.checked(driver.device_attribute(&value, attribute, device), "cuDeviceGetAttribute");
  return value != 0;
}

}  // namespace

int device_count(std::string & why)
{
  int count = 0;
  const cudaError_t result = cudaGetDeviceCount(&count);
  if (result != cudaSuccess) {
    why = cudaGetErrorString(result);
    return 0;
  }
  why = count == 0 ? "the driver knows of none" : "";
  return count;
}

DeviceTraits traits_of(int device)
{
  cudaDeviceProp properties{};
  checked(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  DeviceTraits traits;
  traits.device = device;
  traits.name = properties.name;
  std::memcpy(traits.uuid.data(), properties.uuid.bytes, traits.uuid.size());
  traits.is_integrated = has(cudaDevAttrIntegrated, device);
  traits.has_host_atomics = has(cudaDevAttrHostNativeAtomicSupported, device);
  traits.has_virtual_memory = has(CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED, device);
  traits.exports_descriptors =
      has(CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED, device);
  return traits;
}

Backend chosen_backend(const DeviceTraits & traits)
{
  if (traits.is_integrated) {
    return Backend::pinned;
  }
  return traits.has_virtual_memory && traits.exports_descriptors ? Backend::cuda_vmm
                                                                 : Backend::cuda_ipc;
}

std::string explained(const DeviceTraits & traits, Backend backend)
{
  const std::string where = "device " + std::to_string(traits.device) + " (" + traits.name + "): ";
  switch (backend) {
    case Backend::pinned:
      return where + "pinned, shared memory that the GPU maps" +
             (traits.is_integrated ? ": it is integrated" : "");
    case Backend::cuda_vmm:
      return where + "cuda_vmm, device memory exported as a file descriptor";
    case Backend::cuda_ipc:
      return where + "cuda_ipc, device memory exported as a handle" +
             (traits.exports_descriptors ? "" : ": it exports no file descriptors");
    default:
      return where + "host memory";
  }
}

}  // namespace sage::mailbox::cuda_backend
