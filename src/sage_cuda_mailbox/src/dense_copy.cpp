#include "sage_mailbox/dense_copy.hpp"

#include <cstring>

namespace sage::mailbox
{

namespace
{

/// Copies what lies along `axis` and the axes after it; returns the end of the copy.
std::byte * copy_from(
    const Tensor & tensor, const Strides & strides, const Strides & dense, std::size_t axis,
    const std::byte * from, std::byte * to)
{
  bool is_dense = true;
  std::uint64_t bytes = tensor.type.bytes();
  for (std::size_t later = axis; later < tensor.shape.size(); ++later) {
    is_dense = is_dense && (strides[later] == dense[later] || tensor.shape[later] == 1);
    bytes *= tensor.shape[later];
  }
  if (is_dense) {
    std::memcpy(to, from, bytes);
    return to + bytes;
  }
  for (std::uint64_t index = 0; index < tensor.shape[axis]; ++index) {
    to = copy_from(
        tensor, strides, dense, axis + 1, from + static_cast<std::ptrdiff_t>(index) * strides[axis],
        to);
  }
  return to;
}

}  // namespace

std::uint64_t dense_bytes(const Tensor & tensor)
{
  return tensor.element_count() * tensor.type.bytes();
}

void copy_dense(const Tensor & tensor, const std::byte * slot, std::byte * to)
{
  if (tensor.element_count() == 0) {
    return;
  }
  const Strides dense = dense_strides(tensor.shape, tensor.type);
  const Strides & strides = tensor.strides_bytes.empty() ? dense : tensor.strides_bytes;
  copy_from(tensor, strides, dense, 0, slot + tensor.offset_bytes, to);
}

}  // namespace sage::mailbox
