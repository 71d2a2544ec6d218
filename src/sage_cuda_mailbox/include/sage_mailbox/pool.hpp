// The protocol of the focus tensor mailbox: slots that writers fill and readers look at in place.
#ifndef SAGE_MAILBOX__POOL_HPP_
#define SAGE_MAILBOX__POOL_HPP_

#include <cstdint>
#include <optional>

#include "sage_mailbox/description_words.hpp"
#include "sage_mailbox/layout.hpp"
#include "sage_mailbox/lease_table.hpp"
#include "sage_mailbox/participant_table.hpp"
#include "sage_mailbox/status.hpp"
#include "sage_mailbox/tensor_id.hpp"

namespace sage::mailbox
{

/// What a writer does when every slot is leased.
enum class WhenFull : std::uint32_t {
  refuse,     ///< says `full`
  overwrite,  ///< takes the oldest tensor that no reader has taken yet; its readers lose it
};

/// The slots, and what lies in them; who may look at which is the lease table's (lease_table.hpp).
///
/// The writer takes the leases: on publishing it gives each active reader one on the slot, so that
/// a tensor is held from the moment it is announced. A reader takes its lease, looks, and gives it
/// back. A slot is free when no lease on its generation is open: nobody frees it, the next writer
/// finds it so. A lease also ends with its time to live, and with its reader.
///
/// Atomics: the atomic operations. Processes: which processes are alive.
template <class Atomics, class Processes>
class Pool
{
public:
  using Participants = ParticipantTable<Atomics, Processes>;

  Pool(
      Header * header, Slot * slots, std::uint64_t * leases, std::uint32_t slot_count,
      Participants & places)
  : header_(header),
    slots_(slots),
    slot_count_(slot_count),
    leases_(header, leases, slot_count, places),
    places_(places)
  {
  }

  /// Takes a slot for writing.
  ///
  /// Args: `first`: the slot to look at first; `now_ns`: CLOCK_MONOTONIC.
  /// Returns ok and the tensor's id, or full.
  Status acquire(
      Holder writer, std::uint32_t first, std::int64_t now_ns, WhenFull when_full, TensorId & id)
  {
    if (claim_any_free(writer, first, now_ns, false, id)) {
      return Status::ok;
    }
    if (when_full == WhenFull::refuse || now_ns >= ask_again_ns_) {
      if (claim_any_free(writer, first, now_ns, true, id)) {
        return Status::ok;
      }
      ask_again_ns_ = now_ns + kPatienceNs;
    }
    if (when_full == WhenFull::overwrite && claim_oldest(writer, now_ns, id)) {
      return Status::ok;
    }
    Atomics::add(&header_->refused, std::uint64_t{1});
    return Status::full;
  }

  /// Has the CPU fetch, all at once, what `publish` is about to write.
  void prefetch_to_publish(TensorId id) const
  {
    for (std::size_t line = 0; line < kLinesOfTensor; ++line) {
      prefetch_to_write(reinterpret_cast<const char *>(&slots_[id.slot]) + line * kLineBytes);
    }
    leases_.prefetch(id.slot);
  }

  /// Has the CPU fetch, all at once, what `take` is about to look at.
  void prefetch_to_take(Holder reader, TensorId id) const
  {
    if (id.slot >= slot_count_) {
      return;
    }
    leases_.prefetch(reader, id.slot);
    for (std::size_t line = 0; line < kLinesOfTensor; ++line) {
      __builtin_prefetch(reinterpret_cast<const char *>(&slots_[id.slot]) + line * kLineBytes);
    }
  }

  /// Hands the tensor over to all readers that are there now.
  ///
  /// Args: `ttl_ns`: how long their leases last; 0: until given back.
  /// Returns ok and the number of readers, or not_leased: this writer does not hold the slot.
  Status publish(
      Holder writer, TensorId id, const Description & description, std::int64_t ttl_ns,
      std::int64_t now_ns, std::uint32_t & readers)
  {
    if (id.slot >= slot_count_) {
      return Status::out_of_range;
    }
    Slot & slot = slots_[id.slot];
    std::uint64_t word = SlotWord{SlotWord::writing, writer, id.generation}.packed();
    if (Atomics::load(&slot.word) != word) {
      return Status::not_leased;
    }
    store_description<Atomics>(slot, description);
    Atomics::store_relaxed(&slot.published_ns, now_ns);
    Atomics::store_relaxed(&slot.ttl_ns, ttl_ns);
    Atomics::store_relaxed(&slot.order, Atomics::load(&header_->head));
    Atomics::add(&header_->published, std::uint64_t{1});
    readers = leases_.grant(id);
    const SlotWord published{SlotWord::published, writer, id.generation};
    return Atomics::replace(&slot.word, word, published.packed()) ? Status::ok : Status::not_leased;
  }

