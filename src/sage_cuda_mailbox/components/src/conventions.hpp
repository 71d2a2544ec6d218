// What all components have in common with the other nodes of SAGE.
#ifndef CONVENTIONS_HPP_
#define CONVENTIONS_HPP_

#include <cstdint>
#include <rclcpp/rclcpp.hpp>
#include <string>

#include "sage_mailbox/tensor_source.hpp"

namespace sage::mailbox::components
{

inline constexpr std::int64_t kWarningPeriodMs = 1000;

/// The QoS profiles of SAGE that components need; see docs/topics.md. Publishers of sensor data
/// offer more than subscriptions ask for (REP-2003).
inline rclcpp::QoS offered_sensor_qos() { return rclcpp::QoS(5).reliable(); }
inline rclcpp::QoS sensor_qos() { return rclcpp::QoS(5).best_effort(); }
inline rclcpp::QoS standard_qos() { return rclcpp::QoS(10).reliable(); }
inline rclcpp::QoS bulk_qos() { return rclcpp::QoS(5).reliable(); }

/// Messages between nodes in one container change hands as pointers.
inline rclcpp::NodeOptions in_one_process(const rclcpp::NodeOptions & options)
{
  return rclcpp::NodeOptions(options).use_intra_process_comms(true);
}

/// What the mailbox behind a topic of this node is called.
std::string mailbox_behind(rclcpp::Node & node, const std::string & topic);

/// Values that cannot be changed while the node runs.
std::string text_parameter(
    rclcpp::Node & node, const std::string & name, const std::string & otherwise,
    const std::string & description);
std::int64_t integer_parameter(
    rclcpp::Node & node, const std::string & name, std::int64_t otherwise, std::int64_t least,
    std::int64_t most, const std::string & description);
double number_parameter(
    rclcpp::Node & node, const std::string & name, double otherwise, double least, double most,
    const std::string & description);

/// Parameters slot_count and ttl_ms.
TensorSource::Options source_options(rclcpp::Node & node);

}  // namespace sage::mailbox::components

#endif  // CONVENTIONS_HPP_
