// Tensors out of a slot, without the gaps between their elements.
#ifndef SAGE_MAILBOX__DENSE_COPY_HPP_
#define SAGE_MAILBOX__DENSE_COPY_HPP_

#include <cstddef>
#include <cstdint>

#include "sage_mailbox/tensor.hpp"

namespace sage::mailbox
{

/// Bytes that a tensor takes in C order, dense.
std::uint64_t dense_bytes(const Tensor & tensor);

/// Copies a tensor in C order, dense. `slot`: what its offset and strides count from, as
/// `understood` checked them. `to` has room for `dense_bytes`.
void copy_dense(const Tensor & tensor, const std::byte * slot, std::byte * to);

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__DENSE_COPY_HPP_
