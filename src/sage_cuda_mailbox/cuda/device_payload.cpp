#include "device_payload.hpp"

#include <cuda_runtime_api.h>

#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "handle_exchange.hpp"
#include "sage_mailbox_cuda/checked.hpp"
#include "vmm_memory.hpp"

namespace sage::mailbox::cuda_backend
{

namespace
{

std::uint64_t payload_bytes(const Segment & segment)
{
  return segment.geometry().slot_count * segment.geometry().slot_bytes;
}

/// Slots one after the other from a first byte on.
class DevicePayload : public Payload
{
public:
  DevicePayload(const Segment & segment, int device)
  : slot_bytes_(segment.geometry().slot_bytes), backend_(segment.backend()), device_(device)
  {
  }

  std::byte * slot(std::uint32_t index) const override { return first() + index * slot_bytes_; }
  Backend backend() const override { return backend_; }
  std::int32_t device() const override { return device_; }

protected:
  virtual std::byte * first() const = 0;

private:
  std::uint64_t slot_bytes_;
  Backend backend_;
  std::int32_t device_;
};

class VmmPayload : public DevicePayload
{
public:
  /// Allocates, and offers the memory to others.
  VmmPayload(const Segment & segment, const DeviceTraits & traits)
  : DevicePayload(segment, traits.device), memory_(traits.device, payload_bytes(segment))
  {
    MemoryOffer offer;
    offer.nonce = segment.nonce();
    offer.bytes = payload_bytes(segment);
    offer.backend = static_cast<std::uint32_t>(Backend::cuda_vmm);
    offer.uuid = traits.uuid;
    server_ = std::make_unique<HandleServer>(offer, memory_.exported());
  }

  VmmPayload(const Segment & segment, int device, const FileDescriptor & exported)
  : DevicePayload(segment, device), memory_(device, payload_bytes(segment), exported)
  {
  }

protected:
  std::byte * first() const override { return memory_.data(); }

private:
  VmmMemory memory_;
  std::unique_ptr<HandleServer> server_;  // of the creator
};

/// Memory of cudaMalloc. Its creator must outlive all others' use of it: that is CUDA's rule.
class OwnIpcPayload : public DevicePayload
{
public:
  OwnIpcPayload(const Segment & segment, const DeviceTraits & traits)
  : DevicePayload(segment, traits.device)
  {
    checked(cudaSetDevice(traits.device), "cudaSetDevice");
    void * memory = nullptr;
    checked(cudaMalloc(&memory, payload_bytes(segment)), "cudaMalloc");
    memory_.reset(static_cast<std::byte *>(memory));
    MemoryOffer offer;
    offer.nonce = segment.nonce();
    offer.bytes = payload_bytes(segment);
    offer.backend = static_cast<std::uint32_t>(Backend::cuda_ipc);
    offer.uuid = traits.uuid;
    cudaIpcMemHandle_t handle{};
    checked(cudaIpcGetMemHandle(&handle, memory), "cudaIpcGetMemHandle");
    static_assert(sizeof handle == sizeof offer.ipc_handle);
    std::memcpy(offer.ipc_handle.data(), &handle, sizeof handle);
    server_ = std::make_unique<HandleServer>(offer, FileDescriptor(-1));
  }

protected:
  std::byte * first() const override { return memory_.get(); }

private:
  struct Free {
    void operator()(std::byte * memory) const { cudaFree(memory); }
  };

