// What fails with mailboxes, by type: what was being done, and why it could not be.
//
//   MailboxError
//     OpenError          create, attach
//       NameTaken, NoSuchMailbox, OutOfMemory, WrongBackend
//       NotAMailbox
//         WrongOwner, WrongVersion, WrongKind, WrongSize, DamagedHeader
//     NoFreePlace        writer, reader
//     SendError          push, acquire, publish
//       Full, Busy
//     ReceiveError       open, check, release
//       Expired, GenerationMismatch
//     NotLeased          publish, open, check, release
//     Closed, Inherited, CorruptMailbox, SystemCallError
//   InvalidArgument
#ifndef SAGE_MAILBOX__ERRORS_HPP_
#define SAGE_MAILBOX__ERRORS_HPP_

#include <stdexcept>
#include <string>

#include "sage_mailbox/status.hpp"

namespace sage::mailbox
{

/// Anything but a wrong argument. The text says what failed, what was found and what was expected.
struct MailboxError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A mailbox could not be created or attached to.
struct OpenError : MailboxError {
  using MailboxError::MailboxError;
};
/// The name is taken by a mailbox whose creator is alive, or by a file that is no mailbox.
struct NameTaken : OpenError {
  using OpenError::OpenError;
};
/// No mailbox of this name.
struct NoSuchMailbox : OpenError {
  using OpenError::OpenError;
};
/// /dev/shm, or this process, has no room for the mailbox.
struct OutOfMemory : OpenError {
  using OpenError::OpenError;
};
/// Its tensors lie where this build, or this process, cannot look.
struct WrongBackend : OpenError {
  using OpenError::OpenError;
};
/// What lies under the name cannot be used as the mailbox that was asked for.
struct NotAMailbox : OpenError {
  using OpenError::OpenError;
};
/// It is another user's, or open to other users.
struct WrongOwner : NotAMailbox {
  using NotAMailbox::NotAMailbox;
};
/// It has another layout than this library.
struct WrongVersion : NotAMailbox {
  using NotAMailbox::NotAMailbox;
};
/// It holds tensors where records were asked for, or the other way round.
struct WrongKind : NotAMailbox {
  using NotAMailbox::NotAMailbox;
};
/// The file is shorter or longer than its header says.
struct WrongSize : NotAMailbox {
  using NotAMailbox::NotAMailbox;
};
/// The header's checksum is wrong, or a field in it is out of range.
struct DamagedHeader : NotAMailbox {
  using NotAMailbox::NotAMailbox;
};

/// As many writers and readers are alive as the mailbox has places.
struct NoFreePlace : MailboxError {
  using MailboxError::MailboxError;
};

/// Nothing was written.
struct SendError : MailboxError {
  using MailboxError::MailboxError;
};
/// Every slot is being written, or leased to a reader.
struct Full : SendError {
  using SendError::SendError;
};
/// Stalled writers hold the next cells.
struct Busy : SendError {
  using SendError::SendError;
};

/// The tensor is no longer to be had, or was taken back while it was looked at.
struct ReceiveError : MailboxError {
  using MailboxError::MailboxError;
};
/// The lease ended before: its time was over, or the slot was taken for something newer.
struct Expired : ReceiveError {
  using ReceiveError::ReceiveError;
};
/// The slot was recycled: it holds another tensor than the one asked for.
struct GenerationMismatch : ReceiveError {
  using ReceiveError::ReceiveError;
};

/// No lease: never given, already taken, or given back.
struct NotLeased : MailboxError {
  using MailboxError::MailboxError;
};
/// The mailbox, or this end of it, is closed, and everything was read.
struct Closed : MailboxError {
  using MailboxError::MailboxError;
};
/// Made before a fork, by the parent: it is not this process's to use.
struct Inherited : MailboxError {
  using MailboxError::MailboxError;
};
/// A word in shared memory is out of range: somebody else wrote there.
struct CorruptMailbox : MailboxError {
  using MailboxError::MailboxError;
};

/// The kernel refused something that a mailbox needs.
class SystemCallError : public MailboxError
{
public:
  /// `what` begins the sentence, the kernel's reason ends it. `number`: an errno.
  SystemCallError(const std::string & what, int number);
  int number() const { return number_; }

private:
  int number_;
};

/// `<field> is <value>, expected <expected>`.
std::string mismatch(
    const std::string & field, const std::string & value, const std::string & expected);

/// An argument, or a value from outside, is out of range.
struct InvalidArgument : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
  InvalidArgument(
      const std::string & field, const std::string & value, const std::string & expected)
  : std::invalid_argument(mismatch(field, value, expected))
  {
  }
};

/// Throws InvalidArgument unless `holds`.
void require(
    bool holds, const std::string & field, std::uint64_t value, const std::string & expected);

/// Throws the error that a status other than ok, empty, pending and timed out stands for;
/// `subject` begins the sentence.
[[noreturn]] void raise(Status status, const std::string & subject);

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__ERRORS_HPP_
