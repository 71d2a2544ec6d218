#include <memory>
#include <optional>
#include <rclcpp/rclcpp.hpp>
#include <rclcpp_components/register_node_macro.hpp>
#include <sage_msgs/msg/tensor_handle.hpp>
#include <utility>

#include "conventions.hpp"
#include "diagnostics.hpp"
#include "handle_message.hpp"
#include "sage_mailbox/handle.hpp"
#include "sage_mailbox_components/lent_image.hpp"

namespace sage::mailbox::components
{

/// Publishes the tensors of a topic as images: to subscribers of `LentImageAdapter` in this
/// container where they are, to all others by one copy. Subscribes to `tensor` only while somebody
/// subscribes to `image`.
class TensorToImage : public rclcpp::Node
{
public:
  explicit TensorToImage(const rclcpp::NodeOptions & options)
  : Node("tensor_to_image", in_one_process(options)),
    encoding_(text_parameter(
        *this, "encoding", "",
        "of the images; empty: mono8, rgb8, rgba8, 16UC1 or 32FC1 by type and channels")),
    reader_(mailbox_behind(*this, "tensor"))
  {
    rclcpp::PublisherOptions publishing;
    publishing.event_callbacks.matched_callback = [this](rclcpp::MatchedInfo &) {
      follow_subscribers();
    };
    images_ = create_publisher<LentImageAdapter>("image", offered_sensor_qos(), publishing);
    diagnostics_.emplace(*this, [this] { return facts(); });
  }

private:
  using TensorHandle = sage_msgs::msg::TensorHandle;

  void follow_subscribers()
  {
    if (images_->get_subscription_count() == 0) {
      handles_.reset();
      reader_.close();
    } else if (!handles_) {
      handles_ = create_subscription<TensorHandle>(
          "tensor", bulk_qos(), [this](TensorHandle::ConstSharedPtr handle) { take(*handle); });
    }
  }

  void take(const TensorHandle & message)
  {
    try {
      ReadLease lease;
      if (reader_.open(handle_in(message), lease) != Status::ok) {
        ++late_;
        return;
      }
      images_->publish(std::make_unique<LentImage>(std::move(lease), message.header, encoding_));
      ++published_;
    } catch (const InvalidArgument & error) {
      complain(rejected_, error.what());
    } catch (const MailboxError & error) {
      complain(unreachable_, error.what());
    }
  }

  void complain(std::uint64_t & count, const char * what)
  {
    ++count;
    RCLCPP_WARN_THROTTLE(get_logger(), *get_clock(), kWarningPeriodMs, "tensor dropped: %s", what);
  }

  Facts facts() const
  {
    const std::size_t within = images_->get_intra_process_subscription_count();
    return {
        {"images published", std::to_string(published_)},
        {"subscribers in this process", std::to_string(within)},
        {"subscribers", std::to_string(images_->get_subscription_count())},
        {"tensors late", std::to_string(late_)},
        {"tensors rejected", std::to_string(rejected_)},
        {"mailbox not reached, or pictures taken back", std::to_string(unreachable_)}};
  }

  std::string encoding_;
  HandleReader reader_;
  rclcpp::Publisher<LentImageAdapter>::SharedPtr images_;
  rclcpp::Subscription<TensorHandle>::SharedPtr handles_;
  std::uint64_t published_ = 0;
  std::uint64_t late_ = 0;
  std::uint64_t rejected_ = 0;
  std::uint64_t unreachable_ = 0;
  std::optional<Diagnostics> diagnostics_;
};

}  // namespace sage::mailbox::components

RCLCPP_COMPONENTS_REGISTER_NODE(sage::mailbox::components::TensorToImage)
