// Participants that join, leave and die.
#include "protocol.hpp"
#include "scenarios.hpp"

namespace model
{

namespace
{

using mailbox::Holder;
using mailbox::PlaceWord;

constexpr int kPlaces = 2;
constexpr int kMostEpochs = 8;

/// What truly happened.
struct Ghost {
  enum Fate : std::uint8_t { never, holds, left };

  std::array<std::array<Fate, kMostEpochs>, kPlaces> fate;           // of each holder there was
  std::array<std::array<std::uint8_t, kMostEpochs>, kPlaces> whose;  // participant
};

struct Shape {
  int joiners;
  int stays;  // of each, one after the other
  bool is_watched;
};
Shape shape;

Ghost & ghost() { return engine.ghost<Ghost>(); }

bool holds_and_lives(std::uint32_t place, std::uint32_t epoch)
{
  return ghost().fate[place][epoch] == Ghost::holds &&
         engine.participant(ghost().whose[place][epoch]).stage != Stage::dead;
}

void remember_joining(int self, Holder holder)
{
  engine.note("joined: place %u, epoch %u", holder.place, holder.epoch);
  if (holder.epoch >= kMostEpochs) {
    engine.violate("place %u has epoch %u", holder.place, holder.epoch);
    return;
  }
  if (ghost().fate[holder.place][holder.epoch] != Ghost::never) {
    engine.violate("place %u was given twice in epoch %u", holder.place, holder.epoch);
  }
  for (std::uint32_t epoch = 0; epoch < kMostEpochs; ++epoch) {
    if (holds_and_lives(holder.place, epoch)) {
      engine.violate("place %u was given to %s and is another's", holder.place, engine.name(self));
    }
  }
  ghost().fate[holder.place][holder.epoch] = Ghost::holds;
  ghost().whose[holder.place][holder.epoch] = static_cast<std::uint8_t>(self);
}

void stay(int self)
{
  ParticipantTable table = places();
  for (int index = 0; index < shape.stays; ++index) {
    engine.quiet(static_cast<std::uint64_t>(index));
    const auto holder = table.join(PlaceWord::reader, Processes::of(self));
    if (!holder) {
      engine.note("found no place");
      continue;
    }
    remember_joining(self, *holder);
    engine.quiet(static_cast<std::uint64_t>(index) | holder->place << 8 | holder->epoch << 16);
    if (table.has_left(*holder)) {
      engine.violate("%s has a place, and is said to have left", engine.name(self));
    }
    ghost().fate[holder->place][holder->epoch] = Ghost::left;
    table.leave(*holder);
  }
}

/// Asks of whoever is seen whether he is gone.
void watch(int /*self*/)
{
  const ParticipantTable table = places();
  for (std::uint32_t place = 0; place < kPlaces; ++place) {
    const auto seen = table.reader_at(place);
    if (seen && table.is_gone(*seen) && holds_and_lives(seen->place, seen->epoch)) {
      engine.violate("place %u, epoch %u is said to be gone, but lives", seen->place, seen->epoch);
    }
  }
}

void check_end()
{
  ParticipantTable table = places();
  for (int survivor = 0; survivor < shape.joiners; ++survivor) {
    if (engine.participant(survivor).stage != Stage::finished) {
      continue;
    }
    for (int place = 0; place < kPlaces; ++place) {
      if (!table.join(PlaceWord::reader, Processes::of(survivor))) {
        engine.violate("only %d of %d places can be had after all", place, kPlaces);
        return;
      }
    }
    return;
  }
}

void set_up(const Shape & wanted)
{
  shape = wanted;
  mailbox::Geometry geometry;
  geometry.cell_count = 2;
  geometry.place_count = kPlaces;
  engine.reset(geometry);
  static constexpr const char * kNames[] = {"joiner 0", "joiner 1", "joiner 2"};
  for (int index = 0; index < wanted.joiners; ++index) {
    engine.add(kNames[index], stay, true);
  }
  if (wanted.is_watched) {
    engine.add("watcher", watch);
  }
}

}  // namespace

std::vector<Scenario> participant_scenarios()
{
  return {
      {"places-watched", "2 join and leave twice, each may die, a third watches; 2 places",
       [] { set_up({2, 2, true}); }, nullptr, check_end, kUnbounded, kUnbounded},
      {"places-full", "3 join and leave, each may die; 2 places", [] { set_up({3, 1, false}); },
       nullptr, check_end, kUnbounded, kUnbounded},
  };
}

}  // namespace model
