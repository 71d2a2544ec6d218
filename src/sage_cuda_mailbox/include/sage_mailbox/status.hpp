// What became of an operation on a mailbox.
#ifndef SAGE_MAILBOX__STATUS_HPP_
#define SAGE_MAILBOX__STATUS_HPP_

#include <cstdint>

namespace sage::mailbox
{

/// Result of the operations that may be called many times a second. None of them throws; errors.hpp
/// has an exception for each result that is a failure.
enum class Status : std::uint32_t {
  ok = 0,
  empty = 1,          ///< nothing new
  pending = 2,        ///< the next record is being written
  full = 3,           ///< every slot is leased: nothing was written
  busy = 4,           ///< cells are held by stalled writers: nothing was written
  closed = 5,         ///< the mailbox was closed, and everything in it was read
  recycled = 6,       ///< the slot has another generation: it holds something newer
  expired = 7,        ///< the lease ended before: time to live, or taken back for something newer
  not_leased = 8,     ///< no lease on this slot: never given, already taken, or given back
  invalid = 9,        ///< a word in shared memory is out of range
  inherited = 10,     ///< made before a fork, by the parent: it is not this process's to use
  timed_out = 11,     ///< nothing new came while it was waited for
  out_of_range = 12,  ///< an argument is out of range: a slot, or the length of a record
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
    case Status::timed_out:
      return "timed out";
    case Status::out_of_range:
      return "out of range";
  }
  return "unknown";
}

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__STATUS_HPP_
