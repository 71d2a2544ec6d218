// Images as tensors and back, case by case. With arguments (encoding, big-endian, height, width,
// step, pixels): writes the tensor of the image on standard input to standard output.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "expect.hpp"
#include "sage_mailbox/dense_copy.hpp"
#include "sage_mailbox/image.hpp"

using namespace sage::mailbox;
using namespace sage::mailbox::test;

namespace
{

using Bytes = std::vector<std::uint8_t>;

Bytes written(const ImageFormat & format, const Bytes & data, Pixels pixels)
{
  const Tensor tensor = tensor_of(format, data.size(), pixels);
  Bytes bytes(dense_bytes(tensor));
  write_pixels(
      format, reinterpret_cast<const std::byte *>(data.data()), pixels,
      reinterpret_cast<std::byte *>(bytes.data()));
  return bytes;
}

void pictures_become_rgb_without_the_padding_of_their_rows()
{
  const Bytes rgb{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const Bytes padded{1, 2, 3, 4, 5, 6, 99, 99, 7, 8, 9, 10, 11, 12, 99, 99};
  EXPECT(written({2, 2, "rgb8", false, 6}, rgb, Pixels::rgb) == rgb);
  EXPECT(written({2, 2, "rgb8", false, 8}, padded, Pixels::rgb) == rgb);
  EXPECT(written({2, 2, "rgb8", false, 8}, padded, Pixels::native) == rgb);
  const Bytes bgr{3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10};
  EXPECT(written({2, 2, "bgr8", false, 6}, bgr, Pixels::rgb) == rgb);
  EXPECT(written({2, 2, "8UC3", false, 6}, bgr, Pixels::rgb) == rgb);
  EXPECT(written({2, 2, "bgr8", false, 6}, bgr, Pixels::native) == bgr);
  const Bytes two{1, 2, 3, 4, 5, 6};
  EXPECT(written({1, 2, "rgba8", false, 8}, {1, 2, 3, 0, 4, 5, 6, 0}, Pixels::rgb) == two);
  EXPECT(written({1, 2, "bgra8", false, 8}, {3, 2, 1, 0, 6, 5, 4, 0}, Pixels::rgb) == two);
  EXPECT(written({1, 2, "mono8", false, 2}, {7, 9}, Pixels::rgb) == Bytes({7, 7, 7, 9, 9, 9}));
}

void tensors_have_the_type_and_shape_of_their_encoding()
{
  const Tensor picture = tensor_of({3, 5, "bgra8", false, 20}, 60, Pixels::rgb);
  EXPECT(name_of(picture.type) == "uint8" && picture.shape == Shape({3, 5, 3}));
  EXPECT(picture.strides_bytes == Strides({15, 3, 1}) && picture.offset_bytes == 0);
  EXPECT(tensor_of({3, 5, "bgra8", false, 20}, 60, Pixels::native).shape == Shape({3, 5, 4}));
  const Tensor depth = tensor_of({3, 5, "16UC1", false, 10}, 30, Pixels::native);
  EXPECT(name_of(depth.type) == "uint16" && depth.shape == Shape({3, 5}));
  EXPECT(name_of(tensor_of({1, 1, "32FC1", true, 4}, 4, Pixels::native).type) == "float32");
}

void elements_come_in_this_machines_byte_order()
{
  const Bytes big{1, 2, 3, 4};
  EXPECT(written({1, 2, "16UC1", true, 4}, big, Pixels::native) == Bytes({2, 1, 4, 3}));
  EXPECT(written({1, 2, "mono16", false, 4}, big, Pixels::native) == big);
  EXPECT(written({1, 1, "32FC1", true, 4}, big, Pixels::native) == Bytes({4, 3, 2, 1}));
  EXPECT(written({1, 4, "mono8", true, 4}, big, Pixels::native) == big);
}

void what_is_no_image_is_refused()
{
  const auto refused = [](const ImageFormat & format, std::uint64_t bytes, Pixels pixels) {
    return refusal<InvalidArgument>([&] { tensor_of(format, bytes, pixels); });
  };
  EXPECT(contains(refused({1, 1, "rgb9", false, 3}, 3, Pixels::native), "encoding is 'rgb9'"));
  const std::string depth = refused({1, 1, "16UC1", false, 2}, 2, Pixels::rgb);
  EXPECT(contains(depth, "encoding is '16UC1', expected one of mono8"));
  EXPECT(!contains(depth, "32FC1"));
  EXPECT(contains(refused({0, 1, "rgb8", false, 3}, 0, Pixels::rgb), "height is 0"));
  EXPECT(
      contains(refused({1, 16385, "mono8", false, 16385}, 16385, Pixels::rgb), "width is 16385"));
  EXPECT(contains(
      refused({2, 2, "rgb8", false, 5}, 10, Pixels::rgb), "step is 5, expected at least 6"));
  EXPECT(contains(
      refused({2, 2, "rgb8", false, 6}, 11, Pixels::rgb), "data is 11 bytes, expected 12"));
  EXPECT(contains(refused({1, 3, "yuv422_yuy2", false, 6}, 6, Pixels::rgb), "width is 3"));
  EXPECT(contains(
      refused({16384, 1, "rgb8", false, 0xFFFFFFFF}, 16384, Pixels::rgb),
      "expected 70368744161280"));
}

Tensor tensor_like(const std::string & type, const Shape & shape)
{
  Tensor tensor;
  tensor.type = data_type(type);
  tensor.shape = shape;
  return tensor;
}

void tensors_are_called_by_type_and_channels()
{
  const auto named = [](const std::string & type, const Shape & shape,
                        const std::string & as = "") {
    return image_of(tensor_like(type, shape), as);
  };
  const ImageFormat picture = named("uint8", {4, 6, 3});
  EXPECT(picture.encoding == "rgb8" && picture.height == 4 && picture.width == 6);
  EXPECT(picture.step == 18 && !picture.is_bigendian);
  EXPECT(
      named("uint8", {4, 6, 4}).encoding == "rgba8" && named("uint8", {4, 6}).encoding == "mono8");
  EXPECT(named("uint16", {4, 6}).encoding == "16UC1" && named("uint16", {4, 6}).step == 12);
  EXPECT(named("float32", {4, 6, 1}).encoding == "32FC1");
  EXPECT(named("uint8", {4, 6, 3}, "bgr8").encoding == "bgr8");
  EXPECT(named("uint8", {4, 6, 2}, "yuv422_yuy2").step == 12);
  const auto refused = [&](const std::string & type, const Shape & shape, const std::string & as) {
    return refusal<InvalidArgument>([&] { named(type, shape, as); });
  };
  EXPECT(contains(refused("uint8", {4, 6, 2}, ""), "tensor is uint8 [4, 6, 2]"));
  EXPECT(contains(refused("float64", {4, 6}, ""), "tensor is float64 [4, 6]"));
  EXPECT(contains(refused("uint8", {4, 6, 3}, "mono8"), "uint8 with 1 channels for mono8"));
  EXPECT(contains(refused("uint8", {4}, ""), "[height, width]"));
  EXPECT(contains(refused("uint8", {4, 20000, 3}, ""), "width is 20000"));
  EXPECT(contains(refused("uint8", {4, 6, 3}, "rgb9"), "encoding is 'rgb9'"));
}

void tensors_with_gaps_are_copied_without()
{
  Bytes slot(64);
  for (std::size_t at = 0; at < slot.size(); ++at) {
    slot[at] = static_cast<std::uint8_t>(at);
  }
  const auto copied = [&](const Tensor & tensor) {
    Bytes bytes(dense_bytes(tensor));
    copy_dense(
        tensor, reinterpret_cast<const std::byte *>(slot.data()),
        reinterpret_cast<std::byte *>(bytes.data()));
    return bytes;
  };
  Tensor tensor = tensor_like("uint16", {2, 2});
  tensor.offset_bytes = 4;
  EXPECT(copied(tensor) == Bytes({4, 5, 6, 7, 8, 9, 10, 11}));
  tensor.strides_bytes = {16, 2};
  EXPECT(copied(tensor) == Bytes({4, 5, 6, 7, 20, 21, 22, 23}));
  tensor.strides_bytes = {2, 16};
  EXPECT(copied(tensor) == Bytes({4, 5, 20, 21, 6, 7, 22, 23}));
  tensor.offset_bytes = 40;
  tensor.strides_bytes = {-16, -2};
  EXPECT(copied(tensor) == Bytes({40, 41, 38, 39, 24, 25, 22, 23}));
  tensor.shape = {3, 0};
  EXPECT(copied(tensor).empty());
  tensor.shape = {};
  tensor.strides_bytes = {};
  EXPECT(copied(tensor) == Bytes({40, 41}));
}

int convert(char ** arguments)
{
  const auto number = [&](int at) {
    return static_cast<std::uint32_t>(std::strtoul(arguments[at], nullptr, 10));
  };
  const ImageFormat format{number(3), number(4), arguments[1], number(2) != 0, number(5)};
  Bytes data(std::size_t{format.step} * format.height);
  EXPECT(std::fread(data.data(), 1, data.size(), stdin) == data.size());
  const Pixels pixels = std::strcmp(arguments[6], "rgb") == 0 ? Pixels::rgb : Pixels::native;
  const Bytes bytes = written(format, data, pixels);
  EXPECT(std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size());
  return 0;
}

}  // namespace

int main(int argc, char ** argv)
{
  if (argc == 7) {
    return convert(argv);
  }
  pictures_become_rgb_without_the_padding_of_their_rows();
  tensors_have_the_type_and_shape_of_their_encoding();
  elements_come_in_this_machines_byte_order();
  what_is_no_image_is_refused();
  tensors_are_called_by_type_and_channels();
  tensors_with_gaps_are_copied_without();
  return 0;
}
