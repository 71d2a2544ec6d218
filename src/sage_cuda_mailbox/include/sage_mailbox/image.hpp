// Images, in the terms of sensor_msgs/Image, as tensors and back.
#ifndef SAGE_MAILBOX__IMAGE_HPP_
#define SAGE_MAILBOX__IMAGE_HPP_

#include <cstddef>
#include <cstdint>
#include <string>

#include "sage_mailbox/tensor.hpp"

namespace sage::mailbox
{

inline constexpr std::uint32_t kMostSidePx = 16384;

/// How an image lies in memory.
struct ImageFormat {
  std::uint32_t height = 0;  ///< 1..16384 px
  std::uint32_t width = 0;   ///< 1..16384 px
  /// rgb8, bgr8, rgba8, bgra8, mono8, mono16, 8UC1, 8UC3 (taken as bgr8), 16UC1, 32FC1 or
  /// yuv422_yuy2.
  std::string encoding;
  bool is_bigendian = false;  ///< of elements of more than one byte
  std::uint32_t step = 0;     ///< from row to row [bytes]
};

/// What becomes of an image in a slot.
enum class Pixels : std::uint32_t {
  rgb,     ///< uint8 RGB [height, width, 3]: what SAGE's nodes take from a camera
  native,  ///< its own encoding, [height, width] or [height, width, channels]
};

/// The dense tensor that `write_pixels` makes of an image of `data_bytes`.
/// Throws InvalidArgument, naming the field, its value and what was expected, if the encoding
/// is unknown, or no picture (rgb), or the sizes do not fit the data.
Tensor tensor_of(const ImageFormat & format, std::uint64_t data_bytes, Pixels pixels);

/// Writes that tensor, in this machine's byte order: the one copy of an image's way into a slot.
/// YUY2 becomes RGB by ITU-R BT.601, limited range, to the same integers as OpenCV.
void write_pixels(
    const ImageFormat & format, const std::byte * data, Pixels pixels, std::byte * to);

/// How a tensor [height, width] or [height, width, channels] is called as an image, dense.
/// `encoding`: empty: by type and channels: mono8, rgb8, rgba8, 16UC1 or 32FC1.
/// Throws InvalidArgument if it is no image, or none of this encoding.
ImageFormat image_of(const Tensor & tensor, const std::string & encoding);

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__IMAGE_HPP_
