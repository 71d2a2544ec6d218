#include "pool_world.hpp"

namespace model
{

using mailbox::LeaseWord;
using mailbox::name_of;
using mailbox::PlaceWord;
using mailbox::SlotWord;
using mailbox::Status;
using mailbox::TensorId;
using mailbox::WhenFull;

namespace
{

mailbox::Description description_of(int tensor)
{
  mailbox::Description description{};
  description.offset_bytes = 4096u * static_cast<unsigned>(tensor + 1);
  description.tag = static_cast<std::uint64_t>(tensor + 1);
  return description;
}

void remember_filling(int writer, int tensor, TensorId id)
{
  engine.note("has slot %u, generation %d for tensor %d", id.slot, int(id.generation), tensor);
  for (int other = 0; other < kMostTensors; ++other) {
    const PoolGhost::Tensor & one = pool_ghost().tensors[other];
    if (one.fate == PoolGhost::filling && one.slot == id.slot && !is_dead(writer_of(other))) {
      engine.violate(
          "slot %u was given to %s while %s fills it", id.slot, engine.name(writer),
          engine.name(writer_of(other)));
    }
  }
  pool_ghost().tensors[tensor] = {
      PoolGhost::filling, static_cast<std::uint8_t>(id.slot),
      static_cast<std::uint16_t>(id.generation)};
  pool_ghost().content[id.slot] = static_cast<std::uint8_t>(tensor + 1);
}

/// Without fences between operations that a real machine could not reorder, `ok` means that the
/// bytes have been the tensor's own up to now.
void check_content(int reader, int tensor, const char * operation)
{
  if (pool_ghost().content[id_of(tensor).slot] != tensor + 1) {
    engine.violate(
        "reader %d: %s of tensor %d says ok, but its slot was filled anew", reader, operation,
        tensor);
  }
}

/// A lease that was taken ends by its time alone.
void may_have_lost(int reader, int tensor, const char * operation, Status status)
{
  const bool has_ended = status == Status::expired || status == Status::recycled;
  if (!has_ended || pool_shape.ttl_ns == 0) {
    engine.violate(
        "reader %d: %s of tensor %d, which it holds, says %s", reader, operation, tensor,
        name_of(status));
  }
}

/// True if anybody can have heard of the tensor.
bool was_published(std::uint32_t slot, std::uint64_t generation)
{
  for (const PoolGhost::Tensor & one : pool_ghost().tensors) {
    if (one.fate == PoolGhost::published && one.slot == slot && one.generation == generation) {
      return true;
    }
  }
  return false;
}

/// True if a lease is that of a reader who lives and is there.
bool is_in_use(std::uint32_t place, LeaseWord lease)
{
  const PlaceWord word = PlaceWord::of(place_table()[place].word);
  return word.state == PlaceWord::active && word.epoch == lease.epoch &&
         !is_dead(static_cast<int>(word.pid) - 1) &&
         (lease.state == LeaseWord::held || word.role == PlaceWord::reader);
}

}  // namespace

bool fill_slot(int writer, int tensor, Pool & slots)
{
  TensorId id;
  for (;;) {
    engine.look();
    const Status status =
        slots.acquire(holder_of(writer), 0, engine.now_ns(), pool_shape.when_full, id);
    if (status == Status::ok) {
      break;
    }
    engine.note("acquire says %s", name_of(status));
    if (pool_shape.when_full == WhenFull::overwrite) {
      pool_ghost().tensors[tensor].fate = PoolGhost::given_up;
      return false;
    }
    engine.quiet(static_cast<std::uint64_t>(tensor) | 256);
    engine.wait();
  }
  remember_filling(writer, tensor, id);
  return true;
}

void publish_tensor(int writer, int tensor, Pool & slots)
{
  std::uint32_t readers = 0;
  const Status status = slots.publish(
      holder_of(writer), id_of(tensor), description_of(tensor), pool_shape.ttl_ns, engine.now_ns(),
      readers);
  engine.note("publish of tensor %d says %s, %u readers", tensor, name_of(status), readers);
  if (status != Status::ok) {
    engine.violate("publish of tensor %d says %s", tensor, name_of(status));
  }
  pool_ghost().tensors[tensor].fate = PoolGhost::published;
}

bool take_tensor(int reader, int tensor, mailbox::Holder holder, Pool & slots)
{
  mailbox::Description description{};
  const Status status = slots.take(holder, id_of(tensor), description);
  engine.note("take of tensor %d says %s", tensor, name_of(status));
  if (status != Status::ok) {
    if (pool_shape.gets_all) {
      engine.violate("reader %d: take of tensor %d says %s", reader, tensor, name_of(status));
    }
    return false;
  }
  check_content(reader, tensor, "take");
  const mailbox::Description expected = description_of(tensor);
  if (description.tag != expected.tag || description.offset_bytes != expected.offset_bytes) {
    engine.violate("reader %d is given tensor %d, described as another", reader, tensor);
  }
  const auto bit = static_cast<std::uint8_t>(1 << tensor);
  if (pool_ghost().taken[reader] & bit) {
    engine.violate("reader %d took tensor %d twice", reader, tensor);
  }
  pool_ghost().taken[reader] |= bit;
  return true;
}

void check_tensor(int reader, int tensor, mailbox::Holder holder, Pool & slots)
{
  const Status status = slots.check(holder, id_of(tensor));
  engine.note("check of tensor %d says %s", tensor, name_of(status));
  if (status == Status::ok) {
    check_content(reader, tensor, "check");
  } else {
    may_have_lost(reader, tensor, "check", status);
  }
}

void release_tensor(int reader, int tensor, mailbox::Holder holder, Pool & slots)
{
  const Status status = slots.release(holder, id_of(tensor));
  engine.note("release of tensor %d says %s", tensor, name_of(status));
  if (status == Status::ok) {
    check_content(reader, tensor, "release");
  } else {
    may_have_lost(reader, tensor, "release", status);
  }
}

void set_up_pool(const PoolShape & shape, Engine::Body writer, Engine::Body reader)
{
  pool_shape = shape;
  mailbox::Geometry geometry;
  geometry.kind = mailbox::Kind::tensor;
  geometry.cell_count = 4;
  geometry.place_count = static_cast<std::uint32_t>(shape.writers + shape.readers);
  geometry.slot_count = static_cast<std::uint32_t>(shape.slots);
  geometry.payload_inside = false;
  engine.reset(geometry);
  treat_counters();
  for (int slot = 0; slot < shape.slots; ++slot) {
    // of a description, the first word and the tag differ between tensors: enough to see it torn
    mailbox::Description & description = slots()[slot].description;
    engine.treat(&description.shape, offsetof(mailbox::Description, tag) - 8, Treatment::bundled);
    engine.treat(&description.stamp_ns, 8, Treatment::bundled);
  }
  static constexpr const char * kWriters[] = {"writer 0", "writer 1"};
  static constexpr const char * kReaders[] = {"reader 0", "reader 1"};
  for (int index = 0; index < shape.writers; ++index) {
    engine.add(kWriters[index], writer, index < shape.mortal_writers);
  }
  for (int index = 0; index < shape.readers; ++index) {
    engine.add(kReaders[index], reader, index < shape.mortal_readers);
  }
  ParticipantTable table = places();
  ring(table).clear();
  for (int index = 0; index < shape.writers; ++index) {
    table.join(PlaceWord::writer, Processes::of(index));
  }
  for (int index = shape.writers; index < shape.writers + shape.readers; ++index) {
    table.join(PlaceWord::reader, Processes::of(index));
  }
  for (std::uint32_t index = 0; index < geometry.place_count; ++index) {
    engine.treat(&place_table()[index].started, 16, Treatment::constant);  // nobody joins again
  }
  engine.treat(&engine.header().closed, 8, Treatment::constant);  // and places_used
}

void check_leases()
{
  for (std::uint32_t slot = 0; slot < static_cast<std::uint32_t>(pool_shape.slots); ++slot) {
    const SlotWord word = SlotWord::of(slots()[slot].word);
    if (word.state != SlotWord::writing) {
      continue;
    }
    for (std::uint32_t place = 0; place < engine.geometry().place_count; ++place) {
      const LeaseWord lease = LeaseWord::of(leases()[slot * engine.geometry().place_count + place]);
      if (lease.is_open() && lease.generation != word.generation && is_in_use(place, lease) &&
          was_published(slot, lease.generation)) {
        engine.violate(
            "slot %u is filled with generation %d while place %u has an open lease on %d", slot,
            int(word.generation), place, int(lease.generation));
      }
    }
  }
}

void check_slots_are_free()
{
  ParticipantTable table = places();
  Pool pool_now = pool(table);
  for (int survivor = 0; survivor < pool_shape.writers + pool_shape.readers; ++survivor) {
    if (engine.participant(survivor).stage != Stage::finished) {
      continue;
    }
    const mailbox::Holder holder = holder_of(survivor);
    for (int slot = 0; slot < pool_shape.slots; ++slot) {
      TensorId id;
      if (pool_now.acquire(holder, 0, engine.now_ns(), WhenFull::refuse, id) != Status::ok) {
        engine.violate("only %d of %d slots can be had after all", slot, pool_shape.slots);
        return;
      }
    }
    return;
  }
}

}  // namespace model
