// The protocol of the focus tensor mailbox: slots that writers fill and readers look at in place.
#ifndef SAGE_MAILBOX__POOL_HPP_
#define SAGE_MAILBOX__POOL_HPP_

#include <cstdint>
#include <optional>

#include "sage_mailbox/layout.hpp"
#include "sage_mailbox/places.hpp"
#include "sage_mailbox/status.hpp"

namespace sage::mailbox
{

/// Which tensor: a slot, and which of the tensors that were in it.
struct TensorId {
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
};

/// What a writer does when every slot is leased.
enum class WhenFull : std::uint32_t {
  refuse,     ///< says `full`
  overwrite,  ///< takes the oldest tensor that no reader has taken yet; its readers lose it
};

/// Slots, and who may look at which.
///
/// The writer takes the leases: on publishing it gives each active reader one on the slot, so that
/// a tensor is held from the moment it is announced. A reader takes its lease, looks, and gives it
/// back. A slot is free when no lease on its generation is open: nobody frees it, the next writer
/// finds it so. A lease also ends with its time to live, and with its reader.
///
/// Words: the atomic operations. Processes: which processes are alive.
template <class Words, class Processes>
class Pool
{
public:
  using Participants = Places<Words, Processes>;

  Pool(
      Header * header, Slot * slots, std::uint64_t * leases, std::uint32_t slot_count,
      Participants & places)
  : header_(header), slots_(slots), leases_(leases), slot_count_(slot_count), places_(places)
  {
  }

  /// Takes a slot for writing.
  ///
  /// Args: `first`: the slot to look at first; `now_ns`: CLOCK_MONOTONIC.
  /// Returns ok and the tensor's id, or full.
  Status acquire(
      Holder writer, std::uint32_t first, std::int64_t now_ns, WhenFull when_full, TensorId & id)
  {
    if (take_any_free(writer, first, now_ns, false, id)) {
      return Status::ok;
    }
    if (when_full == WhenFull::refuse || now_ns >= ask_again_ns_) {
      if (take_any_free(writer, first, now_ns, true, id)) {
        return Status::ok;
      }
      ask_again_ns_ = now_ns + kPatienceNs;
    }
    if (when_full == WhenFull::overwrite && take_oldest(writer, now_ns, id)) {
      return Status::ok;
    }
    Words::add(&header_->refused, std::uint64_t{1});
    return Status::full;
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
      return Status::invalid;
    }
    Slot & slot = slots_[id.slot];
    std::uint64_t word = SlotWord{SlotWord::writing, writer, id.generation}.packed();
    if (Words::load(&slot.word) != word) {
      return Status::not_leased;
    }
    describe(slot, description);
    Words::store_relaxed(&slot.published_ns, now_ns);
    Words::store_relaxed(&slot.ttl_ns, ttl_ns);
    Words::store_relaxed(&slot.order, Words::load(&header_->head));
    Words::add(&header_->published, std::uint64_t{1});
    readers = 0;
    for (std::uint32_t place = 0, used = places_.used(); place < used; ++place) {
      if (const auto reader = places_.reader_at(place)) {
        const LeaseWord lease{LeaseWord::pending, reader->epoch, id.generation};
        Words::store(lease_of(id.slot, place), lease.packed());
        ++readers;
      }
    }
    const SlotWord published{SlotWord::published, writer, id.generation};
    return Words::replace(&slot.word, word, published.packed()) ? Status::ok : Status::not_leased;
  }

  /// Takes a tensor back that was published, but of which nobody could be told.
  void withdraw(TensorId id) { take_back(id.slot, id.generation); }

  /// Gives a slot back that was not published.
  Status abandon(Holder writer, TensorId id)
  {
    if (id.slot >= slot_count_) {
      return Status::invalid;
    }
    std::uint64_t word = SlotWord{SlotWord::writing, writer, id.generation}.packed();
    const SlotWord vacant{SlotWord::vacant, writer, id.generation};
    return Words::replace(&slots_[id.slot].word, word, vacant.packed()) ? Status::ok
                                                                        : Status::not_leased;
  }