  std::unique_ptr<std::byte, Free> memory_;
  std::unique_ptr<HandleServer> server_;
};

class OpenedIpcPayload : public DevicePayload
{
public:
  OpenedIpcPayload(const Segment & segment, int device, const MemoryOffer & offer)
  : DevicePayload(segment, device)
  {
    cudaIpcMemHandle_t handle{};
    std::memcpy(&handle, offer.ipc_handle.data(), sizeof handle);
    checked(cudaSetDevice(device), "cudaSetDevice");
    checked(
        cudaIpcOpenMemHandle(&memory_, handle, cudaIpcMemLazyEnablePeerAccess),
        "cudaIpcOpenMemHandle");
  }
  OpenedIpcPayload(const OpenedIpcPayload &) = delete;
  OpenedIpcPayload & operator=(const OpenedIpcPayload &) = delete;
  ~OpenedIpcPayload() override { cudaIpcCloseMemHandle(memory_); }

protected:
  std::byte * first() const override { return static_cast<std::byte *>(memory_); }

private:
  void * memory_ = nullptr;
};

/// The slots in the shared segment, made known to the GPU of each process.
class PinnedPayload : public DevicePayload
{
public:
  PinnedPayload(std::shared_ptr<Segment> segment, int device)
  : DevicePayload(*segment, device), segment_(std::move(segment))
  {
    constexpr unsigned flags = cudaHostRegisterMapped | cudaHostRegisterPortable;
    checked(cudaSetDevice(device), "cudaSetDevice");
    checked(
        cudaHostRegister(segment_->payload(), payload_bytes(*segment_), flags),
        "cudaHostRegister of the shared memory");
    const cudaError_t found = cudaHostGetDevicePointer(&mapped_, segment_->payload(), 0);
    if (found != cudaSuccess) {
      cudaHostUnregister(segment_->payload());
    }
    checked(found, "cudaHostGetDevicePointer");
  }
  PinnedPayload(const PinnedPayload &) = delete;
  PinnedPayload & operator=(const PinnedPayload &) = delete;
  ~PinnedPayload() override { cudaHostUnregister(segment_->payload()); }

protected:
  std::byte * first() const override { return static_cast<std::byte *>(mapped_); }

private:
  std::shared_ptr<Segment> segment_;
  void * mapped_ = nullptr;
};

/// Payloads of this process by their mailbox: CUDA opens no handle in the process that made it, and
/// registers no memory twice.
class Known
{
public:
  static Known & instance()
  {
    static Known known;
    return known;
  }
  std::shared_ptr<Payload> find(std::uint64_t nonce)
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto at = payloads_.find(nonce);
    return at == payloads_.end() ? nullptr : at->second.lock();
  }
  std::shared_ptr<Payload> add(std::uint64_t nonce, std::shared_ptr<Payload> payload)
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto at = payloads_.begin(); at != payloads_.end();) {
      at = at->second.expired() ? payloads_.erase(at) : std::next(at);
    }
    payloads_[nonce] = payload;
    return payload;
  }

private:
  std::mutex mutex_;
  std::map<std::uint64_t, std::weak_ptr<Payload>> payloads_;
};

/// The device of this process that has this identity. Throws WrongBackend.
int device_with(const DeviceUuid & uuid)
{
  std::string why;
  const int count = device_count(why);
  for (int device = 0; device < count; ++device) {
    if (traits_of(device).uuid == uuid) {
      return device;
    }
  }
  throw WrongBackend(
      "the GPU that the tensors lie on is not among the " + std::to_string(count) +
      " that this process sees (CUDA_VISIBLE_DEVICES)");
}

std::shared_ptr<Payload> opened(const Segment & segment)
{
  const ReceivedOffer received = receive_offer(segment.nonce());
  const MemoryOffer & offer = received.offer;
  const auto backend = static_cast<std::uint32_t>(segment.backend());
  const std::string offered = "mailbox '" + segment.name() + "': what is offered: ";
  if (offer.backend != backend) {
    throw NotAMailbox(
        offered + mismatch("backend", std::to_string(offer.backend), std::to_string(backend)));
  }
  if (offer.bytes != payload_bytes(segment)) {
    throw WrongSize(
        offered +
        mismatch("bytes", std::to_string(offer.bytes), std::to_string(payload_bytes(segment))));
  }
  const int device = device_with(offer.uuid);
  if (segment.backend() == Backend::cuda_ipc) {
    return std::make_shared<OpenedIpcPayload>(segment, device, offer);
  }
  if (!received.memory.is_open()) {
    throw NotAMailbox("mailbox '" + segment.name() + "': no file descriptor came with the offer");
  }
  return std::make_shared<VmmPayload>(segment, device, received.memory);
}

[[noreturn]] void refuse(const Segment & segment)
{
  throw WrongBackend(
      "mailbox '" + segment.name() +
      "': " + mismatch("backend", name_of(segment.backend()), "cuda_vmm, cuda_ipc or pinned"));
}

}  // namespace

std::shared_ptr<Payload> created_payload(const std::shared_ptr<Segment> & segment)
{
  const DeviceTraits traits = traits_of(segment->device());
  std::shared_ptr<Payload> payload;
  switch (segment->backend()) {
    case Backend::cuda_vmm:
      payload = std::make_shared<VmmPayload>(*segment, traits);
      break;
    case Backend::cuda_ipc:
      payload = std::make_shared<OwnIpcPayload>(*segment, traits);
      break;
    case Backend::pinned:
      payload = std::make_shared<PinnedPayload>(segment, traits.device);
      break;
    default:
      refuse(*segment);
  }
  return Known::instance().add(segment->nonce(), std::move(payload));
}

std::shared_ptr<Payload> attached_payload(const std::shared_ptr<Segment> & segment)
{
  if (auto known = Known::instance().find(segment->nonce())) {
    return known;
  }
  std::shared_ptr<Payload> payload;
  switch (segment->backend()) {
    case Backend::cuda_vmm:
    case Backend::cuda_ipc:
      payload = opened(*segment);
      break;
    case Backend::pinned:
      payload = std::make_shared<PinnedPayload>(segment, segment->device());
      break;
    default:
      refuse(*segment);
  }
  return Known::instance().add(segment->nonce(), std::move(payload));
}

}  // namespace sage::mailbox::cuda_backend
