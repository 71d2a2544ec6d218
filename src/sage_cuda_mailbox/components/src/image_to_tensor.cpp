#include <rclcpp/rclcpp.hpp>
#include <rclcpp_components/register_node_macro.hpp>
#include <sensor_msgs/msg/image.hpp>

#include "conventions.hpp"
#include "diagnostics.hpp"
#include "sage_mailbox/dense_copy.hpp"
#include "sage_mailbox/image.hpp"
#include "sage_mailbox_components/tensor_publisher.hpp"

namespace sage::mailbox::components
{

namespace
{

Pixels pixels_parameter(rclcpp::Node & node)
{
  const std::string name = text_parameter(
      node, "pixels", "rgb", "rgb: uint8 RGB [height, width, 3]; native: in the image's encoding");
  if (name != "rgb" && name != "native") {
    throw InvalidArgument("pixels", "'" + name + "'", "rgb or native");
  }
  return name == "rgb" ? Pixels::rgb : Pixels::native;
}

}  // namespace

/// Writes images into the slots of a mailbox: one copy, and none before it where the camera driver
/// is in the same container and publishes std::unique_ptr. Subscribes to `image` only while
/// somebody subscribes to `tensor`.
class ImageToTensor : public rclcpp::Node
{
public:
  explicit ImageToTensor(const rclcpp::NodeOptions & options)
  : Node("image_to_tensor", in_one_process(options)),
    pixels_(pixels_parameter(*this)),
    tensors_(*this, "tensor", source_options(*this), [this] { follow_readers(); }),
    diagnostics_(*this, [this] { return facts(); })
  {
  }

private:
  using Image = sensor_msgs::msg::Image;

  void follow_readers()
  {
    if (!tensors_.is_wanted()) {
      images_.reset();
      tensors_.close();
    } else if (!images_) {
      images_ = create_subscription<Image>(
          "image", sensor_qos(), [this](Image::ConstSharedPtr image) { take(*image); });
    }
  }

  void take(const Image & image)
  {
    const ImageFormat format{
        image.height, image.width, image.encoding, image.is_bigendian != 0, image.step};
    try {
      const Tensor tensor = tensor_of(format, image.data.size(), pixels_);
      WriteLease lease;
      if (tensors_.acquire(dense_bytes(tensor), lease)) {
        const auto * data = reinterpret_cast<const std::byte *>(image.data.data());
        write_pixels(format, data, pixels_, lease.data());
        lease.count_copy();
        tensors_.publish(lease, tensor, image.header);
      }
    } catch (const InvalidArgument & error) {
      ++rejected_;
      RCLCPP_WARN_THROTTLE(
          get_logger(), *get_clock(), kWarningPeriodMs, "image dropped: %s", error.what());
    }
  }

  Facts facts() const
  {
    Facts facts = tensors_.facts();
    facts.emplace_back("images rejected", std::to_string(rejected_));
    return facts;
  }

  Pixels pixels_;
  TensorPublisher tensors_;
  rclcpp::Subscription<Image>::SharedPtr images_;
  std::uint64_t rejected_ = 0;
  Diagnostics diagnostics_;
};

}  // namespace sage::mailbox::components

RCLCPP_COMPONENTS_REGISTER_NODE(sage::mailbox::components::ImageToTensor)