  /// Takes a reader's lease, and copies what is said of the tensor.
  ///
  /// Returns ok; recycled: the slot holds another tensor; expired; not_leased: never given, taken
  /// before, or given back; invalid: no such slot.
  Status take(Holder reader, TensorId id, Description & description)
  {
    if (id.slot >= slot_count_ || reader.place >= places_.count()) {
      return Status::invalid;
    }
    std::uint64_t * word = lease_of(id.slot, reader.place);
    std::uint64_t found = Words::load(word);
    for (;;) {
      const LeaseWord lease = LeaseWord::of(found);
      if (lease.generation != id.generation) {
        return never_given(id);
      }
      if (lease.epoch != reader.epoch || lease.state != LeaseWord::pending) {
        return ended(lease);
      }
      const LeaseWord held{LeaseWord::held, reader.epoch, id.generation};
      if (Words::replace(word, found, held.packed())) {
        break;
      }
    }
    read(slots_[id.slot], description);
    return check(reader, id);  // what was read is worth nothing if the lease ended meanwhile
  }

  /// ok while the reader's lease is good; expired, recycled or not_leased once it is not. If it is
  /// ok, all that was read of the tensor before was read while the lease was good.
  Status check(Holder reader, TensorId id) const
  {
    if (id.slot >= slot_count_ || reader.place >= places_.count()) {
      return Status::invalid;
    }
    Words::acquire_fence();
    const LeaseWord lease = LeaseWord::of(Words::load(lease_of(id.slot, reader.place)));
    if (lease.generation != id.generation) {
      return never_given(id);
    }
    return lease.epoch == reader.epoch && lease.state == LeaseWord::held ? Status::ok
                                                                         : ended(lease);
  }

  /// Gives a lease back, taken or not. Returns ok, or what `check` says of a lease that ended.
  Status release(Holder reader, TensorId id)
  {
    if (id.slot >= slot_count_ || reader.place >= places_.count()) {
      return Status::invalid;
    }
    std::uint64_t * word = lease_of(id.slot, reader.place);
    std::uint64_t found = Words::load(word);
    for (;;) {
      const LeaseWord lease = LeaseWord::of(found);
      if (lease.generation != id.generation) {
        return never_given(id);
      }
      if (lease.epoch != reader.epoch || !lease.is_open()) {
        return ended(lease);
      }
      const LeaseWord released{LeaseWord::released, reader.epoch, id.generation};
      if (Words::replace(word, found, released.packed())) {
        return Status::ok;
      }
    }
  }

  /// A sequence that is not above that of the tensor's announcement, nor that of any later one.
  std::uint64_t order_of(TensorId id) const { return Words::load_relaxed(&slots_[id.slot].order); }

  /// Ends a reader's leases, not yet taken, on tensors of a lower order.
  ///
  /// For a reader that is told of tensors in their order, but not of all of them. `state`:
  /// released, or overwritten: the reader did not want to miss them, and may yet be told of some.
  void end_older(Holder reader, std::uint64_t order, LeaseWord::State state)
  {
    for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
      std::uint64_t * word = lease_of(slot, reader.place);
      std::uint64_t found = Words::load(word);
      const LeaseWord lease = LeaseWord::of(found);
      if (lease.state == LeaseWord::pending && lease.epoch == reader.epoch &&
          Words::load_relaxed(&slots_[slot].order) < order) {
        const LeaseWord ended{state, reader.epoch, lease.generation};
        Words::replace(word, found, ended.packed());
      }
    }
  }

  /// A reader's lease, not yet taken, of which nobody will tell it: the writer died before.
  std::optional<TensorId> find_orphan(Holder reader) const
  {
    for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
      const LeaseWord lease = LeaseWord::of(Words::load(lease_of(slot, reader.place)));
      if (lease.state != LeaseWord::pending || lease.epoch != reader.epoch) {
        continue;
      }
      const SlotWord found = SlotWord::of(Words::load(&slots_[slot].word));
      if (found.state == SlotWord::published && found.generation == lease.generation &&
          places_.is_gone(found.writer)) {
        return TensorId{slot, found.generation};
      }
    }
    return std::nullopt;
  }

  /// Gives back what an earlier holder of the reader's place took, if that was so many holders ago
  /// that the epoch is the same again. To be called before the reader takes anything.
  void forget_earlier(Holder reader)
  {
    for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
      std::uint64_t * word = lease_of(slot, reader.place);
      std::uint64_t found = Words::load(word);
      const LeaseWord lease = LeaseWord::of(found);
      if (lease.state == LeaseWord::held && lease.epoch == reader.epoch) {
        const LeaseWord released{LeaseWord::released, reader.epoch, lease.generation};
        Words::replace(word, found, released.packed());
      }
    }
  }

  /// How many slots a writer would find free now. Asks the kernel once for each open lease.
  std::uint32_t free_slots(std::int64_t now_ns) const
  {
    std::uint32_t count = 0;
    for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
      const SlotWord found = SlotWord::of(Words::load(&slots_[slot].word));
      bool is_free = true;
      if (found.state == SlotWord::writing) {
        is_free = places_.is_gone(found.writer);
      } else if (found.state == SlotWord::published && !has_expired(slot, now_ns)) {
        is_free = !is_wanted(slot, found.generation);
      }
      count += is_free ? 1 : 0;
    }
    return count;
  }

