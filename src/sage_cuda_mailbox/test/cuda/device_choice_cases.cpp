// Which backend a GPU gets, and what is said where there is no GPU; needs none.
#include <cstdint>
#include <string>

#include "../cpp/expect.hpp"
#include "sage_mailbox_cuda/checked.hpp"
#include "sage_mailbox_cuda/device_mailbox.hpp"

using namespace sage::mailbox;
using namespace sage::mailbox::cuda_backend;
using namespace sage::mailbox::test;

namespace
{

DeviceTraits traits_with(bool is_integrated, bool has_virtual_memory, bool exports_descriptors)
{
  DeviceTraits traits;
  traits.name = "a GPU";
  traits.is_integrated = is_integrated;
  traits.has_virtual_memory = has_virtual_memory;
  traits.exports_descriptors = exports_descriptors;
  return traits;
}

void the_backend_fits_the_device()
{
  for (const bool has_virtual_memory : {false, true}) {
    for (const bool exports_descriptors : {false, true}) {
      const DeviceTraits jetson = traits_with(true, has_virtual_memory, exports_descriptors);
      EXPECT(chosen_backend(jetson) == Backend::pinned);
      EXPECT(contains(explained(jetson, Backend::pinned), "integrated"));
    }
  }
  EXPECT(chosen_backend(traits_with(false, true, true)) == Backend::cuda_vmm);
  const DeviceTraits old = traits_with(false, true, false);
  EXPECT(chosen_backend(old) == Backend::cuda_ipc);
  EXPECT(contains(explained(old, Backend::cuda_ipc), "no file descriptors"));
  EXPECT(chosen_backend(traits_with(false, false, false)) == Backend::cuda_ipc);
}

/// Where there is no GPU, that is said, and no mailbox is left behind.
void without_a_device_nothing_is_made()
{
  std::string why;
  if (device_count(why) > 0) {
    std::printf("  there is a GPU here: what is said without one was not tried\n");
    return;
  }
  EXPECT(!why.empty());
  DeviceOptions options;
  options.slot_bytes = 4096;
  const std::string name = unique_name("nowhere");
  refusal<CudaError>([&] { DeviceTensorMailbox::create(name, options); });
  refusal<NoSuchMailbox>([&] { DeviceTensorMailbox::attach(name); });
  const auto on_the_host = TensorMailbox::create(name, {1, 4096});
  const std::string refused = refusal<NotAMailbox>([&] { DeviceTensorMailbox::attach(name); });
  EXPECT(contains(refused, "no tensors on a GPU"));
}

}  // namespace

int main()
{
  the_backend_fits_the_device();
  without_a_device_nothing_is_made();
  std::printf("device_choice_cases: all is well\n");
  return 0;
}
