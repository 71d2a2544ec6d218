#include "naming.hpp"

namespace model
{

namespace
{

using namespace sage::mailbox;

std::string number(std::uint64_t value) { return std::to_string(value); }

std::string header_name(std::size_t offset)
{
  switch (offset) {
    case offsetof(Header, places_used):
      return "places used";
    case offsetof(Header, head):
      return "head";
    case offsetof(Header, skipped):
      return "count of skipped";
    case offsetof(Header, refused):
      return "count of refused";
    case offsetof(Header, published):
      return "count of published";
    case offsetof(Header, reclaimed):
      return "count of reclaimed";
    case offsetof(Header, expired):
      return "count of expired";
    case offsetof(Header, overwritten):
      return "count of overwritten";
    default:
      return "header + " + number(offset);
  }
}

std::string slot_field(std::size_t offset)
{
  switch (offset) {
    case offsetof(Slot, word):
      return " word";
    case offsetof(Slot, published_ns):
      return " published_ns";
    case offsetof(Slot, ttl_ns):
      return " ttl_ns";
    case offsetof(Slot, order):
      return " order";
    default:
      return " description[" + number((offset - offsetof(Slot, description)) / 8) + "]";
  }
}

std::string of_holder(Holder holder)
{
  return "place " + number(holder.place) + " epoch " + number(holder.epoch);
}

std::string place_meaning(std::uint64_t value)
{
  const PlaceWord word = PlaceWord::of(value);
  const char * state = word.state == PlaceWord::vacant    ? "vacant"
                       : word.state == PlaceWord::joining ? "joining"
                                                          : "active";
  return std::string(state) + " (process " + number(word.pid) + ", epoch " + number(word.epoch) +
         ")";
}

std::string cell_meaning(std::uint64_t value)
{
  const CellWord word = CellWord::of(value);
  const std::int64_t sequence = word.ahead_of(0);
  return std::string(word.writing ? "writing " : "written ") + std::to_string(sequence) + " (" +
         of_holder(word.holder) + ")";
}

std::string slot_meaning(std::uint64_t value)
{
  const SlotWord word = SlotWord::of(value);
  static constexpr const char * kStates[] = {"vacant", "writing", "published", "announced"};
  return std::string(kStates[word.state]) + " generation " + number(word.generation) + " (" +
         of_holder(word.writer) + ")";
}

std::string lease_meaning(std::uint64_t value)
{
  const LeaseWord word = LeaseWord::of(value);
  static constexpr const char * kStates[] = {"none",    "pending",     "held", "released",
                                             "expired", "overwritten", "?",    "?"};
  return std::string(kStates[word.state]) + " generation " + number(word.generation) + " (epoch " +
         number(word.epoch) + ")";
}

}  // namespace

std::string word_name(const Geometry & geometry, std::size_t offset)
{
  if (offset < geometry.places_at()) {
    return header_name(offset);
  }
  if (offset < geometry.cells_at()) {
    const std::size_t at = offset - geometry.places_at();
    const std::size_t field = at % sizeof(Place);
    return "place " + number(at / sizeof(Place)) +
           (field == offsetof(Place, word)      ? " word"
            : field == offsetof(Place, started) ? " started"
                                                : " namespace");
  }
  if (offset < geometry.slots_at()) {
    const std::size_t at = offset - geometry.cells_at();
    const std::size_t field = at % geometry.cell_bytes / 8;
    return "cell " + number(at / geometry.cell_bytes) +
           (field == 0   ? " word"
            : field == 1 ? " label"
            : field == 2 ? " stamp"
                         : " payload[" + number(field - 3) + "]");
  }
  if (offset < geometry.leases_at()) {
    const std::size_t at = offset - geometry.slots_at();
    return "slot " + number(at / sizeof(Slot)) + slot_field(at % sizeof(Slot));
  }
  const std::size_t at = (offset - geometry.leases_at()) / 8;
  return "lease of slot " + number(at / geometry.place_count) + ", place " +
         number(at % geometry.place_count);
}

std::string word_meaning(const Geometry & geometry, std::size_t offset, std::uint64_t value)
{
  if (offset < geometry.places_at()) {
    return number(value);
  }
  if (offset < geometry.cells_at()) {
    const bool is_word = (offset - geometry.places_at()) % sizeof(Place) == 0;
    return is_word ? place_meaning(value) : number(value);
  }
  if (offset < geometry.slots_at()) {
    const bool is_word = (offset - geometry.cells_at()) % geometry.cell_bytes == 0;
    return is_word ? cell_meaning(value) : number(value);
  }
  if (offset < geometry.leases_at()) {
    const bool is_word = (offset - geometry.slots_at()) % sizeof(Slot) == 0;
    return is_word ? slot_meaning(value) : number(value);
  }
  return lease_meaning(value);
}

}  // namespace model
