// What a GPU can do that matters for where tensors lie.
#ifndef SAGE_MAILBOX_CUDA__DEVICE_TRAITS_HPP_
#define SAGE_MAILBOX_CUDA__DEVICE_TRAITS_HPP_

#include <array>
#include <cstdint>
#include <string>

#include "sage_mailbox/layout.hpp"

namespace sage::mailbox::cuda_backend
{

using DeviceUuid = std::array<std::uint8_t, 16>;

struct DeviceTraits {
  int device = 0;
  std::string name;
  DeviceUuid uuid{};                 ///< the same in all processes, whatever they call the device
  bool is_integrated = false;        ///< shares its memory with the processor (Jetson)
  bool has_virtual_memory = false;   ///< cuMemCreate and cuMemMap
  bool exports_descriptors = false;  ///< of that memory, as POSIX file descriptors
  bool has_host_atomics = false;     ///< atomic operations on host memory, together with processors
};

/// How many GPUs there are; 0 also if there is no driver. `why`: why there are none.
int device_count(std::string & why);

/// Throws CudaError.
DeviceTraits traits_of(int device);

/// Where the tensors lie best:
/// - pinned on an integrated GPU: the memory is the same anyway, and memory IPC does not exist;
/// - cuda_vmm where memory can be exported as file descriptors: no other process of the user can
///   guess them, and the memory stays until the last one closes it;
/// - cuda_ipc otherwise.
Backend chosen_backend(const DeviceTraits & traits);

/// A sentence: which backend, on which device, and why.
std::string explained(const DeviceTraits & traits, Backend backend);

}  // namespace sage::mailbox::cuda_backend

#endif  // SAGE_MAILBOX_CUDA__DEVICE_TRAITS_HPP_
