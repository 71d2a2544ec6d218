#include "views.hpp"

#include <nanobind/ndarray.h>

#include <array>
#include <string>

#include "errors.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace sage::mailbox::python
{

namespace
{

constexpr int kCpu = 1;   // kDLCPU
constexpr int kCuda = 2;  // kDLCUDA

/// What nanobind makes arrays from.
struct Parts {
  void * data;
  std::size_t dimensions;
  std::array<std::size_t, kMostDimensions> shape;
  std::array<std::int64_t, kMostDimensions> strides;  // [elements]
  nb::dlpack::dtype dtype;
  int device_type;
  int device_index;
};

Parts parts_of(const Ground & ground, const Tensor & tensor)
{
  Parts parts{};
  parts.data = ground.slot + tensor.offset_bytes;
  parts.dimensions = tensor.shape.size();
  const auto element_bytes = static_cast<std::int64_t>(tensor.type.bytes());
  for (std::size_t axis = 0; axis < parts.dimensions; ++axis) {
    if (tensor.strides_bytes[axis] % element_bytes != 0) {
      throw WrongDtype(
          "strides_bytes is " + std::to_string(tensor.strides_bytes[axis]) +
          ", expected a multiple of the element's " + std::to_string(element_bytes) + " bytes");
    }
    parts.shape[axis] = tensor.shape[axis];
    parts.strides[axis] = tensor.strides_bytes[axis] / element_bytes;
  }
  parts.dtype = {tensor.type.code, tensor.type.bits, 1};
  parts.device_type = ground.device < 0 ? kCpu : kCuda;
  parts.device_index = ground.device < 0 ? 0 : ground.device;
  return parts;
}

template <class Array>
nb::object as_array(const Parts & parts, nb::handle owner)
{
  return nb::cast(Array(
      parts.data, parts.dimensions, parts.shape.data(), owner, parts.strides.data(), parts.dtype,
      parts.device_type, parts.device_index));
}

}  // namespace

nb::object numpy_view(const Ground & ground, const Tensor & tensor, Access access, nb::handle owner)
{
  if (ground.device >= 0) {
    throw WrongDtype(
        "the tensor lies on GPU " + std::to_string(ground.device) +
        ", numpy sees host memory only: take it by DLPack, as torch.from_dlpack(lease)");
  }
  if (tensor.type.code == DataType::brain_floating) {
    throw WrongDtype(
        "dtype is bfloat16, which numpy lacks: take it by DLPack, as torch.from_dlpack(lease)");
  }
  const Parts parts = parts_of(ground, tensor);
  return access == Access::read ? as_array<nb::ndarray<nb::numpy, nb::ro>>(parts, owner)
                                : as_array<nb::ndarray<nb::numpy>>(parts, owner);
}

nb::object dlpack_capsule(
    const Ground & ground, const Tensor & tensor, Access access, nb::handle owner,
    nb::handle max_version, nb::handle dl_device, nb::handle copy)
{
  const Parts parts = parts_of(ground, tensor);
  const nb::object array = access == Access::read
                               ? as_array<nb::ndarray<nb::array_api, nb::ro>>(parts, owner)
                               : as_array<nb::ndarray<nb::array_api>>(parts, owner);
  return array.attr("__dlpack__")(
      "max_version"_a = max_version, "dl_device"_a = dl_device, "copy"_a = copy);
}

nb::tuple dlpack_device(const Ground & ground)
{
  return ground.device < 0 ? nb::make_tuple(kCpu, 0) : nb::make_tuple(kCuda, ground.device);
}

nb::tuple shape_of(const Tensor & tensor)
{
  nb::list numbers;
  for (const std::uint64_t extent : tensor.shape) {
    numbers.append(extent);
  }
  return nb::tuple(numbers);
}

nb::tuple strides_of(const Tensor & tensor)
{
  nb::list numbers;
  for (const std::int64_t stride : tensor.strides_bytes) {
    numbers.append(stride);
  }
  return nb::tuple(numbers);
}

}  // namespace sage::mailbox::python
