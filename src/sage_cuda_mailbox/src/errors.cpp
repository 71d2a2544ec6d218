#include "sage_mailbox/errors.hpp"

#include <cstring>

namespace sage::mailbox
{

SystemCallError::SystemCallError(const std::string & what, int number)
: MailboxError(what + ": " + std::strerror(number)), number_(number)
{
}

std::string mismatch(
    const std::string & field, const std::string & value, const std::string & expected)
{
  return field + " is " + value + ", expected " + expected;
}

void require(
    bool holds, const std::string & field, std::uint64_t value, const std::string & expected)
{
  if (!holds) {
    throw InvalidArgument(field, std::to_string(value), expected);
  }
}

void raise(Status status, const std::string & subject)
{
  switch (status) {
    case Status::full:
      throw Full(subject + ": every slot is being written, or leased to a reader");
    case Status::busy:
      throw Busy(subject + ": stalled writers hold the next cells; nothing was written");
    case Status::closed:
      throw Closed(subject + ": the mailbox is closed");
    case Status::recycled:
      throw GenerationMismatch(
          subject + ": the slot has another generation: it holds something newer");
    case Status::expired:
      throw Expired(
          subject +
          ": the lease ended before: its time was over, or the slot was taken for something newer");
    case Status::not_leased:
      throw NotLeased(subject + ": there is no lease: never given, already taken, or given back");
    case Status::invalid:
      throw CorruptMailbox(subject + ": the mailbox was tampered with");
    case Status::out_of_range:
      throw InvalidArgument(subject + ": the slot, or the length of the record, is out of range");
    case Status::inherited:
      throw Inherited(
          subject +
          ": made before a fork, and the parent's: make a new writer or reader in this process");
    default:
      throw std::logic_error(subject + ": " + name_of(status) + " is no error");
  }
}

}  // namespace sage::mailbox
