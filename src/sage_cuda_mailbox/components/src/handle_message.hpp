// Handles as messages.
#ifndef HANDLE_MESSAGE_HPP_
#define HANDLE_MESSAGE_HPP_

#include <builtin_interfaces/msg/time.hpp>
#include <cstdint>
#include <sage_msgs/msg/tensor_handle.hpp>
#include <std_msgs/msg/header.hpp>

#include "sage_mailbox/handle.hpp"

namespace sage::mailbox::components
{

std::int64_t nanoseconds(const builtin_interfaces::msg::Time & stamp);
builtin_interfaces::msg::Time stamp_of(std::int64_t stamp_ns);

/// Throws InvalidArgument, naming the field at fault.
Handle handle_in(const sage_msgs::msg::TensorHandle & message);

sage_msgs::msg::TensorHandle message_of(
    const Handle & handle, const std_msgs::msg::Header & header);

}  // namespace sage::mailbox::components

#endif  // HANDLE_MESSAGE_HPP_
