// What became of an operation on a mailbox.
#ifndef SAGE_MAILBOX__STATUS_HPP_
#define SAGE_MAILBOX__STATUS_HPP_

#include <cstdint>
#include <stdexcept>
#include <string>

namespace sage::mailbox
{

/// Result of the operations that may be called many times a second. None of them throws.
enum class Status : std::uint32_t {
  ok = 0,
  empty = 1,       ///< nothing new
  pending = 2,     ///< the next record is being written
  full = 3,        ///< every slot is leased: nothing was written
  busy = 4,        ///< cells are held by stalled writers: nothing was written
  closed = 5,      ///< the mailbox was closed, and everything in it was read
  recycled = 6,    ///< the slot has another generation: it holds something newer
  expired = 7,     ///< the lease ended before: time to live, or taken back for something newer
  not_leased = 8,  ///< no lease on this slot: never given, already taken, or given back
  invalid = 9,     ///< an argument, or a word in shared memory, is out of range
  inherited = 10,  ///< made before a fork, by the parent: it is not this process's to use
};

constexpr const char * name_of(Status status)
{
  switch (status) {
    case Status::ok:
      return "ok";
    case Status::empty:
      return "empty";
    case Status::pending:
      return "pending";
    case Status::full:
      return "full";
    case Status::busy:
      return "busy";
    case Status::closed:
      return "closed";
    case Status::recycled:
      return "recycled";
    case Status::expired:
      return "expired";
    case Status::not_leased:
      return "not leased";
    case Status::invalid:
      return "invalid";
    case Status::inherited:
      return "inherited";
  }
  return "unknown";
}

/// A mailbox could not be created, attached to or joined; the text names what, and what was
/// expected.
class MailboxError : public std::runtime_error
{
public:
  using std::runtime_error::runtime_error;
};

/// The name is taken by a mailbox whose creator is alive.
class NameTaken : public MailboxError
{
public:
  using MailboxError::MailboxError;
};

/// No mailbox of this name.
class NoSuchMailbox : public MailboxError
{
public:
  using MailboxError::MailboxError;
};

/// What lies under the name is not a mailbox of this layout, or is damaged, or is someone else's.
class NotAMailbox : public MailboxError
{
public:
  using MailboxError::MailboxError;
};

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__STATUS_HPP_
