#include "sage_mailbox_cuda/readiness.hpp"

#include <cstring>
#include <mutex>
#include <utility>

#include "sage_mailbox_cuda/checked.hpp"

namespace sage::mailbox::cuda_backend
{

namespace
{

using Handle = std::array<std::uint64_t, 8>;
static_assert(sizeof(cudaIpcEventHandle_t) == sizeof(Handle));

/// Events of this process by their handles: CUDA opens no handle in the process that made it.
class OwnEvents
{
public:
  static OwnEvents & instance()
  {
    static OwnEvents events;
    return events;
  }
  void add(const Handle & handle, cudaEvent_t event)
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    events_[handle] = event;
  }
  void remove(cudaEvent_t event)
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto at = events_.begin(); at != events_.end();) {
      at = at->second == event ? events_.erase(at) : std::next(at);
    }
  }
  /// Lets the stream wait for the event, if it is one of this process. The lock keeps the event.
  bool wait(const Handle & handle, cudaStream_t stream)
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto at = events_.find(handle);
    if (at == events_.end()) {
      return false;
    }
    checked(cudaStreamWaitEvent(stream, at->second, 0), "cudaStreamWaitEvent");
    return true;
  }

private:
  std::mutex mutex_;
  std::map<Handle, cudaEvent_t> events_;
};

Handle handle_of(cudaEvent_t event)
{
  cudaIpcEventHandle_t made{};
  checked(cudaIpcGetEventHandle(&made, event), "cudaIpcGetEventHandle");
  Handle handle{};
  std::memcpy(handle.data(), &made, sizeof made);
  return handle;
}

/// The first spare word of a slot says for which generation its event is.
std::uint64_t * generation_of_event(Slot & slot) { return &slot.spare[0]; }

}  // namespace

Readiness::Readiness(std::shared_ptr<Segment> segment, std::shared_ptr<Payload> payload)
: segment_(std::move(segment)), payload_(std::move(payload)), own_(segment_->geometry().slot_count)
{
}

Readiness::~Readiness()
{
  std::unique_lock<std::mutex> lock(mutex_);
  is_given_back_.wait(lock, [this] { return queued_ == 0; });
  for (cudaEvent_t event : own_) {
    if (event != nullptr) {
      OwnEvents::instance().remove(event);
      cudaEventDestroy(event);
    }
  }
  for (const auto & [handle, event] : opened_) {
    cudaEventDestroy(event);
  }
}

cudaEvent_t Readiness::own_event(std::uint32_t slot)
{
  if (own_[slot] == nullptr) {
    constexpr unsigned flags = cudaEventDisableTiming | cudaEventInterprocess;
    cudaEvent_t event = nullptr;
    checked(cudaSetDevice(payload_->device()), "cudaSetDevice");
    checked(cudaEventCreateWithFlags(&event, flags), "cudaEventCreateWithFlags");
    own_[slot] = event;
    OwnEvents::instance().add(handle_of(event), event);
  }
  return own_[slot];
}

cudaEvent_t Readiness::opened_event(const Handle & handle)
{
  const auto known = opened_.find(handle);
  if (known != opened_.end()) {
    return known->second;
  }
  cudaIpcEventHandle_t given{};
  std::memcpy(&given, handle.data(), sizeof given);
  cudaEvent_t event = nullptr;
  checked(cudaSetDevice(payload_->device()), "cudaSetDevice");
  checked(cudaIpcOpenEventHandle(&event, given), "cudaIpcOpenEventHandle");
  opened_[handle] = event;
  return event;
}

Status Readiness::publish(
    WriteLease & lease, const Tensor & tensor, cudaStream_t stream, std::int64_t ttl_ns,
    std::uint32_t * readers)
{
  if (!lease.is_open()) {
    return Status::not_leased;
  }
  const TensorId id = lease.id();
  Slot & slot = segment_->slots()[id.slot];
  cudaEvent_t event = own_event(id.slot);
  checked(cudaEventRecord(event, stream), "cudaEventRecord");
  const Handle handle = handle_of(event);
  for (std::size_t index = 0; index < handle.size(); ++index) {
    SystemAtomics::store_relaxed(&slot.event[index], handle[index]);
  }
  SystemAtomics::store_relaxed(generation_of_event(slot), id.generation);
  return lease.publish(tensor, ttl_ns, readers);
}

Status Readiness::wait(const ReadLease & lease, cudaStream_t stream)
{
  if (!lease.is_open()) {
    return Status::not_leased;
  }
  Slot & slot = segment_->slots()[lease.id().slot];
  const std::uint64_t generation = SystemAtomics::load_relaxed(generation_of_event(slot));
  Handle handle{};
  for (std::size_t index = 0; index < handle.size(); ++index) {
    handle[index] = SystemAtomics::load_relaxed(&slot.event[index]);
  }
  const Status status = lease.check();  // only now it is sure that the words are of one tensor
  if (status != Status::ok || generation != lease.id().generation) {
    return status;  // published without an event: the payload was there before
  }
  if (!OwnEvents::instance().wait(handle, stream)) {
    checked(cudaStreamWaitEvent(stream, opened_event(handle), 0), "cudaStreamWaitEvent");
  }
  return Status::ok;
}

struct Readiness::Queued {
  Readiness * ready;
  ReadLease lease;
};

void Readiness::give_back(void * queued)
{
  // Runs in a thread of CUDA, where CUDA must not be called: `ready` keeps the payload, whose end
  // would, until this is done.
  std::unique_ptr<Queued> own(static_cast<Queued *>(queued));
  Readiness & ready = *own->ready;
  own.reset();
  const std::lock_guard<std::mutex> lock(ready.mutex_);
  --ready.queued_;
  ready.is_given_back_.notify_all();
}

void Readiness::release(ReadLease && lease, cudaStream_t stream)
{
  auto queued = std::make_unique<Queued>(Queued{this, std::move(lease)});
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++queued_;
  }
  const cudaError_t launched = cudaLaunchHostFunc(stream, &Readiness::give_back, queued.get());
  if (launched != cudaSuccess) {
    const std::lock_guard<std::mutex> lock(mutex_);
    --queued_;
  }
  checked(launched, "cudaLaunchHostFunc");
  queued.release();
}

}  // namespace sage::mailbox::cuda_backend
