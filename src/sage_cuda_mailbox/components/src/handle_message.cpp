#include "handle_message.hpp"

#include <algorithm>
#include <string>

namespace sage::mailbox::components
{

namespace
{

constexpr std::int64_t kNsPerS = 1'000'000'000;

void check_sizes(const sage_msgs::msg::TensorHandle & message)
{
  const std::size_t dimensions = message.shape.size();
  const bool has_extents =
      std::all_of(message.shape.begin(), message.shape.end(), [](auto extent) { return extent; });
  if (dimensions < 1 || dimensions > kMostDimensions || !has_extents) {
    throw InvalidArgument(
        "shape", "of " + std::to_string(dimensions) + " extents",
        "1 to " + std::to_string(kMostDimensions) + ", above 0");
  }
  if (message.strides_bytes.size() != dimensions) {
    throw InvalidArgument(
        "strides_bytes", std::to_string(message.strides_bytes.size()) + " values",
        std::to_string(dimensions));
  }
}

}  // namespace

std::int64_t nanoseconds(const builtin_interfaces::msg::Time & stamp)
{
  return stamp.sec * kNsPerS + stamp.nanosec;
}

builtin_interfaces::msg::Time stamp_of(std::int64_t stamp_ns)
{
  builtin_interfaces::msg::Time stamp;
  const std::int64_t rest_ns = (stamp_ns % kNsPerS + kNsPerS) % kNsPerS;
  stamp.sec = static_cast<std::int32_t>((stamp_ns - rest_ns) / kNsPerS);
  stamp.nanosec = static_cast<std::uint32_t>(rest_ns);
  return stamp;
}

Handle handle_in(const sage_msgs::msg::TensorHandle & message)
{
  check_sizes(message);
  Handle handle;
  handle.mailbox = message.mailbox;
  handle.backend = backend_named(message.backend);
  handle.device = message.device;
  handle.id = {message.slot, message.generation};
  handle.tensor.type = data_type(message.dtype);
  handle.tensor.shape = Shape(message.shape.begin(), message.shape.end());
  handle.tensor.strides_bytes = Strides(message.strides_bytes.begin(), message.strides_bytes.end());
  handle.tensor.offset_bytes = message.offset_bytes;
  handle.tensor.tag = message.tag;
  handle.tensor.stamp_ns = nanoseconds(message.header.stamp);
  handle.ttl_ms = message.ttl_ms;
  return handle;
}

sage_msgs::msg::TensorHandle message_of(const Handle & handle, const std_msgs::msg::Header & header)
{
  const Tensor & tensor = handle.tensor;
  sage_msgs::msg::TensorHandle message;
  message.header = header;
  message.mailbox = handle.mailbox;
  message.backend = name_of(handle.backend);
  message.slot = handle.id.slot;
  message.generation = handle.id.generation;
  message.offset_bytes = tensor.offset_bytes;
  message.shape.assign(tensor.shape.begin(), tensor.shape.end());
  message.strides_bytes.assign(tensor.strides_bytes.begin(), tensor.strides_bytes.end());
  message.dtype = name_of(tensor.type);
  message.device = handle.device;
  message.tag = tensor.tag;
  message.ttl_ms = handle.ttl_ms;
  return message;
}

}  // namespace sage::mailbox::components
