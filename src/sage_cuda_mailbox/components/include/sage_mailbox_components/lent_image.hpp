// Images that subscribers in the same process look at where a camera wrote them.
#ifndef SAGE_MAILBOX_COMPONENTS__LENT_IMAGE_HPP_
#define SAGE_MAILBOX_COMPONENTS__LENT_IMAGE_HPP_

#include <cstddef>
#include <memory>
#include <rclcpp/type_adapter.hpp>
#include <sensor_msgs/msg/image.hpp>
#include <std_msgs/msg/header.hpp>
#include <string>
#include <type_traits>

#include "sage_mailbox/image.hpp"
#include "sage_mailbox/tensor_mailbox.hpp"

namespace sage::mailbox::components
{

/// An image in the slot of a mailbox, or, for a subscriber in another process than the publisher,
/// in a message. Copies share the lease; it goes back with the last of them.
class LentImage
{
public:
  LentImage() = default;
  /// `encoding`: empty: by type and shape. Throws InvalidArgument if the tensor is no image.
  LentImage(ReadLease lease, const std_msgs::msg::Header & header, const std::string & encoding);
  explicit LentImage(const sensor_msgs::msg::Image & message);

  const std_msgs::msg::Header & header() const { return header_; }
  /// Height, width and encoding; of a lent image also its byte order, this machine's.
  const ImageFormat & format() const { return format_; }
  /// First byte of a row of `format().step` bytes, dense; rows need not follow each other. nullptr
  /// if there is no image.
  const std::byte * row(std::uint32_t index) const;
  /// False if the pixels may be another picture's by now: to be asked when done with them.
  bool is_whole() const;

private:
  std_msgs::msg::Header header_;
  ImageFormat format_;
  std::shared_ptr<const ReadLease> lease_;
  std::shared_ptr<const sensor_msgs::msg::Image> message_;
  const std::byte * first_row_ = nullptr;
  std::ptrdiff_t row_stride_bytes_ = 0;
};

}  // namespace sage::mailbox::components

/// Publishers and subscriptions of `LentImage` are on a topic of sensor_msgs/msg/Image.
template <>
struct rclcpp::TypeAdapter<sage::mailbox::components::LentImage, sensor_msgs::msg::Image> {
  using is_specialized = std::true_type;
  using custom_type = sage::mailbox::components::LentImage;
  using ros_message_type = sensor_msgs::msg::Image;

  /// Copies the pixels. Throws sage::mailbox::Expired if they were taken back meanwhile.
  static void convert_to_ros_message(const custom_type & image, ros_message_type & message);
  static void convert_to_custom(const ros_message_type & message, custom_type & image);
};

namespace sage::mailbox::components
{

using LentImageAdapter = rclcpp::TypeAdapter<LentImage, sensor_msgs::msg::Image>;

}  // namespace sage::mailbox::components

#endif  // SAGE_MAILBOX_COMPONENTS__LENT_IMAGE_HPP_