private:
  /// For how long a writer that overwrites believes that nobody has died.
  static constexpr std::int64_t kPatienceNs = 1'000'000;

  static constexpr std::uint64_t next(std::uint64_t generation)
  {
    return (generation + 1) % SlotWord::kGenerations;
  }

  std::uint64_t * lease_of(std::uint32_t slot, std::uint32_t place) const
  {
    return leases_ + std::uint64_t{slot} * places_.count() + place;
  }

  /// What to say of a tensor that this reader has no lease on, not even one that ended.
  Status never_given(TensorId id) const
  {
    const SlotWord found = SlotWord::of(Words::load(&slots_[id.slot].word));
    return found.generation == id.generation ? Status::not_leased : Status::recycled;
  }

  /// True if a reader that is alive has an open lease on this generation.
  bool is_wanted(std::uint32_t slot, std::uint64_t generation) const
  {
    for (std::uint32_t place = 0, used = places_.used(); place < used; ++place) {
      const LeaseWord lease = LeaseWord::of(Words::load(lease_of(slot, place)));
      const Holder reader{place, lease.epoch};
      if (lease.generation == generation && lease.is_open() &&
          places_.may_use(reader, lease.state == LeaseWord::held) && !places_.is_gone(reader)) {
        return true;
      }
    }
    return false;
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

  bool take_any_free(
      Holder writer, std::uint32_t first, std::int64_t now_ns, bool ask_kernel, TensorId & id)
  {
    for (std::uint32_t step = 0; step < slot_count_; ++step) {
      if (take_if_free(writer, (first + step) % slot_count_, now_ns, ask_kernel, id)) {
        return true;
      }
    }
    return false;
  }

  bool take_if_free(
      Holder writer, std::uint32_t slot, std::int64_t now_ns, bool ask_kernel, TensorId & id)
  {
    const std::uint64_t word = Words::load(&slots_[slot].word);
    const SlotWord found = SlotWord::of(word);
    bool free = found.state == SlotWord::vacant;
    if (found.state == SlotWord::writing) {
      free = ask_kernel ? places_.is_gone(found.writer) : places_.has_left(found.writer);
    } else if (found.state == SlotWord::published) {
      free = leases_ended(slot, found.generation, now_ns, ask_kernel);
    }
    return free && take(writer, slot, word, id);
  }

  bool take(Holder writer, std::uint32_t slot, std::uint64_t found, TensorId & id)
  {
    const SlotWord mine{SlotWord::writing, writer, next(SlotWord::of(found).generation)};
    if (!Words::replace(&slots_[slot].word, found, mine.packed())) {
      return false;
    }
    Words::release_fence();  // a reader that sees what is written next sees that its lease ended
    id = {slot, mine.generation};
    return true;
  }

  /// True if no lease on this generation is open; leases past their time are ended.
  bool leases_ended(
      std::uint32_t slot, std::uint64_t generation, std::int64_t now_ns, bool ask_kernel)
  {
    const bool expired = has_expired(slot, now_ns);
    for (std::uint32_t place = 0, used = places_.used(); place < used; ++place) {
      std::uint64_t * word = lease_of(slot, place);
      std::uint64_t found = Words::load(word);
      LeaseWord lease = LeaseWord::of(found);
      if (lease.generation != generation || !lease.is_open()) {
        continue;
      }
      const Holder reader{place, lease.epoch};
      if (!places_.may_use(reader, lease.state == LeaseWord::held)) {
        if (lease.state == LeaseWord::pending && Words::load(word) != found) {
          return false;  // taken between the two loads, before its reader retired
        }
        continue;
      }
      if (ask_kernel && places_.is_gone(reader)) {
        places_.leave(reader);  // so that nobody else has to ask
        Words::add(&header_->reclaimed, std::uint64_t{1});
        continue;
      }
      if (!expired || !end(word, found, LeaseWord::expired, &header_->expired)) {
        return false;
      }
    }
    return true;
  }

  /// Ends an open lease on the generation in `found`. False if it became another generation's.
  bool end(
      std::uint64_t * word, std::uint64_t found, LeaseWord::State state, std::uint64_t * counter)
  {
    LeaseWord lease = LeaseWord::of(found);
    const std::uint64_t generation = lease.generation;
    while (lease.generation == generation && lease.is_open()) {
      const LeaseWord ending{state, lease.epoch, generation};
      if (Words::replace(word, found, ending.packed())) {
        Words::add(counter, std::uint64_t{1});
        return true;
      }
      lease = LeaseWord::of(found);
    }
    return lease.generation == generation;  // given back just now
  }

  bool has_expired(std::uint32_t slot, std::int64_t now_ns) const
  {
    const std::int64_t ttl_ns = Words::load_relaxed(&slots_[slot].ttl_ns);
    if (ttl_ns <= 0) {
      return false;
    }
    // reckoned without signs: the words may be anything
    const auto published_ns =
        static_cast<std::uint64_t>(Words::load_relaxed(&slots_[slot].published_ns));
    const std::uint64_t age_ns = static_cast<std::uint64_t>(now_ns) - published_ns;
    return static_cast<std::int64_t>(age_ns) >= ttl_ns;
  }

  /// Takes the oldest tensor of which no lease is held.
  bool take_oldest(Holder writer, std::int64_t now_ns, TensorId & id)
  {
    for (std::uint32_t attempt = 0; attempt < slot_count_; ++attempt) {
      const std::uint32_t slot = oldest_untaken();
      if (slot == slot_count_) {
        return false;
      }
      const std::uint64_t word = Words::load(&slots_[slot].word);
      const SlotWord found = SlotWord::of(word);
      if (found.state != SlotWord::published || !take_back(slot, found.generation)) {
        continue;
      }
      if (leases_ended(slot, found.generation, now_ns, false) && take(writer, slot, word, id)) {
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
      const SlotWord found = SlotWord::of(Words::load(&slots_[slot].word));
      const std::uint64_t order = Words::load_relaxed(&slots_[slot].order);
      if (found.state == SlotWord::published && order < oldest_order &&
          !is_held(slot, found.generation)) {
        oldest = slot;
        oldest_order = order;
      }
    }
    return oldest;
  }

  bool is_held(std::uint32_t slot, std::uint64_t generation) const
  {
    for (std::uint32_t place = 0, used = places_.used(); place < used; ++place) {
      const LeaseWord lease = LeaseWord::of(Words::load(lease_of(slot, place)));
      if (lease.generation == generation && lease.state == LeaseWord::held &&
          !places_.has_left({place, lease.epoch})) {
        return true;
      }
    }
    return false;
  }

  /// Takes back all leases that nobody has taken; false if one was just taken.
  bool take_back(std::uint32_t slot, std::uint64_t generation)
  {
    for (std::uint32_t place = 0, used = places_.used(); place < used; ++place) {
      std::uint64_t * word = lease_of(slot, place);
      std::uint64_t found = Words::load(word);
      const LeaseWord lease = LeaseWord::of(found);
      if (lease.generation != generation || lease.state != LeaseWord::pending) {
        continue;
      }
      const LeaseWord overwritten{LeaseWord::overwritten, lease.epoch, generation};
      if (Words::replace(word, found, overwritten.packed())) {
        Words::add(&header_->overwritten, std::uint64_t{1});
      } else if (LeaseWord::of(found).state == LeaseWord::held) {
        return false;
      }
    }
    return true;
  }

  static void describe(Slot & slot, const Description & description)
  {
    const auto * from = reinterpret_cast<const std::uint64_t *>(&description);
    auto * to = reinterpret_cast<std::uint64_t *>(&slot.description);
    for (std::size_t index = 0; index < kDescriptionWords; ++index) {
      Words::store_relaxed(to + index, from[index]);
    }
  }

  static void read(const Slot & slot, Description & description)
  {
    const auto * from = reinterpret_cast<const std::uint64_t *>(&slot.description);
    auto * to = reinterpret_cast<std::uint64_t *>(&description);
    for (std::size_t index = 0; index < kDescriptionWords; ++index) {
      to[index] = Words::load_relaxed(from + index);
    }
  }

  Header * header_;
  Slot * slots_;
  std::uint64_t * leases_;
  std::uint32_t slot_count_;
  Participants & places_;
  std::int64_t ask_again_ns_ = 0;
};

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__POOL_HPP_
