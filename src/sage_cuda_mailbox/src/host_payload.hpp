// Slots in host memory: inside the segment.
#ifndef HOST_PAYLOAD_HPP_
#define HOST_PAYLOAD_HPP_

#include <memory>
#include <utility>

#include "sage_mailbox/tensor_mailbox.hpp"

namespace sage::mailbox
{

class HostPayload : public Payload
{
public:
  explicit HostPayload(std::shared_ptr<Segment> segment) : segment_(std::move(segment)) {}

  std::byte * slot(std::uint32_t index) const override
  {
    return segment_->payload() + index * segment_->geometry().slot_bytes;
  }
  Backend backend() const override { return segment_->backend(); }
  std::int32_t device() const override { return -1; }

private:
  std::shared_ptr<Segment> segment_;
};

}  // namespace sage::mailbox

#endif  // HOST_PAYLOAD_HPP_
