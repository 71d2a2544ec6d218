// The functions of the CUDA driver that the runtime has no form of, looked up at run time, so that
// nothing needs libcuda.so to be linked or started.
#ifndef DRIVER_HPP_
#define DRIVER_HPP_

#include <cuda.h>

#include <string>

namespace sage::mailbox::cuda_backend
{

struct Driver {
  decltype(&cuDeviceGetAttribute) device_attribute;
  decltype(&cuGetErrorString) error_string;
  decltype(&cuMemAddressFree) free_addresses;
  decltype(&cuMemAddressReserve) reserve_addresses;
  decltype(&cuMemCreate) create;
  decltype(&cuMemExportToShareableHandle) export_handle;
  decltype(&cuMemGetAllocationGranularity) granularity;
  decltype(&cuMemImportFromShareableHandle) import_handle;
  decltype(&cuMemMap) map;
  decltype(&cuMemRelease) release;
  decltype(&cuMemSetAccess) set_access;
  decltype(&cuMemUnmap) unmap;

  /// Throws CudaError if there is no driver, or one that is too old.
  static const Driver & instance();

  /// Throws CudaError unless the call went well.
  void checked(CUresult result, const char * call) const;
};

}  // namespace sage::mailbox::cuda_backend

#endif  // DRIVER_HPP_
