// Handles: what tells others where in a mailbox a tensor lies.
#ifndef SAGE_MAILBOX__HANDLE_HPP_
#define SAGE_MAILBOX__HANDLE_HPP_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "sage_mailbox/tensor_id.hpp"
#include "sage_mailbox/tensor_mailbox.hpp"

namespace sage::mailbox
{

/// What a sage_msgs/TensorHandle says.
struct Handle {
  std::string mailbox;
  Backend backend = Backend::shm;
  std::int32_t device = -1;
  TensorId id;
  Tensor tensor;  ///< with strides; its stamp is that of the message's header
  std::uint32_t ttl_ms = 0;
};

/// Throws InvalidArgument, naming the field that differs, unless the handle says what its
/// slot holds.
void compare(const Handle & handle, const ReadLease & lease);

/// Opens the tensors that handles name, all of one mailbox; attaches to it anew when it was made
/// anew. One thread at a time; leases may be given back by any thread, and outlive it.
class HandleReader
{
public:
  /// `mailbox`: handles that name another are refused.
  explicit HandleReader(std::string mailbox) : name_(std::move(mailbox)) {}

  /// Returns ok; or recycled, expired, not_leased, inherited: no longer to be had, or published
  /// before this reader came. Throws InvalidArgument: the handle names another mailbox, or
  /// not what its slot holds; MailboxError: the mailbox cannot be attached.
  Status open(const Handle & handle, ReadLease & lease);

  /// Leaves the mailbox, so that it keeps nothing for this reader; leases stay.
  void close();

private:
  void attach_if_new();

  std::string name_;
  std::optional<TensorMailbox> mailbox_;
  std::optional<TensorReader> reader_;
};

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__HANDLE_HPP_
