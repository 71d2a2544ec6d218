// The leases of a tensor mailbox: which reader may look at which slot.
#ifndef SAGE_MAILBOX__LEASE_TABLE_HPP_
#define SAGE_MAILBOX__LEASE_TABLE_HPP_

#include <cstdint>
#include <optional>

#include "sage_mailbox/layout.hpp"
#include "sage_mailbox/participant_table.hpp"
#include "sage_mailbox/status.hpp"
#include "sage_mailbox/tensor_id.hpp"

namespace sage::mailbox
{

/// The table of leases: a word for each slot (row) and each participant's place (column).
///
/// A lease is pending when granted, held once its reader took it, and ends by being released, by
/// its time to live, by being revoked for something newer, or with its reader. A lease on one
/// generation says nothing of any other, so that nothing has to be cleaned up.
///
/// What lies in a slot is not known here: it is the pool's (pool.hpp), which passes in what a
/// question about leases needs of it.
///
/// Atomics: the atomic operations. Processes: which processes are alive.
template <class Atomics, class Processes>
class LeaseTable
{
public:
  using Participants = ParticipantTable<Atomics, Processes>;

  LeaseTable(
      Header * header, std::uint64_t * words, std::uint32_t slot_count, Participants & places)
  : header_(header), words_(words), slot_count_(slot_count), places_(places)
  {
  }

  /// Has the CPU fetch what `grant` is about to write.
  void prefetch(std::uint32_t slot) const
  {
    for (std::uint32_t place = 0, used = places_.used(); place < used; place += kWordsOfLine) {
      prefetch_to_write(word_of(slot, place));
    }
  }

  /// Has the CPU fetch what `take` is about to write.
  void prefetch(Holder reader, std::uint32_t slot) const
  {
    prefetch_to_write(word_of(slot, reader.place));
  }

  /// Gives each reader that is there now a lease on the tensor. Returns their number.
  std::uint32_t grant(TensorId id)
  {
    std::uint32_t readers = 0;
    for (std::uint32_t place = 0, used = places_.used(); place < used; ++place) {
      if (const auto reader = places_.reader_at(place)) {
        const LeaseWord lease{LeaseWord::pending, reader->epoch, id.generation};
        Atomics::store(word_of(id.slot, place), lease.packed());
        ++readers;
      }
    }
    return readers;
  }

  /// Takes a reader's pending lease.
  ///
  /// Returns ok; recycled: the reader has no lease on this generation, not even one that ended;
  /// expired; not_leased: taken before, or given back; out_of_range: no such slot or place.
  Status take(Holder reader, TensorId id)
  {
    if (!is_in_table(reader, id)) {
      return Status::out_of_range;
    }
    std::uint64_t * word = word_of(id.slot, reader.place);
    std::uint64_t found = Atomics::load(word);
    for (;;) {
      const LeaseWord lease = LeaseWord::of(found);
      if (lease.generation != id.generation) {
        return Status::recycled;
      }
      if (lease.epoch != reader.epoch || lease.state != LeaseWord::pending) {
        return ended(lease);
      }
      const LeaseWord held{LeaseWord::held, reader.epoch, id.generation};
      if (Atomics::replace(word, found, held.packed())) {
        return Status::ok;
      }
    }
  }

  /// ok while the reader's lease is held, otherwise as `take`. If it is ok, all that was read of
  /// the tensor before was read while the lease was good.
  Status check(Holder reader, TensorId id) const
  {
    if (!is_in_table(reader, id)) {
      return Status::out_of_range;
    }
    Atomics::acquire_fence();
    const LeaseWord lease = LeaseWord::of(Atomics::load(word_of(id.slot, reader.place)));
    if (lease.generation != id.generation) {
      return Status::recycled;
    }
    return lease.epoch == reader.epoch && lease.state == LeaseWord::held ? Status::ok
                                                                         : ended(lease);
  }

  /// Gives a lease back, taken or not. Returns ok, or what `check` says of a lease that ended.
  Status release(Holder reader, TensorId id)
  {
    if (!is_in_table(reader, id)) {
      return Status::out_of_range;
    }
    std::uint64_t * word = word_of(id.slot, reader.place);
    std::uint64_t found = Atomics::load(word);
    for (;;) {
      const LeaseWord lease = LeaseWord::of(found);
      if (lease.generation != id.generation) {
        return Status::recycled;
      }
      if (lease.epoch != reader.epoch || !lease.is_open()) {
        return ended(lease);
      }
      const LeaseWord released{LeaseWord::released, reader.epoch, id.generation};
      if (Atomics::replace(word, found, released.packed())) {
        return Status::ok;
      }
    }
  }

  /// Ends a reader's pending leases on the slots of which `is_meant(slot)` is true.
  template <class IsMeant>
  void end_pending(Holder reader, LeaseWord::State state, const IsMeant & is_meant)
  {
    for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
      std::uint64_t * word = word_of(slot, reader.place);
      std::uint64_t found = Atomics::load(word);
      const LeaseWord lease = LeaseWord::of(found);
      if (lease.state == LeaseWord::pending && lease.epoch == reader.epoch && is_meant(slot)) {
        const LeaseWord ended{state, reader.epoch, lease.generation};
        Atomics::replace(word, found, ended.packed());
      }
    }
  }

