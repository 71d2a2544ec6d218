// Pool and ring together, in the order of tensor_mailbox.cpp: a tensor is published, then announced
// in the ring; a reader takes what it finds announced, and what a writer could not announce any
// more.
#include "pool_world.hpp"
#include "scenarios.hpp"

namespace model
{

namespace
{

using mailbox::Cursor;
using mailbox::RecordHead;
using mailbox::Status;
using mailbox::TensorId;

struct Announcement {
  std::uint64_t slot;
  std::uint64_t generation;
};

void write_and_announce(int self)
{
  ParticipantTable table = places();
  Ring announcements = ring(table);
  for (int index = 0; index < pool_shape.tensors; ++index) {
    const int tensor = self * pool_shape.tensors + index;
    engine.quiet(static_cast<std::uint64_t>(tensor));
    Pool slots = pool(table);
    fill_slot(self, tensor, slots);
    engine.quiet(static_cast<std::uint64_t>(tensor) | 512);
    publish_tensor(self, tensor, slots);
    const TensorId id = id_of(tensor);
    const Announcement announcement{id.slot, id.generation};
    RecordHead head;
    head.length = sizeof announcement;
    if (announcements.push(holder_of(self), head, &announcement) != Status::ok) {
      engine.note("could not be announced");
      slots.withdraw(id);
    }
  }
}

void use(int reader, TensorId id, Pool & slots)
{
  for (int tensor = 0; tensor < kMostTensors; ++tensor) {
    const bool is_this = id_of(tensor).slot == id.slot && id_of(tensor).generation == id.generation;
    if (is_this && pool_ghost().tensors[tensor].fate == PoolGhost::published) {
      engine.observe(static_cast<std::uint64_t>(tensor));
      if (take_tensor(reader, tensor, holder_of(reader + pool_shape.writers), slots)) {
        release_tensor(reader, tensor, holder_of(reader + pool_shape.writers), slots);
      }
      return;
    }
  }
  engine.violate("reader %d is told of a tensor that was never published", reader);
}

/// Uses the next tensor that is announced. Returns ok, empty or pending.
Status use_announced(int reader, const Ring & announcements, Cursor & cursor, Pool & slots)
{
  RecordHead head;
  std::uint64_t bytes[5] = {};
  const Status status = announcements.pop(cursor, head, bytes);
  if (status == Status::ok) {
    use(reader, {static_cast<std::uint32_t>(bytes[0]), bytes[1]}, slots);
  }
  return status;
}

void read_announced(int self)
{
  const int reader = self - pool_shape.writers;
  ParticipantTable table = places();
  const Ring announcements = ring(table);
  Pool slots = pool(table);
  Cursor
      cursor;  // from before it joined, so that no announcement of a tensor that it gets is missed
  for (;;) {
    engine.quiet(cursor.next | cursor.lost << 8 | 2048);
    engine.look();
    const bool all_written = engine.are_over(0, pool_shape.writers);
    const Status status = use_announced(reader, announcements, cursor, slots);
    if (status == Status::ok) {
      continue;
    }
    const auto orphan = status == Status::empty ? slots.find_orphan(holder_of(self)) : std::nullopt;
    if (orphan) {
      // its writer is dead: what it still announced is to be seen by now
      if (use_announced(reader, announcements, cursor, slots) == Status::empty) {
        use(reader, *orphan, slots);
      }
    } else if (status == Status::empty && all_written) {
      return;
    } else {
      engine.wait();
    }
  }
}

PoolShape two_writers(int mortal_writers, int mortal_readers)
{
  PoolShape made;
  made.writers = 2;
  made.mortal_writers = mortal_writers;
  made.mortal_readers = mortal_readers;
  return made;
}

}  // namespace

std::vector<Scenario> handover_scenarios()
{
  return {
      {"handover-writer-dies", "2 writers of 1 tensor, the first may die, 1 reader, 1 slot",
       [] { set_up_pool(two_writers(1, 0), write_and_announce, read_announced); }, check_leases,
       check_slots_are_free, kUnbounded, kUnbounded},
      {"handover-all-die", "2 writers of 1 tensor, 1 reader, 1 slot; each may die",
       [] { set_up_pool(two_writers(2, 1), write_and_announce, read_announced); }, check_leases,
       check_slots_are_free, kUnbounded, kUnbounded},
  };
}

}  // namespace model
