// The memory that a mailbox lies in.
#ifndef SAGE_MAILBOX__SEGMENT_HPP_
#define SAGE_MAILBOX__SEGMENT_HPP_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sage_mailbox/layout.hpp"
#include "sage_mailbox/process.hpp"

namespace sage::mailbox
{

class FileDescriptor;

/// A mailbox's memory, mapped into this process; unmapped with the last pointer to it.
///
/// In shared memory it is the file `/dev/shm/sage-mailbox.<user>.<name>`, mode 0600. It appears
/// under its name only when it is complete (O_TMPFILE, then linkat, which fails where the name is
/// taken), and all of its memory is there from the beginning (posix_fallocate): a full /dev/shm is
/// an error on creation, not a signal later. Who attaches believes nothing: owner, mode, size,
/// magic, version, checksum and every count are checked, and counts are kept in private memory from
/// then on. The file stays open as long as the segment lives: a lock on it tells processes in other
/// process id namespaces (containers) that somebody has it.
class Segment
{
public:
  /// Throws InvalidArgument (name or geometry), NameTaken, OutOfMemory, SystemCallError.
  ///
  /// A mailbox of this name whose creator died is closed and replaced.
  static std::shared_ptr<Segment> create(
      const std::string & name, const Geometry & geometry, Backend backend,
      std::int32_t device = -1);

  /// Throws InvalidArgument (name), NoSuchMailbox, NotAMailbox, SystemCallError.
  static std::shared_ptr<Segment> attach(const std::string & name);

  Segment(const Segment &) = delete;
  Segment & operator=(const Segment &) = delete;
  ~Segment();

  const std::string & name() const { return name_; }
  const Geometry & geometry() const { return geometry_; }
  Backend backend() const { return backend_; }
  std::int32_t device() const { return device_; }
  /// Tells this mailbox from an earlier or later one of this name.
  std::uint64_t nonce() const { return nonce_; }

  Header & header() const { return *reinterpret_cast<Header *>(base_); }
  Place * places() const { return reinterpret_cast<Place *>(base_ + geometry_.places_at()); }
  void * cells() const { return base_ + geometry_.cells_at(); }
  Slot * slots() const { return reinterpret_cast<Slot *>(base_ + geometry_.slots_at()); }
  std::uint64_t * leases() const
  {
    return reinterpret_cast<std::uint64_t *>(base_ + geometry_.leases_at());
  }
  /// Payload of all slots, one after the other; nullptr where it lies in device memory.
  std::byte * payload() const
  {
    return geometry_.payload_inside ? base_ + geometry_.payload_at() : nullptr;
  }

  /// Says that nothing more comes, and frees the name; done by the creator's process only. Those
  /// attached can read on. Throws SystemCallError if the name cannot be freed now; it is anybody's
  /// from here on, nevertheless.
  void close();
  /// As `close`, without saying whether the name was freed.
  void close_at_end() noexcept;
  bool is_closed() const;
  /// True if the process that created the mailbox ended without closing it: nobody closes it until
  /// its name is wanted or swept. Asks the kernel: about 10 us.
  bool is_orphaned() const;

private:
  Segment(
      std::string name, const Geometry & geometry, Backend backend, std::int32_t device,
      std::byte * base);
  void free_name();

  std::string name_;
  Geometry geometry_;
  Backend backend_;
  std::int32_t device_;
  std::byte * base_;
  std::unique_ptr<FileDescriptor> file_;  // nullptr in memory of this process alone
  std::uint64_t nonce_ = 0;
  Process creator_{};
  int creator_pid_ = 0;  // 0: not created here
};

/// What makes the object that created a mailbox close it in the end.
class Creation
{
public:
  Creation() = default;  ///< of a mailbox that was attached to: closes nothing
  explicit Creation(std::shared_ptr<Segment> segment) : segment_(std::move(segment)) {}
  Creation(Creation && other) noexcept = default;
  Creation & operator=(Creation && other) noexcept
  {
    if (this != &other) {
      const Creation ended(std::move(*this));
      segment_ = std::move(other.segment_);
    }
    return *this;
  }
  ~Creation()
  {
    if (segment_) {
      segment_->close_at_end();
    }
  }

private:
  std::shared_ptr<Segment> segment_;
};

/// Removes this user's mailboxes in shared memory that were closed, or whose creator and all
/// participants are gone. Returns their names.
std::vector<std::string> sweep_stale();

/// Names of this user's mailboxes in shared memory. Files under such names that are no mailboxes
/// are left out. Throws SystemCallError if they cannot be looked at now.
std::vector<std::string> list();

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__SEGMENT_HPP_
