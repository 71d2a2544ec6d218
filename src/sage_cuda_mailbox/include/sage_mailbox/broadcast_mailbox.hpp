// Peripheral broadcast mailbox: small records from many writers to many readers.
#ifndef SAGE_MAILBOX__BROADCAST_MAILBOX_HPP_
#define SAGE_MAILBOX__BROADCAST_MAILBOX_HPP_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "sage_mailbox/errors.hpp"
#include "sage_mailbox/late_writers.hpp"
#include "sage_mailbox/participant.hpp"
#include "sage_mailbox/ring.hpp"
#include "sage_mailbox/segment.hpp"
#include "sage_mailbox/statistics.hpp"
#include "sage_mailbox/status.hpp"

namespace sage::mailbox
{

using SystemRing = Ring<SystemAtomics, LateWriters &>;

/// Writes records. One thread at a time; any number of writers, in any process.
class BroadcastWriter
{
public:
  /// Throws NoFreePlace.
  explicit BroadcastWriter(std::shared_ptr<Segment> segment);

  /// Writes one record and wakes those who wait for it; never waits itself.
  ///
  /// Args: `length`: at most `payload_bytes()`; `type`: of the writer's choosing.
  /// Returns ok; busy: nothing was written, stalled writers hold the next cells; closed; inherited;
  /// out_of_range: too long; invalid: the mailbox was tampered with.
  Status push(
      const void * payload, std::size_t length, std::uint16_t type = 0, std::int64_t stamp_ns = 0,
      std::uint64_t * sequence = nullptr);

  std::uint32_t payload_bytes() const { return ring_.payload_bytes(); }
  /// What readers see as `producer`.
  std::uint32_t producer() const { return participant_->holder().place; }

private:
  std::unique_ptr<Participant> participant_;
  std::unique_ptr<LateWriters> late_;
  SystemRing ring_;
};

enum class From { now, oldest };

/// Reads records, each reader at its own pace. One thread at a time.
class BroadcastReader
{
public:
  explicit BroadcastReader(std::shared_ptr<Segment> segment, From from = From::now);

  /// Reads the next record; `payload` has room for `payload_bytes()`.
  /// Returns ok; empty; pending: it is being written; closed: and everything was read; invalid: the
  /// mailbox was tampered with.
  Status pop(RecordHead & head, void * payload);

  /// Waits until there is a record, or the mailbox is closed, or the time is over.
  /// `timeout_ns`: negative: no limit. Returns ok, closed, or timed_out.
  Status wait(std::int64_t timeout_ns);

  /// Records that were overwritten, or never written, before this reader came to them.
  std::uint64_t lost() const { return cursor_.lost; }
  /// What was not read before this sequence was overwritten.
  std::uint64_t overrun() const { return cursor_.overrun; }
  /// Sequence of the record that is read next.
  std::uint64_t next() const { return cursor_.next; }
  std::uint32_t payload_bytes() const { return ring_.payload_bytes(); }

private:
  std::shared_ptr<Segment> segment_;
  std::unique_ptr<SystemParticipants> places_;
  std::unique_ptr<LateWriters> late_;
  SystemRing ring_;
  Cursor cursor_;
};

struct BroadcastOptions {
  std::uint32_t cell_bytes = 64;    ///< 64, 128, 192 or 256; a record's payload has 24 bytes less
  std::uint32_t cell_count = 1024;  ///< a power of two; how far a reader may lag
  std::uint32_t place_count = 64;   ///< how many writers there can be at a time
  Backend backend = Backend::shm;   ///< host or shm
};

/// A mailbox for records. Closed when the object that created it is destroyed.
class BroadcastMailbox
{
public:
  /// Throws InvalidArgument, OpenError (NameTaken, OutOfMemory), SystemCallError.
  static BroadcastMailbox create(const std::string & name, const BroadcastOptions & options = {});
  /// Throws InvalidArgument, OpenError (NoSuchMailbox, NotAMailbox), SystemCallError.
  static BroadcastMailbox attach(const std::string & name);

  BroadcastWriter writer() const { return BroadcastWriter(segment_); }
  BroadcastReader reader(From from = From::now) const { return BroadcastReader(segment_, from); }
  Statistics statistics() const { return statistics_of(*segment_); }
  const std::shared_ptr<Segment> & segment() const { return segment_; }
  /// Says that nothing more comes; only the creator's process can.
  void close() { segment_->close(); }

private:
  BroadcastMailbox(std::shared_ptr<Segment> segment, Creation creation);

  std::shared_ptr<Segment> segment_;
  Creation creation_;
};

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__BROADCAST_MAILBOX_HPP_
