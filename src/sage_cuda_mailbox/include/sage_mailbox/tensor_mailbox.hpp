// Focus tensor mailbox: tensors change hands, their bytes stay where they are.
#ifndef SAGE_MAILBOX__TENSOR_MAILBOX_HPP_
#define SAGE_MAILBOX__TENSOR_MAILBOX_HPP_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "sage_mailbox/broadcast_mailbox.hpp"
#include "sage_mailbox/errors.hpp"
#include "sage_mailbox/participant.hpp"
#include "sage_mailbox/pool.hpp"
#include "sage_mailbox/segment.hpp"
#include "sage_mailbox/statistics.hpp"
#include "sage_mailbox/status.hpp"
#include "sage_mailbox/tensor.hpp"
#include "sage_mailbox/tensor_id.hpp"

namespace sage::mailbox
{

using SystemPool = Pool<SystemAtomics, SystemProcesses>;

/// Where the bytes of the slots are, for this process.
class Payload
{
public:
  virtual ~Payload() = default;
  /// First byte of a slot: a host address, or an address on `device()`.
  virtual std::byte * slot(std::uint32_t index) const = 0;
  virtual Backend backend() const = 0;
  /// Index of the GPU; -1: host memory.
  virtual std::int32_t device() const = 0;
};

/// What a mailbox's participants have in common; lives as long as any lease.
class TensorPort;

/// A slot being filled. Destroyed unpublished, it gives the slot back.
class WriteLease
{
public:
  WriteLease() = default;
  WriteLease(std::shared_ptr<TensorPort> port, TensorId id) : port_(std::move(port)), id_(id) {}
  WriteLease(WriteLease && other) noexcept { *this = std::move(other); }
  WriteLease & operator=(WriteLease && other) noexcept;
  ~WriteLease() { abandon(); }

  bool is_open() const { return port_ != nullptr; }
  TensorId id() const { return id_; }
  /// First byte of the slot; nullptr if not open.
  std::byte * data() const;
  std::uint64_t bytes() const;

  /// To be called if the payload was copied into the slot rather than made there; counted in
  /// Statistics::copied when it is published.
  void count_copy() { is_copied_ = true; }

  /// Hands the tensor over to all readers that are there now, and wakes them.
  ///
  /// Args: `ttl_ns`: how long their leases last; 0: until given back; negative: the mailbox's.
  /// Returns ok, and the number of readers; closed; busy: could not be announced, nobody has it;
  /// not_leased; inherited. Open no longer afterwards. Throws InvalidArgument, and stays
  /// open, if the tensor does not lie within the slot.
  Status publish(
      const Tensor & tensor, std::int64_t ttl_ns = -1, std::uint32_t * readers = nullptr);

  void abandon();

private:
  std::shared_ptr<TensorPort> port_;
  TensorId id_;
  bool is_copied_ = false;
};

/// A tensor being looked at. Destroyed, it gives the lease back.
class ReadLease
{
public:
  ReadLease() = default;
  ReadLease(std::shared_ptr<TensorPort> port, TensorId id, Tensor tensor)
  : port_(std::move(port)), id_(id), tensor_(std::move(tensor))
  {
  }
  ReadLease(ReadLease && other) noexcept { *this = std::move(other); }
  ReadLease & operator=(ReadLease && other) noexcept;
  ~ReadLease() { release(); }

  bool is_open() const { return port_ != nullptr; }
  TensorId id() const { return id_; }
  const Tensor & tensor() const { return tensor_; }
  /// First byte of the slot, not of the tensor; nullptr if not open.
  const std::byte * data() const;
  Backend backend() const;
  std::int32_t device() const;

  /// ok, or expired / recycled: what is seen may be something else by now.
  Status check() const;
  /// Gives the lease back. Returns ok; expired or recycled: it had ended before; not_leased.
  Status release();

private:
  std::shared_ptr<TensorPort> port_;
  TensorId id_;
  Tensor tensor_;
};

/// Writes tensors. One thread at a time, with its leases; any number of writers, in any process.
class TensorWriter
{
public:
  TensorWriter(
      std::shared_ptr<Segment> segment, std::shared_ptr<Payload> payload, std::int64_t ttl_ns);

