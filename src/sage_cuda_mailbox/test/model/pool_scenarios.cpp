// Writers and readers of the pool of tensors. Who publishes a tensor tells the readers its id by
// the way; handover_scenarios.cpp has them told through the ring.
#include "pool_world.hpp"
#include "scenarios.hpp"

namespace model
{

namespace
{

using mailbox::Holder;
using mailbox::PlaceWord;
using mailbox::WhenFull;

int tensor_count() { return pool_shape.writers * pool_shape.tensors; }

void write_tensors(int self)
{
  ParticipantTable table = places();
  for (int index = 0; index < pool_shape.tensors; ++index) {
    const int tensor = self * pool_shape.tensors + index;
    engine.quiet(static_cast<std::uint64_t>(tensor));
    Pool slots = pool(table);
    if (fill_slot(self, tensor, slots)) {
      engine.quiet(static_cast<std::uint64_t>(tensor) | 512);
      publish_tensor(self, tensor, slots);
      Atomics::add(&engine.header().head, std::uint64_t{1});  // stands for the announcement
    }
  }
}

/// Waits for a tensor that was published and is not among `seen`; -1: there will be none.
int next_told(unsigned & seen)
{
  for (;;) {
    engine.look();
    const bool all_written = engine.are_over(0, pool_shape.writers);
    for (int tensor = 0; tensor < tensor_count(); ++tensor) {
      const bool is_new = (seen >> tensor & 1) == 0;
      if (is_new && pool_ghost().tensors[tensor].fate == PoolGhost::published) {
        engine.observe(static_cast<std::uint64_t>(tensor));
        seen |= 1u << tensor;
        return tensor;
      }
    }
    if (all_written) {
      return -1;
    }
    engine.quiet(seen | 1024);
    engine.wait();
  }
}

void read_as(int reader, Holder holder, Pool & slots)
{
  unsigned seen = 0;
  for (;;) {
    engine.quiet(seen | holder.epoch << 8 | 2048);
    const int tensor = next_told(seen);
    if (tensor < 0) {
      return;
    }
    if (take_tensor(reader, tensor, holder, slots)) {
      check_tensor(reader, tensor, holder, slots);
      release_tensor(reader, tensor, holder, slots);
    }
  }
}

void read_all(int self)
{
  ParticipantTable table = places();
  Pool slots = pool(table);
  read_as(self - pool_shape.writers, holder_of(self), slots);
}

/// Takes each tensor twice: the second time it must not get it.
void read_greedily(int self)
{
  const int reader = self - pool_shape.writers;
  ParticipantTable table = places();
  Pool slots = pool(table);
  unsigned seen = 0;
  for (int tensor = next_told(seen); tensor >= 0; tensor = next_told(seen)) {
    if (take_tensor(reader, tensor, holder_of(self), slots)) {
      take_tensor(reader, tensor, holder_of(self), slots);
      release_tensor(reader, tensor, holder_of(self), slots);
      take_tensor(reader, tensor, holder_of(self), slots);
    }
  }
}

/// Leaves, and comes back while tensors are being published.
void read_late(int self)
{
  ParticipantTable table = places();
  Pool slots = pool(table);
  table.leave(holder_of(self));
  const auto holder = table.join(PlaceWord::reader, Processes::of(self));
  if (!holder) {
    engine.violate("%s left, and finds no place", engine.name(self));
    return;
  }
  slots.forget_earlier(*holder);
  read_as(self - pool_shape.writers, *holder, slots);
  table.leave(*holder);
}

/// Is told only of the newest tensor.
void read_newest(int self)
{
  const int reader = self - pool_shape.writers;
  ParticipantTable table = places();
  Pool slots = pool(table);
  unsigned seen = 0;
  for (;;) {
    engine.quiet(seen | 4096);
    int newest = next_told(seen);
    if (newest < 0) {
      return;
    }
    for (int tensor = newest; tensor < tensor_count(); ++tensor) {
      if (pool_ghost().tensors[tensor].fate == PoolGhost::published) {
        engine.observe(static_cast<std::uint64_t>(tensor));
        seen |= 1u << tensor;
        newest = tensor;
      }
    }
    if (take_tensor(reader, newest, holder_of(self), slots)) {
      const std::uint64_t order = slots.order_of(id_of(newest));
      slots.end_older(holder_of(self), order, mailbox::LeaseWord::released);
      release_tensor(reader, newest, holder_of(self), slots);
    }
  }
}

/// Takes one tensor, retires, looks at it some more, gives it back and leaves.
void read_and_retire(int self)
{
  const int reader = self - pool_shape.writers;
  ParticipantTable table = places();
  Pool slots = pool(table);
  unsigned seen = 0;
  const int tensor = next_told(seen);
  const bool is_taken = tensor >= 0 && take_tensor(reader, tensor, holder_of(self), slots);
  table.retire(holder_of(self));
  if (is_taken) {
    check_tensor(reader, tensor, holder_of(self), slots);
    release_tensor(reader, tensor, holder_of(self), slots);
  }
  table.leave(holder_of(self));
}

/// Takes the first tensor and never gives it back.
void read_and_keep(int self)
{
  ParticipantTable table = places();
  Pool slots = pool(table);
  unsigned seen = 0;
  const int tensor = next_told(seen);
  if (tensor >= 0) {
    const int reader = self - pool_shape.writers;
    take_tensor(reader, tensor, holder_of(self), slots);
    check_tensor(reader, tensor, holder_of(self), slots);
  }
}

/// Lets each tensor's time run out some time after it was published.
void run_clock(int /*self*/)
{
  unsigned seen = 0;
  while (next_told(seen) >= 0) {
    engine.tick(pool_shape.ttl_ns);
  }
}

PoolShape shape(int writers, int readers, int tensors, int slots)
{
  PoolShape made;
  made.writers = writers;
  made.readers = readers;
  made.tensors = tensors;
  made.slots = slots;
  return made;
}

void set_up_one_slot()
{
  PoolShape made = shape(2, 2, 1, 1);
  made.gets_all = true;
  set_up_pool(made, write_tensors, read_all);
}

void set_up_two_slots()
{
  PoolShape made = shape(2, 1, 2, 2);
  made.gets_all = true;
  set_up_pool(made, write_tensors, read_all);
}

void set_up_deaths()
{
  PoolShape made = shape(2, 2, 1, 1);
  made.mortal_writers = 2;
  made.mortal_readers = 2;
  set_up_pool(made, write_tensors, read_all);
}

void set_up_greedy() { set_up_pool(shape(1, 1, 2, 1), write_tensors, read_greedily); }

void set_up_overwriting()
{
  PoolShape made = shape(2, 2, 1, 1);
  made.when_full = WhenFull::overwrite;
  set_up_pool(made, write_tensors, read_all);
}

void set_up_time_to_live()
{
  PoolShape made = shape(1, 2, 2, 1);
  made.ttl_ns = 10;
  set_up_pool(made, write_tensors, read_all);
  engine.add("clock", run_clock);
}

void set_up_keeping()
{
  PoolShape made = shape(1, 1, 3, 1);
  made.ttl_ns = 10;
  set_up_pool(made, write_tensors, read_and_keep);
  engine.add("clock", run_clock);
}

void set_up_late()
{
  set_up_pool(shape(1, 1, 2, 1), write_tensors, read_late);
  for (std::uint32_t place = 0; place < engine.geometry().place_count; ++place) {
    engine.treat(&place_table()[place].started, 16, Treatment::scheduled);
  }
}

void set_up_newest()
{
  PoolShape made = shape(1, 1, 4, 2);
  made.gets_all = true;
  set_up_pool(made, write_tensors, read_newest);
}

void set_up_retiring() { set_up_pool(shape(1, 1, 3, 1), write_tensors, read_and_retire); }

}  // namespace

std::vector<Scenario> pool_scenarios()
{
  return {
      {"pool-one-slot", "2 writers of 1 tensor, 2 readers, 1 slot", set_up_one_slot, check_leases,
       check_slots_are_free, kUnbounded, kUnbounded},
      {"pool-two-slots", "2 writers of 2 tensors, 1 reader, 2 slots", set_up_two_slots,
       check_leases, check_slots_are_free, 2, 4},
      {"pool-deaths", "2 writers of 1 tensor, 2 readers, 1 slot; each may die", set_up_deaths,
       check_leases, check_slots_are_free, kUnbounded, kUnbounded},
      {"pool-greedy", "1 writer of 2 tensors, 1 reader that takes them thrice, 1 slot",
       set_up_greedy, check_leases, check_slots_are_free, kUnbounded, kUnbounded},
      {"pool-overwriting", "2 writers of 1 tensor that overwrite, 2 readers, 1 slot",
       set_up_overwriting, check_leases, check_slots_are_free, kUnbounded, kUnbounded},
      {"pool-time-to-live", "1 writer of 2 tensors whose time runs out, 2 readers, 1 slot",
       set_up_time_to_live, check_leases, check_slots_are_free, kUnbounded, kUnbounded},
      {"pool-keeping", "1 writer of 3 tensors whose time runs out, 1 reader that keeps one, 1 slot",
       set_up_keeping, check_leases, nullptr, kUnbounded, kUnbounded},
      {"pool-late", "1 writer of 2 tensors, 1 reader that leaves and comes back, 1 slot",
       set_up_late, check_leases, check_slots_are_free, kUnbounded, kUnbounded},
      {"pool-newest", "1 writer of 4 tensors, 1 reader told only of the newest, 2 slots",
       set_up_newest, check_leases, check_slots_are_free, kUnbounded, kUnbounded},
      {"pool-retiring", "1 writer of 3 tensors, 1 reader that retires with a lease, 1 slot",
       set_up_retiring, check_leases, check_slots_are_free, kUnbounded, kUnbounded},
  };
}

}  // namespace model