  /// The first tensor with a pending lease of this reader of which `is_meant(id)` is true.
  template <class IsMeant>
  std::optional<TensorId> find_pending(Holder reader, const IsMeant & is_meant) const
  {
    for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
      const LeaseWord lease = LeaseWord::of(Atomics::load(word_of(slot, reader.place)));
      if (lease.state != LeaseWord::pending || lease.epoch != reader.epoch) {
        continue;
      }
      const TensorId id{slot, lease.generation};
      if (is_meant(id)) {
        return id;
      }
    }
    return std::nullopt;
  }

  /// Gives back what an earlier holder of the reader's place took, if that was so many holders ago
  /// that the epoch is the same again. To be called before the reader takes anything.
  void forget_earlier(Holder reader)
  {
    for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
      std::uint64_t * word = word_of(slot, reader.place);
      std::uint64_t found = Atomics::load(word);
      const LeaseWord lease = LeaseWord::of(found);
      if (lease.state == LeaseWord::held && lease.epoch == reader.epoch) {
        const LeaseWord released{LeaseWord::released, reader.epoch, lease.generation};
        Atomics::replace(word, found, released.packed());
      }
    }
  }

  /// True if a reader that is alive has an open lease on the tensor. Asks the kernel once for each.
  bool any_open(TensorId id) const
  {
    for (std::uint32_t place = 0, used = places_.used(); place < used; ++place) {
      const LeaseWord lease = LeaseWord::of(Atomics::load(word_of(id.slot, place)));
      const Holder reader{place, lease.epoch};
      if (lease.generation == id.generation && lease.is_open() &&
          places_.may_use(reader, lease.state == LeaseWord::held) && !places_.is_gone(reader)) {
        return true;
      }
    }
    return false;
  }

  /// True if a reader that has not left holds a lease on the tensor.
  bool any_held(TensorId id) const
  {
    for (std::uint32_t place = 0, used = places_.used(); place < used; ++place) {
      const LeaseWord lease = LeaseWord::of(Atomics::load(word_of(id.slot, place)));
      if (lease.generation == id.generation && lease.state == LeaseWord::held &&
          !places_.has_left({place, lease.epoch})) {
        return true;
      }
    }
    return false;
  }

  /// True if no lease on the tensor is open.
  ///
  /// Args: `expired`: their time is over, so that those still open are ended; `ask_kernel`: whether
  /// the readers' processes are alive, so that those of dead ones are ended, too.
  bool all_ended(TensorId id, bool expired, bool ask_kernel)
  {
    for (std::uint32_t place = 0, used = places_.used(); place < used; ++place) {
      std::uint64_t * word = word_of(id.slot, place);
      std::uint64_t found = Atomics::load(word);
      LeaseWord lease = LeaseWord::of(found);
      if (lease.generation != id.generation || !lease.is_open()) {
        continue;
      }
      const Holder reader{place, lease.epoch};
      if (!places_.may_use(reader, lease.state == LeaseWord::held)) {
        if (lease.state == LeaseWord::pending && Atomics::load(word) != found) {
          return false;  // taken between the two loads, before its reader retired
        }
        continue;
      }
      if (ask_kernel && places_.is_gone(reader)) {
        places_.leave(reader);  // so that nobody else has to ask
        Atomics::add(&header_->reclaimed, std::uint64_t{1});
        continue;
      }
      if (!expired || !expire(word, found)) {
        return false;
      }
    }
    return true;
  }

  /// Revokes all pending leases on the tensor; false if one was just taken.
  bool revoke_pending(TensorId id)
  {
    for (std::uint32_t place = 0, used = places_.used(); place < used; ++place) {
      std::uint64_t * word = word_of(id.slot, place);
      std::uint64_t found = Atomics::load(word);
      const LeaseWord lease = LeaseWord::of(found);
      if (lease.generation != id.generation || lease.state != LeaseWord::pending) {
        continue;
      }
      const LeaseWord overwritten{LeaseWord::overwritten, lease.epoch, id.generation};
      if (Atomics::replace(word, found, overwritten.packed())) {
        Atomics::add(&header_->overwritten, std::uint64_t{1});
      } else if (LeaseWord::of(found).state == LeaseWord::held) {
        return false;
      }
    }
    return true;
  }

private:
  static constexpr std::uint32_t kWordsOfLine = 8;

  std::uint64_t * word_of(std::uint32_t slot, std::uint32_t place) const
  {
    return words_ + std::uint64_t{slot} * places_.count() + place;
  }

  bool is_in_table(Holder reader, TensorId id) const
  {
    return id.slot < slot_count_ && reader.place < places_.count();
  }

  static Status ended(const LeaseWord & lease)
  {
    switch (lease.state) {
      case LeaseWord::expired:
      case LeaseWord::overwritten:
        return Status::expired;
      default:
        return Status::not_leased;
    }
  }

  /// Ends an open lease on the generation in `found`. False if it became another generation's.
  bool expire(std::uint64_t * word, std::uint64_t found)
  {
    LeaseWord lease = LeaseWord::of(found);
    const std::uint64_t generation = lease.generation;
    while (lease.generation == generation && lease.is_open()) {
      const LeaseWord expired{LeaseWord::expired, lease.epoch, generation};
      if (Atomics::replace(word, found, expired.packed())) {
        Atomics::add(&header_->expired, std::uint64_t{1});
        return true;
      }
      lease = LeaseWord::of(found);
    }
    return lease.generation == generation;  // given back just now
  }

  Header * header_;
  std::uint64_t * words_;
  std::uint32_t slot_count_;
  Participants & places_;
};

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__LEASE_TABLE_HPP_