  /// Takes a slot to fill. Returns ok; full; closed; inherited.
  Status acquire(WriteLease & lease, WhenFull when_full = WhenFull::refuse);

private:
  std::shared_ptr<TensorPort> port_;
  std::uint32_t next_slot_ = 0;
};

/// Reads tensors. Each reader is given each tensor that is published while it is there. One thread
/// at a time; its leases may be given back by any thread, and outlive it.
class TensorReader
{
public:
  TensorReader(std::shared_ptr<Segment> segment, std::shared_ptr<Payload> payload);
  TensorReader(TensorReader && other) noexcept = default;
  ~TensorReader() { retire(); }

  /// Takes the next tensor. Tensors that are no longer to be had are counted in `missed()`.
  /// Returns ok; empty; pending; closed: and everything was read; inherited; invalid: tampered
  /// with.
  Status next(ReadLease & lease);

  /// Takes the tensor that a handle names, and gives back what was published before it.
  /// Returns ok; recycled; expired; not_leased; inherited; out_of_range: no such slot;
  /// invalid: what is said of the tensor was tampered with.
  Status open(TensorId id, ReadLease & lease);

  /// Waits for something that `next` can take. As BroadcastReader::wait.
  Status wait(std::int64_t timeout_ns);

  /// Tensors that were announced since this reader came, but recycled or expired before `next` came
  /// to them; and sequences that no announcement has, because a stalled writer held the cell
  /// (Statistics::skipped).
  std::uint64_t missed() const { return missed_; }

private:
  Status take(TensorId id, ReadLease & lease);
  /// Takes the next tensor that was announced. Leases whose announcements were overwritten end.
  Status next_announced(ReadLease & lease);
  /// Counts sequences from `first` to before `end`, as far as they came after this reader.
  void miss(std::uint64_t first, std::uint64_t end);
  /// True once a millisecond.
  bool is_time_for_orphans();
  void retire();

  // In this order: a lease that is given after joining is announced behind the cursor's place.
  BroadcastReader announcements_;
  std::shared_ptr<TensorPort> port_;
  std::uint64_t joined_at_;  // sequences before it are not this reader's to miss
  std::uint64_t missed_ = 0;
  std::uint64_t overrun_ = 0;
  std::int64_t orphans_again_ns_ = 0;
};

struct TensorOptions {
  std::uint32_t slot_count = 4;
  std::uint64_t slot_bytes = 0;    ///< rounded up to 4096
  std::uint32_t place_count = 32;  ///< how many writers and readers there can be at a time
  std::int64_t ttl_ns = 0;         ///< of leases; 0: until given back
  Backend backend = Backend::shm;
};

/// A mailbox for tensors. Closed when the object that created it is destroyed.
class TensorMailbox
{
public:
  /// Throws InvalidArgument, OpenError (NameTaken, OutOfMemory), SystemCallError.
  static TensorMailbox create(const std::string & name, const TensorOptions & options);
  /// Throws InvalidArgument, OpenError (NoSuchMailbox, NotAMailbox), SystemCallError.
  static TensorMailbox attach(const std::string & name);

  TensorWriter writer() const { return {segment_, payload_, ttl_ns_}; }
  TensorReader reader() const { return {segment_, payload_}; }
  Statistics statistics() const { return statistics_of(*segment_); }
  const std::shared_ptr<Segment> & segment() const { return segment_; }
  /// Slots that a writer would find free now.
  std::uint32_t free_slots() const;
  /// Says that nothing more comes; only the creator's process can.
  void close() { segment_->close(); }

private:
  TensorMailbox(
      std::shared_ptr<Segment> segment, std::shared_ptr<Payload> payload, std::int64_t ttl_ns,
      Creation creation);

  std::shared_ptr<Segment> segment_;
  std::shared_ptr<Payload> payload_;
  std::int64_t ttl_ns_;
  Creation creation_;
};

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__TENSOR_MAILBOX_HPP_
