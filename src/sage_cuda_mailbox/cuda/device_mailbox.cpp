#include "sage_mailbox_cuda/device_mailbox.hpp"

#include <string>
#include <utility>

#include "device_payload.hpp"
#include "sage_mailbox/errors.hpp"

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
  Geometry geometry = tensor_geometry(options.slot_count, options.slot_bytes, options.place_count);
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
    throw InvalidArgument("ttl_ns", std::to_string(options.ttl_ns), "0 (no end) or more");
  }
  const DeviceTraits traits = traits_of(options.device);
  const Backend backend = options.backend.value_or(chosen_backend(traits));
  if (!is_on_a_device(backend)) {
    throw InvalidArgument("backend", name_of(backend), "cuda_vmm, cuda_ipc or pinned");
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
    throw WrongKind("mailbox '" + name + "' holds no tensors on a GPU");
  }
  auto payload = attached_payload(segment);
  return {std::move(segment), std::move(payload), 0, Creation()};
}

}  // namespace sage::mailbox::cuda_backend
