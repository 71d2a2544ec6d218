#include "sage_mailbox_components/tensor_publisher.hpp"

#include <memory>

#include "conventions.hpp"
#include "handle_message.hpp"

namespace sage::mailbox::components
{

namespace
{

rclcpp::PublisherOptions calling(std::function<void()> on_change)
{
  rclcpp::PublisherOptions options;
  options.event_callbacks.matched_callback = [on_change](rclcpp::MatchedInfo &) { on_change(); };
  return options;
}

}  // namespace

TensorPublisher::TensorPublisher(
    rclcpp::Node & node, const std::string & topic, TensorSource::Options options,
    std::function<void()> on_change)
: logger_(node.get_logger()),
  publisher_(node.create_publisher<sage_msgs::msg::TensorHandle>(
      topic, bulk_qos(), calling(std::move(on_change)))),
  source_(mailbox_behind(node, topic), options)
{
}

bool TensorPublisher::acquire(std::uint64_t tensor_bytes, WriteLease & lease)
{
  if (!is_wanted()) {
    return false;
  }
  try {
    return source_.acquire(tensor_bytes, lease) == Status::ok;
  } catch (const MailboxError & error) {
    RCLCPP_WARN_THROTTLE(
        logger_, clock_, kWarningPeriodMs, "%s: no mailbox: %s", publisher_->get_topic_name(),
        error.what());
    return false;
  }
}

bool TensorPublisher::publish(
    WriteLease & lease, Tensor tensor, const std_msgs::msg::Header & header)
{
  tensor.stamp_ns = nanoseconds(header.stamp);
  Handle handle;
  const Status status = source_.publish(lease, std::move(tensor), handle);
  if (status != Status::ok) {
    RCLCPP_WARN_THROTTLE(
        logger_, clock_, kWarningPeriodMs, "%s: a tensor was not handed over: %s",
        publisher_->get_topic_name(), name_of(status));
    return false;
  }
  publisher_->publish(std::make_unique<sage_msgs::msg::TensorHandle>(message_of(handle, header)));
  ++published_;
  return true;
}

std::vector<std::pair<std::string, std::string>> TensorPublisher::facts() const
{
  const std::string topic = publisher_->get_topic_name();
  const auto & mailbox = source_.mailbox();
  if (!mailbox) {
    return {{topic + " mailbox", is_wanted() ? "none yet" : "none: nobody subscribes"}};
  }
  const Statistics seen = mailbox->statistics();
  const std::uint32_t slots = mailbox->segment()->geometry().slot_count;
  return {
      {topic + " mailbox", std::string(name_of(seen.backend)) + ", " + mailbox->segment()->name()},
      {topic + " published", std::to_string(published_)},
      {topic + " copied", std::to_string(seen.copied)},
      {topic + " refused", std::to_string(seen.refused)},
      {topic + " readers", std::to_string(seen.readers)},
      {topic + " free slots",
       std::to_string(mailbox->free_slots()) + " of " + std::to_string(slots)}};
}

}  // namespace sage::mailbox::components
