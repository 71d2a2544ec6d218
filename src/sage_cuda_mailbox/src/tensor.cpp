#include "sage_mailbox/tensor.hpp"

#include <array>
#include <limits>

#include "sage_mailbox/errors.hpp"

namespace sage::mailbox
{

namespace
{

struct NamedType {
  const char * name;
  DataType type;
};

constexpr std::array<NamedType, 15> kTypes{{
    {"bool", {DataType::boolean, 8}},
    {"int8", {DataType::integer, 8}},
    {"int16", {DataType::integer, 16}},
    {"int32", {DataType::integer, 32}},
    {"int64", {DataType::integer, 64}},
    {"uint8", {DataType::unsigned_integer, 8}},
    {"uint16", {DataType::unsigned_integer, 16}},
    {"uint32", {DataType::unsigned_integer, 32}},
    {"uint64", {DataType::unsigned_integer, 64}},
    {"float16", {DataType::floating, 16}},
    {"float32", {DataType::floating, 32}},
    {"float64", {DataType::floating, 64}},
    {"bfloat16", {DataType::brain_floating, 16}},
    {"complex64", {DataType::complex, 64}},
    {"complex128", {DataType::complex, 128}},
}};

/// What is known of an element type; nullptr if there is none such.
const NamedType * named(DataType type)
{
  for (const NamedType & known : kTypes) {
    if (known.type == type) {
      return &known;
    }
  }
  return nullptr;
}

/// How many bytes `steps` steps of `step` bytes span; throws where that leaves the slot.
std::uint64_t span(
    std::uint64_t steps, std::uint64_t step, std::uint64_t left_bytes, std::uint64_t slot_bytes)
{
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(steps, step, &bytes) || bytes > left_bytes) {
    throw InvalidArgument(
        "strides_bytes", std::to_string(steps) + " steps of " + std::to_string(step) + " bytes",
        "no element outside the slot of " + std::to_string(slot_bytes) + " bytes");
  }
  return bytes;
}

/// Throws unless the lowest and the highest byte of the tensor lie in the slot.
void check_extent(const Tensor & tensor, const Strides & strides, std::uint64_t slot_bytes)
{
  if (tensor.offset_bytes > slot_bytes) {
    throw InvalidArgument(
        "offset_bytes", std::to_string(tensor.offset_bytes),
        "at most " + std::to_string(slot_bytes));
  }
  if (tensor.element_count() == 0) {
    return;
  }
  std::uint64_t below = tensor.offset_bytes;
  std::uint64_t above = slot_bytes - tensor.offset_bytes;
  if (above < tensor.type.bytes()) {
    throw InvalidArgument(
        "offset_bytes", std::to_string(tensor.offset_bytes),
        "room for an element in the slot of " + std::to_string(slot_bytes) + " bytes");
  }
  above -= tensor.type.bytes();
  for (std::size_t axis = 0; axis < tensor.shape.size(); ++axis) {
    const auto stride = static_cast<std::uint64_t>(strides[axis]);
    std::uint64_t & left = strides[axis] < 0 ? below : above;
    left -= span(
        tensor.shape[axis] - 1, strides[axis] < 0 ? std::uint64_t{0} - stride : stride, left,
        slot_bytes);
  }
}

/// The tensor's strides. Throws InvalidArgument unless the tensor lies within the slot.
Strides checked_strides(const Tensor & tensor, std::uint64_t slot_bytes)
{
  if (named(tensor.type) == nullptr) {
    throw InvalidArgument(
        "dtype",
        "code " + std::to_string(tensor.type.code) + " of " + std::to_string(tensor.type.bits) +
            " bits",
        "a type that NumPy or bfloat16 names");
  }
  const Strides strides = tensor.strides_bytes.empty() ? dense_strides(tensor.shape, tensor.type)
                                                       : tensor.strides_bytes;
  if (strides.size() != tensor.shape.size()) {
    throw InvalidArgument(
        "strides_bytes", std::to_string(strides.size()) + " numbers",
        std::to_string(tensor.shape.size()) + ", as many as the shape");
  }
  check_extent(tensor, strides, slot_bytes);
  return strides;
}

}  // namespace

std::string name_of(DataType type)
{
  const NamedType * known = named(type);
  return known == nullptr ? "unknown" : known->name;
}

DataType data_type(const std::string & name)
{
  std::string names;
  for (const NamedType & known : kTypes) {
    if (name == known.name) {
      return known.type;
    }
    names += (names.empty() ? "" : ", ") + std::string(known.name);
  }
  throw InvalidArgument("dtype", "'" + name + "'", "one of " + names);
}

std::uint64_t Tensor::element_count() const
{
  std::uint64_t count = 1;
  for (const std::uint64_t extent : shape) {
    if (extent == 0) {
      return 0;
    }
    if (__builtin_mul_overflow(count, extent, &count)) {
      count = std::numeric_limits<std::uint64_t>::max();
    }
  }
  return count;
}

Strides dense_strides(const Shape & shape, DataType type)
{
  Strides strides = Strides::zeros(shape.size());
  std::uint64_t step = type.bytes();
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    if (step > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      throw InvalidArgument("shape", "too large", "fewer than 2^63 bytes in all");
    }
    strides[axis] = static_cast<std::int64_t>(step);
    if (shape[axis] != 0 && __builtin_mul_overflow(step, shape[axis], &step)) {
      step = std::numeric_limits<std::uint64_t>::max();
    }
  }
  return strides;
}

Description described(const Tensor & tensor, std::uint64_t slot_bytes)
{
  const Strides strides = checked_strides(tensor, slot_bytes);
  Description description{};
  description.offset_bytes = tensor.offset_bytes;
  for (std::size_t axis = 0; axis < tensor.shape.size(); ++axis) {
    description.shape[axis] = tensor.shape[axis];
    description.strides_bytes[axis] = strides[axis];
  }
  description.type = std::uint64_t{tensor.type.code} | std::uint64_t{tensor.type.bits} << 8 |
                     std::uint64_t{1} << 16 | std::uint64_t{tensor.shape.size()} << 32;
  description.tag = tensor.tag;
  description.stamp_ns = tensor.stamp_ns;
  return description;
}

Tensor understood(const Description & description, std::uint64_t slot_bytes)
{
  Tensor tensor;
  tensor.type.code = static_cast<std::uint8_t>(description.type);
  tensor.type.bits = static_cast<std::uint8_t>(description.type >> 8);
  const std::uint64_t dimensions = description.type >> 32 & 0xFF;
  if (dimensions > kMostDimensions) {
    throw InvalidArgument(
        "shape", std::to_string(dimensions) + " dimensions",
        "at most " + std::to_string(kMostDimensions));
  }
  tensor.shape = Shape(description.shape, description.shape + dimensions);
  tensor.strides_bytes = Strides(description.strides_bytes, description.strides_bytes + dimensions);
  tensor.offset_bytes = description.offset_bytes;
  tensor.tag = description.tag;
  tensor.stamp_ns = description.stamp_ns;
  checked_strides(tensor, slot_bytes);
  return tensor;
}

}  // namespace sage::mailbox
