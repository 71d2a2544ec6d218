// What components say in /diagnostics.
#ifndef DIAGNOSTICS_HPP_
#define DIAGNOSTICS_HPP_

#include <diagnostic_msgs/msg/diagnostic_array.hpp>
#include <functional>
#include <rclcpp/rclcpp.hpp>
#include <string>
#include <utility>
#include <vector>

namespace sage::mailbox::components
{

using Facts = std::vector<std::pair<std::string, std::string>>;

diagnostic_msgs::msg::DiagnosticStatus status_message(
    const std::string & name, unsigned char level, const std::string & message,
    const Facts & facts);

/// Says once a second what a component has done.
class Diagnostics
{
public:
  using Array = diagnostic_msgs::msg::DiagnosticArray;

  Diagnostics(
      rclcpp::Node & node, double period_s,
      std::function<std::vector<diagnostic_msgs::msg::DiagnosticStatus>()> statuses);
  /// As above, of one status: `facts` of the node.
  Diagnostics(rclcpp::Node & node, std::function<Facts()> facts);

private:
  rclcpp::Publisher<Array>::SharedPtr publisher_;
  rclcpp::TimerBase::SharedPtr timer_;
};

}  // namespace sage::mailbox::components

#endif  // DIAGNOSTICS_HPP_
