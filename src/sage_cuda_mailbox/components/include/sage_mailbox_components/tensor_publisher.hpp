// Hands tensors over on a topic; for components, and for camera drivers of your own.
#ifndef SAGE_MAILBOX_COMPONENTS__TENSOR_PUBLISHER_HPP_
#define SAGE_MAILBOX_COMPONENTS__TENSOR_PUBLISHER_HPP_

#include <cstdint>
#include <functional>
#include <rclcpp/rclcpp.hpp>
#include <sage_msgs/msg/tensor_handle.hpp>
#include <std_msgs/msg/header.hpp>
#include <string>
#include <utility>
#include <vector>

#include "sage_mailbox/tensor_source.hpp"

namespace sage::mailbox::components
{

/// Publishes handles of the tensors in the mailbox of a topic. The mailbox is there while somebody
/// subscribes. One thread at a time.
class TensorPublisher
{
public:
  /// `on_change`: called by the node's executor when the first subscriber came or the last one
  /// went.
  TensorPublisher(
      rclcpp::Node & node, const std::string & topic, TensorSource::Options options,
      std::function<void()> on_change);

  bool is_wanted() const { return publisher_->get_subscription_count() > 0; }
  const std::string & mailbox() const { return source_.name(); }

  /// A slot to write a tensor into. False: nobody wants it, readers hold every slot, or there can
  /// be no mailbox, which is logged.
  bool acquire(std::uint64_t tensor_bytes, WriteLease & lease);

  /// Hands over what was written. False: it could not be, which is logged.
  bool publish(WriteLease & lease, Tensor tensor, const std_msgs::msg::Header & header);

  /// Removes the mailbox; the next tensor makes a new one. Readers keep what they hold.
  void close() { source_.close(); }

  /// For /diagnostics.
  std::vector<std::pair<std::string, std::string>> facts() const;

private:
  rclcpp::Logger logger_;
  rclcpp::Clock clock_{RCL_STEADY_TIME};
  rclcpp::Publisher<sage_msgs::msg::TensorHandle>::SharedPtr publisher_;
  TensorSource source_;
  std::uint64_t published_ = 0;
};

}  // namespace sage::mailbox::components

#endif  // SAGE_MAILBOX_COMPONENTS__TENSOR_PUBLISHER_HPP_