  /// Takes a tensor back that was published, but of which nobody could be told.
  void withdraw(TensorId id) { leases_.revoke_pending(id); }

  /// Gives a slot back that was not published.
  Status abandon(Holder writer, TensorId id)
  {
    if (id.slot >= slot_count_) {
      return Status::out_of_range;
    }
    std::uint64_t word = SlotWord{SlotWord::writing, writer, id.generation}.packed();
    const SlotWord vacant{SlotWord::vacant, writer, id.generation};
    return Atomics::replace(&slots_[id.slot].word, word, vacant.packed()) ? Status::ok
                                                                          : Status::not_leased;
  }

  /// Takes a reader's lease, and copies what is said of the tensor.
  ///
  /// Returns ok; recycled: the slot holds another tensor; expired; not_leased: never given, taken
  /// before, or given back; out_of_range: no such slot.
  Status take(Holder reader, TensorId id, Description & description)
  {
    const Status taken = leases_.take(reader, id);
    if (taken != Status::ok) {
      return resolved(taken, id);
    }
    load_description<Atomics>(slots_[id.slot], description);
    return check(reader, id);  // what was read is worth nothing if the lease ended meanwhile
  }

  /// ok while the reader's lease is good; expired, recycled or not_leased once it is not. If it is
  /// ok, all that was read of the tensor before was read while the lease was good.
  Status check(Holder reader, TensorId id) const { return resolved(leases_.check(reader, id), id); }

  /// Gives a lease back, taken or not. Returns ok, or what `check` says of a lease that ended.
  Status release(Holder reader, TensorId id) { return resolved(leases_.release(reader, id), id); }

  /// A sequence that is not above that of the tensor's announcement, nor that of any later one.
  std::uint64_t order_of(TensorId id) const
  {
    return Atomics::load_relaxed(&slots_[id.slot].order);
  }

  /// Ends a reader's leases, not yet taken, on tensors of a lower order.
  ///
  /// For a reader that is told of tensors in their order, but not of all of them. `state`:
  /// released, or overwritten: the reader did not want to miss them, and may yet be told of some.
  void end_older(Holder reader, std::uint64_t order, LeaseWord::State state)
  {
    leases_.end_pending(reader, state, [this, order](std::uint32_t slot) {
      return Atomics::load_relaxed(&slots_[slot].order) < order;
    });
  }

  /// A reader's lease, not yet taken, of which nobody will tell it: the writer died before.
  std::optional<TensorId> find_orphan(Holder reader) const
  {
    return leases_.find_pending(reader, [this](TensorId id) {
      const SlotWord found = SlotWord::of(Atomics::load(&slots_[id.slot].word));
      return found.state == SlotWord::published && found.generation == id.generation &&
             places_.is_gone(found.writer);
    });
  }

  /// Gives back what an earlier holder of the reader's place took, if that was so many holders ago
  /// that the epoch is the same again. To be called before the reader takes anything.
  void forget_earlier(Holder reader) { leases_.forget_earlier(reader); }

  /// How many slots a writer would find free now. Asks the kernel once for each open lease.
  std::uint32_t free_slots(std::int64_t now_ns) const
  {
    std::uint32_t count = 0;
    for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
      const SlotWord found = SlotWord::of(Atomics::load(&slots_[slot].word));
      bool is_free = true;
      if (found.state == SlotWord::writing) {
        is_free = places_.is_gone(found.writer);
      } else if (found.state == SlotWord::published && !has_expired(slot, now_ns)) {
        is_free = !leases_.any_open({slot, found.generation});
      }
      count += is_free ? 1 : 0;
    }
    return count;
  }

private:
  static constexpr std::size_t kLineBytes = 64;
  /// Of a slot's control words: all but the event and what is spare.
  static constexpr std::size_t kLinesOfTensor =
      (offsetof(Slot, event) + kLineBytes - 1) / kLineBytes;

  /// For how long a writer that overwrites believes that nobody has died.
  static constexpr std::int64_t kPatienceNs = 1'000'000;

