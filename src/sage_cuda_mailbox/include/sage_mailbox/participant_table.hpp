// Who takes part in a mailbox: joining, leaving, and being found dead.
#ifndef SAGE_MAILBOX__PARTICIPANT_TABLE_HPP_
#define SAGE_MAILBOX__PARTICIPANT_TABLE_HPP_

#include <cstdint>
#include <optional>

#include "sage_mailbox/layout.hpp"
#include "sage_mailbox/process.hpp"

namespace sage::mailbox
{

/// The table of participants.
///
/// A participant is a place in one of its epochs (Holder). Nothing has to be cleaned up for one
/// that leaves or dies: its place gets a new epoch, and whatever it still holds bears the old one.
/// Everybody can therefore take over at any instant, even from whoever was just taking over.
template <class Atomics, class Processes>
class ParticipantTable
{
public:
  ParticipantTable(Header * header, Place * table, std::uint32_t count)
  : header_(header), table_(table), count_(count)
  {
  }

  /// Takes a place for `process`; nothing if all are taken by processes that are alive.
  std::optional<Holder> join(PlaceWord::Role role, const Process & process)
  {
    for (std::uint32_t index = 0; index < count_; ++index) {
      std::uint64_t word = Atomics::load(&table_[index].word);
      PlaceWord place = PlaceWord::of(word);
      if (place.state != PlaceWord::vacant) {
        if (is_alive(index, place)) {
          continue;
        }
        place.epoch += 1;
      }
      const std::uint32_t mark = namespace_mark(process.process_namespace);
      const PlaceWord joining{process.pid, role, PlaceWord::joining, place.epoch, mark};
      if (!Atomics::replace(&table_[index].word, word, joining.packed())) {
        continue;
      }
      raise_used(index + 1);
      Atomics::store(&table_[index].started, process.started);
      Atomics::store(&table_[index].process_namespace, process.process_namespace);
      word = joining.packed();
      const PlaceWord active{process.pid, role, PlaceWord::active, place.epoch, mark};
      if (Atomics::replace(&table_[index].word, word, active.packed())) {
        return Holder{index, place.epoch % PlaceWord::kEpochs};
      }
    }
    return std::nullopt;
  }

  /// Gives the place back. What its holder still holds is anybody's from here on.
  void leave(Holder holder)
  {
    std::uint64_t word = Atomics::load(&table_[holder.place].word);
    if (PlaceWord::of(word).epoch == holder.epoch) {
      const PlaceWord vacant{0, 0, PlaceWord::vacant, holder.epoch + 1};
      Atomics::replace(&table_[holder.place].word, word, vacant.packed());
    }
  }

  /// A reader keeps the leases that it took, but is given no more, and takes no more.
  void retire(Holder reader)
  {
    std::uint64_t word = Atomics::load(&table_[reader.place].word);
    PlaceWord place = PlaceWord::of(word);
    if (place.state == PlaceWord::active && place.epoch == reader.epoch) {
      place.role = PlaceWord::retired_reader;
      Atomics::replace(&table_[reader.place].word, word, place.packed());
    }
  }

  /// The active reader at `index`, if there is one; its process is not looked at.
  std::optional<Holder> reader_at(std::uint32_t index) const
  {
    const PlaceWord place = PlaceWord::of(Atomics::load(&table_[index].word));
    if (place.state != PlaceWord::active || place.role != PlaceWord::reader) {
      return std::nullopt;
    }
    return Holder{index, place.epoch};
  }

  /// False if the holder left. Costs one load; a process that died has not left.
  bool has_left(Holder holder) const
  {
    if (holder.place >= count_) {
      return true;
    }
    const PlaceWord place = PlaceWord::of(Atomics::load(&table_[holder.place].word));
    return place.state != PlaceWord::active || place.epoch != holder.epoch;
  }

  /// False if an open lease is worth nothing: its reader left, or retired before it took it.
  bool may_use(Holder reader, bool is_taken) const
  {
    const PlaceWord place = PlaceWord::of(Atomics::load(&table_[reader.place].word));
    return place.state == PlaceWord::active && place.epoch == reader.epoch &&
           (is_taken || place.role != PlaceWord::retired_reader);
  }

  /// True if the holder left or its process is gone. Asks the kernel: about 10 us.
  bool is_gone(Holder holder) const
  {
    if (holder.place >= count_) {
      return true;
    }
    const PlaceWord place = PlaceWord::of(Atomics::load(&table_[holder.place].word));
    return place.state != PlaceWord::active || place.epoch != holder.epoch ||
           !is_alive(holder.place, place);
  }

  /// True if any participant's process is alive.
  bool any_alive() const
  {
    for (std::uint32_t index = 0; index < used(); ++index) {
      const PlaceWord place = PlaceWord::of(Atomics::load(&table_[index].word));
      if (place.state != PlaceWord::vacant && is_alive(index, place)) {
        return true;
      }
    }
    return false;
  }

  /// Places that exist.
  std::uint32_t count() const { return count_; }

  /// Places of which any may be taken: those from here on never were.
  std::uint32_t used() const
  {
    const std::uint32_t used = Atomics::load(&header_->places_used);
    return used < count_ ? used : count_;
  }

private:
  void raise_used(std::uint32_t least)
  {
    std::uint32_t used = Atomics::load(&header_->places_used);
    while (used < least && !Atomics::replace(&header_->places_used, used, least)) {
    }
  }

  bool is_alive(std::uint32_t index, const PlaceWord & place) const
  {
    if (place.state == PlaceWord::joining) {
      return Processes::exists(place.pid, place.namespace_mark);  // the fields are not there yet
    }
    return Processes::is_alive(
        {place.pid, Atomics::load(&table_[index].started),
         Atomics::load(&table_[index].process_namespace)});
  }

  Header * header_;
  Place * table_;
  std::uint32_t count_;
};

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__PARTICIPANT_TABLE_HPP_
