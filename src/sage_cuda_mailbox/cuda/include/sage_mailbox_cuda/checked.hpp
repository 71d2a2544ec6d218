// Errors of CUDA as exceptions.
#ifndef SAGE_MAILBOX_CUDA__CHECKED_HPP_
#define SAGE_MAILBOX_CUDA__CHECKED_HPP_

#include <cuda_runtime_api.h>

#include <string>

#include "sage_mailbox/errors.hpp"

namespace sage::mailbox::cuda_backend
{

/// A call of CUDA failed; the text names the call, and what CUDA says of it.
class CudaError : public MailboxError
{
public:
  using MailboxError::MailboxError;
};

/// Throws CudaError unless the call went well.
inline void checked(cudaError_t result, const char * call)
{
  if (result != cudaSuccess) {
    throw CudaError(
        std::string(call) + ": " + cudaGetErrorName(result) + ", " + cudaGetErrorString(result));
  }
}

}  // namespace sage::mailbox::cuda_backend

#endif  // SAGE_MAILBOX_CUDA__CHECKED_HPP_