  static constexpr std::uint64_t next(std::uint64_t generation)
  {
    return (generation + 1) % SlotWord::kGenerations;
  }

  /// Resolves `recycled` of the lease table, which knows of no lease on this generation: the slot
  /// holds another tensor, or the reader was never given a lease on this one.
  Status resolved(Status said, TensorId id) const
  {
    if (said != Status::recycled) {
      return said;
    }
    const SlotWord found = SlotWord::of(Atomics::load(&slots_[id.slot].word));
    return found.generation == id.generation ? Status::not_leased : Status::recycled;
  }

  bool claim_any_free(
      Holder writer, std::uint32_t first, std::int64_t now_ns, bool ask_kernel, TensorId & id)
  {
    for (std::uint32_t step = 0; step < slot_count_; ++step) {
      if (claim_if_free(writer, (first + step) % slot_count_, now_ns, ask_kernel, id)) {
        return true;
      }
    }
    return false;
  }

  bool claim_if_free(
      Holder writer, std::uint32_t slot, std::int64_t now_ns, bool ask_kernel, TensorId & id)
  {
    const std::uint64_t word = Atomics::load(&slots_[slot].word);
    const SlotWord found = SlotWord::of(word);
    bool free = found.state == SlotWord::vacant;
    if (found.state == SlotWord::writing) {
      free = ask_kernel ? places_.is_gone(found.writer) : places_.has_left(found.writer);
    } else if (found.state == SlotWord::published) {
      free = leases_.all_ended({slot, found.generation}, has_expired(slot, now_ns), ask_kernel);
    }
    return free && claim(writer, slot, word, id);
  }

  /// False if the slot's word is no longer `found`.
  bool claim(Holder writer, std::uint32_t slot, std::uint64_t found, TensorId & id)
  {
    const SlotWord mine{SlotWord::writing, writer, next(SlotWord::of(found).generation)};
    if (!Atomics::replace(&slots_[slot].word, found, mine.packed())) {
      return false;
    }
    Atomics::release_fence();  // a reader that sees what is written next sees that its lease ended
    id = {slot, mine.generation};
    return true;
  }

  bool has_expired(std::uint32_t slot, std::int64_t now_ns) const
  {
    const std::int64_t ttl_ns = Atomics::load_relaxed(&slots_[slot].ttl_ns);
    if (ttl_ns <= 0) {
      return false;
    }
    // reckoned without signs: the words may be anything
    const auto published_ns =
        static_cast<std::uint64_t>(Atomics::load_relaxed(&slots_[slot].published_ns));
    const std::uint64_t age_ns = static_cast<std::uint64_t>(now_ns) - published_ns;
    return static_cast<std::int64_t>(age_ns) >= ttl_ns;
  }

  /// Claims the slot of the oldest tensor of which no lease is held.
  bool claim_oldest(Holder writer, std::int64_t now_ns, TensorId & id)
  {
    for (std::uint32_t attempt = 0; attempt < slot_count_; ++attempt) {
      const std::uint32_t slot = oldest_untaken();
      if (slot == slot_count_) {
        return false;
      }
      const std::uint64_t word = Atomics::load(&slots_[slot].word);
      const SlotWord found = SlotWord::of(word);
      const TensorId oldest{slot, found.generation};
      if (found.state != SlotWord::published || !leases_.revoke_pending(oldest)) {
        continue;
      }
      if (leases_.all_ended(oldest, has_expired(slot, now_ns), false) &&
          claim(writer, slot, word, id)) {
        return true;
      }
    }
    return false;
  }

  std::uint32_t oldest_untaken() const
  {
    std::uint32_t oldest = slot_count_;
    std::uint64_t oldest_order = ~std::uint64_t{0};
    for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
      const SlotWord found = SlotWord::of(Atomics::load(&slots_[slot].word));
      const std::uint64_t order = Atomics::load_relaxed(&slots_[slot].order);
      if (found.state == SlotWord::published && order < oldest_order &&
          !leases_.any_held({slot, found.generation})) {
        oldest = slot;
        oldest_order = order;
      }
    }
    return oldest;
  }

  Header * header_;
  Slot * slots_;
  std::uint32_t slot_count_;
  LeaseTable<Atomics, Processes> leases_;
  Participants & places_;
  std::int64_t ask_again_ns_ = 0;
};

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__POOL_HPP_
