#include "sage_mailbox_components/lent_image.hpp"

#include <cstring>
#include <utility>

namespace sage::mailbox::components
{

namespace
{

/// Throws InvalidArgument unless the elements of each row follow each other.
void expect_dense_rows(const Tensor & tensor)
{
  const Strides dense = dense_strides(tensor.shape, tensor.type);
  for (std::size_t axis = 1; axis < tensor.shape.size(); ++axis) {
    if (tensor.strides_bytes[axis] != dense[axis] && tensor.shape[axis] != 1) {
      throw sage::mailbox::InvalidArgument(
          "strides_bytes[" + std::to_string(axis) + "]", std::to_string(tensor.strides_bytes[axis]),
          std::to_string(dense[axis]) + ": rows without gaps");
    }
  }
}

}  // namespace

LentImage::LentImage(
    ReadLease lease, const std_msgs::msg::Header & header, const std::string & encoding)
: header_(header),
  format_(image_of(lease.tensor(), encoding)),
  lease_(std::make_shared<const ReadLease>(std::move(lease)))
{
  expect_dense_rows(lease_->tensor());
  first_row_ = lease_->data() + lease_->tensor().offset_bytes;
  row_stride_bytes_ = lease_->tensor().strides_bytes[0];
}

LentImage::LentImage(const sensor_msgs::msg::Image & message)
: header_(message.header),
  format_{message.height, message.width, message.encoding, message.is_bigendian != 0, message.step},
  message_(std::make_shared<const sensor_msgs::msg::Image>(message)),
  first_row_(reinterpret_cast<const std::byte *>(message_->data.data())),
  row_stride_bytes_(message.step)
{
}

const std::byte * LentImage::row(std::uint32_t index) const
{
  return first_row_ == nullptr
             ? nullptr
             : first_row_ + static_cast<std::ptrdiff_t>(index) * row_stride_bytes_;
}

bool LentImage::is_whole() const { return !lease_ || lease_->check() == Status::ok; }

}  // namespace sage::mailbox::components

using Adapter = sage::mailbox::components::LentImageAdapter;

void Adapter::convert_to_ros_message(const custom_type & image, ros_message_type & message)
{
  const sage::mailbox::ImageFormat & format = image.format();
  message.header = image.header();
  message.height = format.height;
  message.width = format.width;
  message.encoding = format.encoding;
  message.is_bigendian = format.is_bigendian;
  message.step = format.step;
  message.data.resize(std::size_t{format.step} * format.height);
  for (std::uint32_t row = 0; row < format.height; ++row) {
    std::memcpy(message.data.data() + std::size_t{row} * format.step, image.row(row), format.step);
  }
  if (!image.is_whole()) {
    throw sage::mailbox::Expired("a picture was taken back while it was copied");
  }
}

void Adapter::convert_to_custom(const ros_message_type & message, custom_type & image)
{
  image = custom_type(message);
}
