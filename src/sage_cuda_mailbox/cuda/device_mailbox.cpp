#include "sage_mailbox_cuda/device_mailbox.hpp"

#include <stdexcept>
#include <utility>

#include "device_payload.hpp"

namespace sage::mailbox::cuda_backend
{

namespace
{

bool is_on_a_device(Backend backend)
{
  return backend == Backend::cuda_vmm || backend == Backend::cuda_ipc || backend == Backend::pinned;
}

Geometry geometry_for(const DeviceOptions & options, Backend backend)
{
  if (options.slot_count == 0 || options.slot_count > kMostSlots) {
    throw std::invalid_argument(
        "slot_count is " + std::to_string(options.slot_count) + ", expected 1 to 4096");
  }
  if (options.slot_bytes == 0 || options.slot_bytes > kMostSlotBytes) {
    throw std::invalid_argument(
        "slot_bytes is " + std::to_string(options.slot_bytes) + ", expected 1 to 68719476736");
  }
  Geometry geometry;
  geometry.kind = Kind::tensor;
  geometry.cell_count = 2;
  while (geometry.cell_count < 2 * options.slot_count) {
    geometry.cell_count *= 2;
  }
  geometry.place_count = options.place_count;
  geometry.slot_count = options.slot_count;
  geometry.slot_bytes = (options.slot_bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  geometry.payload_inside = backend == Backend::pinned;
  return geometry;
}

}  // namespace

DeviceTensorMailbox::DeviceTensorMailbox(
    std::shared_ptr<Segment> segment, std::shared_ptr<Payload> payload, std::int64_t ttl_ns,
    Creation creation)
: segment_(std::move(segment)),
  payload_(std::move(payload)),
  ttl_ns_(ttl_ns),
  creation_(std::move(creation))
{
}

DeviceTensorMailbox DeviceTensorMailbox::create(
    const std::string & name, const DeviceOptions & options)
{
  if (options.ttl_ns < 0) {
    throw std::invalid_argument(
        "ttl_ns is " + std::to_string(options.ttl_ns) + ", expected 0 (no end) or more");
  }
  const DeviceTraits traits = traits_of(options.device);
  const Backend backend = options.backend.value_or(chosen_backend(traits));
  if (!is_on_a_device(backend)) {
    throw std::invalid_argument(
        "backend is " + std::to_string(static_cast<std::uint32_t>(backend)) +
        ", expected 2 (cuda_vmm), 3 (cuda_ipc) or 4 (pinned)");
  }
  auto segment = Segment::create(name, geometry_for(options, backend), backend, options.device);
  Creation creation(segment);  // closes the mailbox again if there is no memory
  auto payload = created_payload(segment);
  return {std::move(segment), std::move(payload), options.ttl_ns, std::move(creation)};
}

DeviceTensorMailbox DeviceTensorMailbox::attach(const std::string & name)
{
  auto segment = Segment::attach(name);
  if (segment->geometry().kind != Kind::tensor || !is_on_a_device(segment->backend())) {
    throw NotAMailbox("mailbox '" + name + "' holds no tensors on a GPU");
  }
  auto payload = attached_payload(segment);
  return {std::move(segment), std::move(payload), 0, Creation()};
}

}  // namespace sage::mailbox::cuda_backend
