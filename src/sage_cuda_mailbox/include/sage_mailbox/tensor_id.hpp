// Which tensor of a mailbox is meant.
#ifndef SAGE_MAILBOX__TENSOR_ID_HPP_
#define SAGE_MAILBOX__TENSOR_ID_HPP_

#include <cstdint>

namespace sage::mailbox
{

/// Which tensor: a slot, and which of the tensors that were in it.
struct TensorId {
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
};

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__TENSOR_ID_HPP_
