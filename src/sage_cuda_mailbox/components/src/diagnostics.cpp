#include "diagnostics.hpp"

#include <chrono>
#include <memory>

#include "conventions.hpp"

namespace sage::mailbox::components
{

using diagnostic_msgs::msg::DiagnosticStatus;

DiagnosticStatus status_message(
    const std::string & name, unsigned char level, const std::string & message, const Facts & facts)
{
  DiagnosticStatus status;
  status.name = name;
  status.level = level;
  status.message = message;
  status.hardware_id = "sage";
  for (const auto & [key, value] : facts) {
    diagnostic_msgs::msg::KeyValue pair;
    pair.key = key;
    pair.value = value;
    status.values.push_back(pair);
  }
  return status;
}

Diagnostics::Diagnostics(
    rclcpp::Node & node, double period_s, std::function<std::vector<DiagnosticStatus>()> statuses)
: publisher_(node.create_publisher<Array>("/diagnostics", standard_qos())),
  timer_(node.create_wall_timer(
      std::chrono::duration<double>(period_s),
      [this, clock = node.get_clock(), statuses = std::move(statuses)] {
        auto array = std::make_unique<Array>();
        array->header.stamp = clock->now();
        array->status = statuses();
        publisher_->publish(std::move(array));
      }))
{
}

Diagnostics::Diagnostics(rclcpp::Node & node, std::function<Facts()> facts)
: Diagnostics(node, 1.0, [name = std::string(node.get_fully_qualified_name()), facts] {
    return std::vector<DiagnosticStatus>{
        status_message(name, DiagnosticStatus::OK, "running", facts())};
  })
{
}

}  // namespace sage::mailbox::components
