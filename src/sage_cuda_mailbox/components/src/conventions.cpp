#include "conventions.hpp"

#include "sage_mailbox/topic_mailbox.hpp"

namespace sage::mailbox::components
{

namespace
{

constexpr std::int64_t kLongestTtlMs = 3'600'000;

rcl_interfaces::msg::ParameterDescriptor fixed(const std::string & description)
{
  rcl_interfaces::msg::ParameterDescriptor descriptor;
  descriptor.description = description;
  descriptor.read_only = true;
  return descriptor;
}

}  // namespace

std::string mailbox_behind(rclcpp::Node & node, const std::string & topic)
{
  return mailbox_of_topic(
      node.get_node_topics_interface()->resolve_topic_name(topic),
      node.get_node_base_interface()->get_context()->get_domain_id());
}

std::string text_parameter(
    rclcpp::Node & node, const std::string & name, const std::string & otherwise,
    const std::string & description)
{
  return node.declare_parameter(name, otherwise, fixed(description));
}

std::int64_t integer_parameter(
    rclcpp::Node & node, const std::string & name, std::int64_t otherwise, std::int64_t least,
    std::int64_t most, const std::string & description)
{
  auto descriptor = fixed(description);
  descriptor.integer_range.resize(1);
  descriptor.integer_range[0].from_value = least;
  descriptor.integer_range[0].to_value = most;
  return node.declare_parameter(name, otherwise, descriptor);
}

double number_parameter(
    rclcpp::Node & node, const std::string & name, double otherwise, double least, double most,
    const std::string & description)
{
  auto descriptor = fixed(description);
  descriptor.floating_point_range.resize(1);
  descriptor.floating_point_range[0].from_value = least;
  descriptor.floating_point_range[0].to_value = most;
  return node.declare_parameter(name, otherwise, descriptor);
}

TensorSource::Options source_options(rclcpp::Node & node)
{
  TensorSource::Options options;
  options.slot_count = static_cast<std::uint32_t>(integer_parameter(
      node, "slot_count", options.slot_count, 1, kMostSlots, "slots of the mailbox"));
  options.ttl_ms = static_cast<std::uint32_t>(integer_parameter(
      node, "ttl_ms", options.ttl_ms, 0, kLongestTtlMs,
      "how long readers may keep a tensor [ms]; 0: until they give it back"));
  return options;
}

}  // namespace sage::mailbox::components
