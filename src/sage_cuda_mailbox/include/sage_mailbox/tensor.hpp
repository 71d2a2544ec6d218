// What a tensor in a slot looks like.
#ifndef SAGE_MAILBOX__TENSOR_HPP_
#define SAGE_MAILBOX__TENSOR_HPP_

#include <cstdint>
#include <string>

#include "sage_mailbox/layout.hpp"
#include "sage_mailbox/per_axis.hpp"

namespace sage::mailbox
{

/// Element type, in the terms of DLPack.
struct DataType {
  enum Code : std::uint8_t {
    integer = 0,
    unsigned_integer = 1,
    floating = 2,
    brain_floating = 4,
    complex = 5,
    boolean = 6
  };

  std::uint8_t code = unsigned_integer;
  std::uint8_t bits = 8;  ///< 8, 16, 32, 64 or 128

  constexpr std::uint64_t bytes() const { return bits / 8; }
  constexpr bool operator==(const DataType & other) const
  {
    return code == other.code && bits == other.bits;
  }
};

/// NumPy's name of an element type: uint8, float32, ...; bfloat16 for brain floating point.
/// "unknown" if there is none.
std::string name_of(DataType type);

/// The element type with this name. Throws InvalidArgument, listing those there are.
DataType data_type(const std::string & name);

/// A tensor: shape and place of its elements within a slot.
struct Tensor {
  DataType type;
  Shape shape;                     ///< 0 to 8 dimensions
  Strides strides_bytes;           ///< as long as the shape; empty: C order, dense
  std::uint64_t offset_bytes = 0;  ///< first element, from the start of the slot
  std::uint64_t tag = 0;           ///< for instance a frame number
  std::int64_t stamp_ns = 0;       ///< of the sensor sample

  /// Product of the shape; 2^64 - 1 if that is too large for 64 bits.
  std::uint64_t element_count() const;
};

/// Strides of a dense tensor in C order [bytes].
Strides dense_strides(const Shape & shape, DataType type);

/// Writes a tensor down. Throws InvalidArgument, naming the field, its value and what was
/// expected, if any element lies outside the slot.
Description described(const Tensor & tensor, std::uint64_t slot_bytes);

/// Reads what was written down; nothing of it is believed. Throws InvalidArgument likewise.
Tensor understood(const Description & description, std::uint64_t slot_bytes);

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__TENSOR_HPP_
