// What is common to the models of the pool: participants, and what truly happened.
#ifndef POOL_WORLD_HPP_
#define POOL_WORLD_HPP_

#include "protocol.hpp"

namespace model
{

inline constexpr int kMostSlots = 2;
inline constexpr int kMostTensors = 4;
inline constexpr int kMostReaders = 2;

/// Who takes part, and how. Participants are the writers, then the readers, then the clock.
struct PoolShape {
  int writers = 1;
  int readers = 1;
  int tensors = 1;  // of each writer
  int slots = 1;
  int mortal_writers = 0;
  int mortal_readers = 0;
  mailbox::WhenFull when_full = mailbox::WhenFull::refuse;
  std::int64_t ttl_ns = 0;
  bool gets_all = false;  // nothing happens by which a reader could lose a tensor
};
inline PoolShape pool_shape;

/// What truly happened, for comparison with what the mailbox says.
struct PoolGhost {
  enum Fate : std::uint8_t { not_begun, filling, published, given_up };
  struct Tensor {
    Fate fate;
    std::uint8_t slot;
    std::uint16_t generation;
  };

  std::array<Tensor, kMostTensors> tensors;
  std::array<std::uint8_t, kMostSlots> content;  // 1 + tensor whose bytes lie there
  std::array<std::uint8_t, kMostReaders> taken;  // bit for each tensor
};

inline PoolGhost & pool_ghost() { return engine.ghost<PoolGhost>(); }

inline mailbox::Holder holder_of(int participant)
{
  return {static_cast<std::uint32_t>(participant), 0};
}

inline bool is_dead(int participant)
{
  return engine.participant(participant).stage == Stage::dead;
}

inline int writer_of(int tensor) { return tensor / pool_shape.tensors; }

inline mailbox::TensorId id_of(int tensor)
{
  const PoolGhost::Tensor & one = pool_ghost().tensors[tensor];
  return {one.slot, one.generation};
}

/// Takes a slot and fills it. False if there was none; with WhenFull::refuse it waits for one.
bool fill_slot(int writer, int tensor, Pool & slots);

/// Hands the tensor over.
void publish_tensor(int writer, int tensor, Pool & slots);

/// Takes a tensor, and checks what is said of it. True if the reader has it now.
bool take_tensor(int reader, int tensor, mailbox::Holder holder, Pool & slots);

/// What `check` and `release` say must fit to what lies in the slot.
void check_tensor(int reader, int tensor, mailbox::Holder holder, Pool & slots);
void release_tensor(int reader, int tensor, mailbox::Holder holder, Pool & slots);

/// Sets the machine up: geometry, participants, all of whom have joined.
void set_up_pool(const PoolShape & shape, Engine::Body writer, Engine::Body reader);

/// To hold after each operation: nobody fills a slot that a reader still may look at.
void check_leases();

/// To hold in the end: every slot can be had.
void check_slots_are_free();

}  // namespace model

#endif  // POOL_WORLD_HPP_
