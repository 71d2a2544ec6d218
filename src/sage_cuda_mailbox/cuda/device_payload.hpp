// Where the slots of a mailbox lie on a GPU.
#ifndef DEVICE_PAYLOAD_HPP_
#define DEVICE_PAYLOAD_HPP_

#include <memory>

#include "sage_mailbox/tensor_mailbox.hpp"
#include "sage_mailbox_cuda/device_traits.hpp"

namespace sage::mailbox::cuda_backend
{

/// Allocates, or registers, the memory of a mailbox that this process just created, in the backend
/// and on the device that the segment names. Throws CudaError, WrongBackend, SystemCallError.
std::shared_ptr<Payload> created_payload(const std::shared_ptr<Segment> & segment);

/// Gets at the memory of a mailbox that was attached to. In the creator's own process that is the
/// same object. Throws CudaError; SystemCallError: the creator is gone; WrongBackend: its GPU is
/// not visible here; WrongOwner, WrongSize, NotAMailbox: what is offered is not this mailbox's.
std::shared_ptr<Payload> attached_payload(const std::shared_ptr<Segment> & segment);

}  // namespace sage::mailbox::cuda_backend

#endif  // DEVICE_PAYLOAD_HPP_
