#include "sage_mailbox/tensor.hpp"

#include <array>
#include <limits>
#include <stdexcept>
#include <utility>

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

[[noreturn]] void refuse(
    const std::string & field, const std::string & value, const std::string & expected)
{
  throw std::invalid_argument(field + " is " + value + ", expected " + expected);
}

/// Throws if the sum leaves 64 bits or the slot.
std::uint64_t within(
    const char * field, std::uint64_t base, std::uint64_t steps, std::uint64_t step,
    std::uint64_t slot_bytes)
{
  std::uint64_t distance = 0;
  std::uint64_t end = 0;
  if (__builtin_mul_overflow(steps, step, &distance) ||
      __builtin_add_overflow(base, distance, &end) || end > slot_bytes) {
    refuse(
        field,
        std::to_string(steps) + " steps of " + std::to_string(step) + " bytes from " +
            std::to_string(base),
        "to end within the slot of " + std::to_string(slot_bytes) + " bytes");
  }
  return end;
}

/// Throws unless the lowest and the highest byte of the tensor lie in the slot.
void check_extent(const Tensor & tensor, std::uint64_t slot_bytes)
{
  if (tensor.offset_bytes > slot_bytes) {
    refuse(
        "offset_bytes", std::to_string(tensor.offset_bytes),
        "at most " + std::to_string(slot_bytes));
  }
  std::uint64_t above = tensor.offset_bytes;
  std::uint64_t below = slot_bytes - tensor.offset_bytes;
  for (std::size_t axis = 0; axis < tensor.shape.size(); ++axis) {
    if (tensor.shape[axis] == 0) {
      return;  // no elements
    }
  }
  for (std::size_t axis = 0; axis < tensor.shape.size(); ++axis) {
    const std::uint64_t steps = tensor.shape[axis] - 1;
    const std::int64_t stride = tensor.strides_bytes[axis];
    if (stride >= 0) {
      above = within("strides_bytes", above, steps, static_cast<std::uint64_t>(stride), slot_bytes);
    } else {
      below = within(
          "strides_bytes", below, steps, std::uint64_t{0} - static_cast<std::uint64_t>(stride),
          slot_bytes);
    }
  }
  within("shape", above, 1, tensor.type.bytes(), slot_bytes);
}

}  // namespace

std::string name_of(DataType type)
{
  for (const NamedType & known : kTypes) {
    if (known.type == type) {
      return known.name;
    }
  }
  return "unknown";
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
  refuse("dtype", "'" + name + "'", "one of " + names);
}

std::uint64_t Tensor::element_count() const
{
  std::uint64_t count = 1;
  for (const std::uint64_t extent : shape) {
    count *= extent;
  }
  return count;
}

std::vector<std::int64_t> dense_strides(const std::vector<std::uint64_t> & shape, DataType type)
{
  std::vector<std::int64_t> strides(shape.size());
  std::uint64_t step = type.bytes();
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    if (step > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      refuse("shape", "too large", "fewer than 2^63 bytes in all");
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
  if (tensor.shape.size() > kMostDimensions) {
    refuse(
        "shape", std::to_string(tensor.shape.size()) + " dimensions",
        "at most " + std::to_string(kMostDimensions));
  }
  if (name_of(tensor.type) == "unknown") {
    refuse(
        "dtype",
        "code " + std::to_string(tensor.type.code) + " of " + std::to_string(tensor.type.bits) +
            " bits",
        "a type that NumPy or bfloat16 names");
  }
  Tensor whole = tensor;
  if (whole.strides_bytes.empty()) {
    whole.strides_bytes = dense_strides(whole.shape, whole.type);
  }
  if (whole.strides_bytes.size() != whole.shape.size()) {
    refuse(
        "strides_bytes", std::to_string(whole.strides_bytes.size()) + " numbers",
        std::to_string(whole.shape.size()) + ", as many as the shape");
  }
  check_extent(whole, slot_bytes);
  Description description{};
  description.offset_bytes = whole.offset_bytes;
  for (std::size_t axis = 0; axis < whole.shape.size(); ++axis) {
    description.shape[axis] = whole.shape[axis];
    description.strides_bytes[axis] = whole.strides_bytes[axis];
  }
  description.type = std::uint64_t{whole.type.code} | std::uint64_t{whole.type.bits} << 8 |
                     std::uint64_t{1} << 16 | std::uint64_t{whole.shape.size()} << 32;
  description.tag = whole.tag;
  description.stamp_ns = whole.stamp_ns;
  return description;
}

Tensor understood(const Description & description, std::uint64_t slot_bytes)
{
  Tensor tensor;
  tensor.type.code = static_cast<std::uint8_t>(description.type);
  tensor.type.bits = static_cast<std::uint8_t>(description.type >> 8);
  const std::uint64_t dimensions = description.type >> 32 & 0xFF;
  if (dimensions > kMostDimensions) {
    refuse(
        "shape", std::to_string(dimensions) + " dimensions",
        "at most " + std::to_string(kMostDimensions));
  }
  tensor.shape.assign(description.shape, description.shape + dimensions);
  tensor.strides_bytes.assign(description.strides_bytes, description.strides_bytes + dimensions);
  tensor.offset_bytes = description.offset_bytes;
  tensor.tag = description.tag;
  tensor.stamp_ns = description.stamp_ns;
  described(tensor, slot_bytes);  // throws where something is wrong
  return tensor;
}

}  // namespace sage::mailbox
