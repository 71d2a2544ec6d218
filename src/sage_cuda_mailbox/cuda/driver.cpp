#include "driver.hpp"

#include <cuda_runtime_api.h>

#include "sage_mailbox_cuda/checked.hpp"

namespace sage::mailbox::cuda_backend
{

namespace
{

constexpr unsigned kVersion = 12000;  // of the functions' forms

template <class Function>
void look_up(const char * name, Function & function)
{
  void * found = nullptr;
  cudaDriverEntryPointQueryResult status = cudaDriverEntryPointSymbolNotFound;
  checked(
      cudaGetDriverEntryPointByVersion(name, &found, kVersion, cudaEnableDefault, &status), name);
  if (status != cudaDriverEntryPointSuccess || found == nullptr) {
    throw CudaError(std::string("the CUDA driver has no ") + name + ", expected CUDA 12 or newer");
  }
  function = reinterpret_cast<Function>(found);
}

Driver looked_up()
{
  Driver driver{};
  look_up("cuDeviceGetAttribute", driver.device_attribute);
  look_up("cuGetErrorString", driver.error_string);
  look_up("cuMemAddressFree", driver.free_addresses);
  look_up("cuMemAddressReserve", driver.reserve_addresses);
  look_up("cuMemCreate", driver.create);
  look_up("cuMemExportToShareableHandle", driver.export_handle);
  look_up("cuMemGetAllocationGranularity", driver.granularity);
  look_up("cuMemImportFromShareableHandle", driver.import_handle);
  look_up("cuMemMap", driver.map);
  look_up("cuMemRelease", driver.release);
  look_up("cuMemSetAccess", driver.set_access);
  look_up("cuMemUnmap", driver.unmap);
  return driver;
}

}  // namespace

const Driver & Driver::instance()
{
  static const Driver driver = looked_up();
  return driver;
}

void Driver::checked(CUresult result, const char * call) const
{
  if (result != CUDA_SUCCESS) {
    const char * text = nullptr;
    error_string(result, &text);
    throw CudaError(std::string(call) + ": " + (text != nullptr ? text : "unknown error"));
  }
}

}  // namespace sage::mailbox::cuda_backend
