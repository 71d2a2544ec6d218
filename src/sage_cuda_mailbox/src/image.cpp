#include "sage_mailbox/image.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "colour.hpp"
#include "sage_mailbox/errors.hpp"

namespace sage::mailbox
{

namespace
{

struct Encoding {
  const char * name;
  DataType type;
  std::uint32_t channels;
  RowToRgb to_rgb;  // nullptr: no picture
};

constexpr DataType kByte{DataType::unsigned_integer, 8};
constexpr DataType kWord{DataType::unsigned_integer, 16};
constexpr DataType kFloat{DataType::floating, 32};

// Of encodings with the same type and channels, a tensor is called by the first.
constexpr std::array<Encoding, 11> kEncodings{{
    {"mono8", kByte, 1, grey_to_rgb},
    {"8UC1", kByte, 1, grey_to_rgb},
    {"rgb8", kByte, 3, rgb_to_rgb},
    {"bgr8", kByte, 3, bgr_to_rgb},
    {"8UC3", kByte, 3, bgr_to_rgb},
    {"rgba8", kByte, 4, rgba_to_rgb},
    {"bgra8", kByte, 4, bgra_to_rgb},
    {"yuv422_yuy2", kByte, 2, yuy2_to_rgb},
    {"16UC1", kWord, 1, nullptr},
    {"mono16", kWord, 1, nullptr},
    {"32FC1", kFloat, 1, nullptr},
}};

const Encoding & known(const std::string & name, bool is_picture)
{
  std::string names;
  for (const Encoding & encoding : kEncodings) {
    const bool counts = !is_picture || encoding.to_rgb != nullptr;
    if (counts && name == encoding.name) {
      return encoding;
    }
    names += counts ? (names.empty() ? "" : ", ") + std::string(encoding.name) : "";
  }
  throw InvalidArgument("encoding", "'" + name + "'", "one of " + names);
}

void check_side(const char * field, std::uint64_t side_px)
{
  if (side_px < 1 || side_px > kMostSidePx) {
    throw InvalidArgument(
        field, std::to_string(side_px), "1 to " + std::to_string(kMostSidePx) + " px");
  }
}

std::uint32_t row_bytes(const ImageFormat & format, const Encoding & encoding)
{
  return format.width * encoding.channels * static_cast<std::uint32_t>(encoding.type.bytes());
}

void check(const ImageFormat & format, const Encoding & encoding, std::uint64_t data_bytes)
{
  check_side("height", format.height);
  check_side("width", format.width);
  if (encoding.to_rgb == yuy2_to_rgb && format.width % 2 != 0) {
    throw InvalidArgument(
        "width", std::to_string(format.width), "an even number: two pixels share a colour");
  }
  const std::uint32_t least = row_bytes(format, encoding);
  if (format.step < least) {
    throw InvalidArgument(
        "step", std::to_string(format.step), "at least " + std::to_string(least) + " bytes");
  }
  const std::uint64_t bytes = std::uint64_t{format.step} * format.height;
  if (data_bytes != bytes) {
    throw InvalidArgument("data", std::to_string(data_bytes) + " bytes", std::to_string(bytes));
  }
}

void swap_bytes(std::byte * elements, std::uint32_t count, std::uint64_t element_bytes)
{
  for (std::uint32_t index = 0; index < count; ++index) {
    std::reverse(elements, elements + element_bytes);
    elements += element_bytes;
  }
}

std::string text(const Tensor & tensor)
{
  std::string shape;
  for (const std::uint64_t extent : tensor.shape) {
    shape += (shape.empty() ? "" : ", ") + std::to_string(extent);
  }
  return name_of(tensor.type) + " [" + shape + "]";
}

/// The encoding of this name; of an empty name, the first of this type and channels.
const Encoding & encoding_for(
    const Tensor & tensor, std::uint64_t channels, const std::string & name)
{
  for (const Encoding & encoding : kEncodings) {
    if (encoding.type == tensor.type && encoding.channels == channels &&
        (name.empty() ? encoding.to_rgb != yuy2_to_rgb : name == encoding.name)) {
      return encoding;
    }
  }
  if (name.empty()) {
    throw InvalidArgument(
        "tensor", text(tensor), "uint8 with 1, 3 or 4 channels, or uint16 or float32 with 1");
  }
  const Encoding & wanted = known(name, false);
  throw InvalidArgument(
      "tensor", text(tensor),
      name_of(wanted.type) + " with " + std::to_string(wanted.channels) + " channels for " + name);
}

}  // namespace

Tensor tensor_of(const ImageFormat & format, std::uint64_t data_bytes, Pixels pixels)
{
  const bool is_rgb = pixels == Pixels::rgb;
  const Encoding & encoding = known(format.encoding, is_rgb);
  check(format, encoding, data_bytes);
  Tensor tensor;
  tensor.type = encoding.type;
  tensor.shape = {format.height, format.width};
  if (is_rgb || encoding.channels > 1) {
    tensor.shape.push_back(is_rgb ? 3 : encoding.channels);
  }
  tensor.strides_bytes = dense_strides(tensor.shape, tensor.type);
  return tensor;
}

void write_pixels(const ImageFormat & format, const std::byte * data, Pixels pixels, std::byte * to)
{
  const Encoding & encoding = known(format.encoding, pixels == Pixels::rgb);
  const std::uint32_t used = row_bytes(format, encoding);
  const std::uint64_t element_bytes = encoding.type.bytes();
  for (std::uint32_t row = 0; row < format.height; ++row, data += format.step) {
    if (pixels == Pixels::rgb) {
      encoding.to_rgb(data, format.width, to);
      to += std::size_t{3} * format.width;
      continue;
    }
    std::memcpy(to, data, used);
    if (format.is_bigendian && element_bytes > 1) {
      swap_bytes(to, format.width * encoding.channels, element_bytes);
    }
    to += used;
  }
}

ImageFormat image_of(const Tensor & tensor, const std::string & encoding)
{
  const std::size_t dimensions = tensor.shape.size();
  if (dimensions != 2 && dimensions != 3) {
    throw InvalidArgument("tensor", text(tensor), "[height, width] or [height, width, channels]");
  }
  check_side("height", tensor.shape[0]);
  check_side("width", tensor.shape[1]);
  const Encoding & found = encoding_for(tensor, dimensions == 3 ? tensor.shape[2] : 1, encoding);
  ImageFormat format;
  format.height = static_cast<std::uint32_t>(tensor.shape[0]);
  format.width = static_cast<std::uint32_t>(tensor.shape[1]);
  format.encoding = found.name;
  format.step = row_bytes(format, found);
  return format;
}

}  // namespace sage::mailbox
