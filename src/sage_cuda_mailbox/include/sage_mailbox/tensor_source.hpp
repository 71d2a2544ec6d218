// A mailbox that fits the tensors that are written into it.
#ifndef SAGE_MAILBOX__TENSOR_SOURCE_HPP_
#define SAGE_MAILBOX__TENSOR_SOURCE_HPP_

#include <cstdint>
#include <exception>
#include <optional>
#include <string>

#include "sage_mailbox/handle.hpp"
#include "sage_mailbox/tensor_mailbox.hpp"

namespace sage::mailbox
{

/// Makes a mailbox in shared memory with the first tensor, and anew when tensors grow. A reader
/// that holds every slot makes no writer wait: the tensor is refused, and counted. One thread at a
/// time.
class TensorSource
{
public:
  struct Options {
    std::uint32_t slot_count = 24;  ///< 1..4096
    std::uint32_t ttl_ms = 1000;    ///< of readers' leases; 0: until given back
  };

  TensorSource(std::string mailbox, Options options) : name_(std::move(mailbox)), options_(options)
  {
  }

  /// Room for a tensor. Returns ok; full: readers hold every slot. Throws InvalidArgument;
  /// MailboxError: there can be no mailbox now (tried again after a second).
  Status acquire(std::uint64_t tensor_bytes, WriteLease & lease);

  /// Hands the tensor over; `tensor.tag` becomes its number. Returns ok, and its handle; closed:
  /// the mailbox was made anew meanwhile; others as WriteLease::publish.
  Status publish(WriteLease & lease, Tensor tensor, Handle & handle);

  /// Removes the mailbox; the next tensor makes a new one. Readers keep what they hold.
  void close();

  const std::string & name() const { return name_; }
  /// Nothing while there is none.
  const std::optional<TensorMailbox> & mailbox() const { return mailbox_; }

private:
  void make(std::uint64_t slot_bytes);

  std::string name_;
  Options options_;
  std::optional<TensorMailbox> mailbox_;
  std::optional<TensorWriter> writer_;
  std::uint64_t tag_ = 0;
  std::exception_ptr fault_;  // why there is none
  std::int64_t try_again_ns_ = 0;
};

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__TENSOR_SOURCE_HPP_
