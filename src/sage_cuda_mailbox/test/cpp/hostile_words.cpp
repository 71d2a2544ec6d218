// Words in shared memory that are anything, and handles of anything: said, not believed.
//
// hostile_words ROUNDS [SEED]: that many rounds of random words.
#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <thread>
#include <vector>

#include "expect.hpp"
#include "sage_mailbox/tensor_mailbox.hpp"

using namespace sage::mailbox;
using namespace sage::mailbox::test;

namespace
{

constexpr std::uint32_t kSlots = 4;
constexpr std::uint64_t kSlotBytes = 4096;

TensorMailbox small_mailbox()
{
  TensorOptions options;
  options.slot_count = kSlots;
  options.slot_bytes = kSlotBytes;
  options.place_count = 8;
  return TensorMailbox::create(unique_name("hostile"), options);
}

/// Writes anything into any word of the tables, now and then something that looks right.
class Vandal
{
public:
  Vandal(const Segment & segment, std::uint32_t seed)
  : words_(reinterpret_cast<std::uint64_t *>(&segment.header())),
    first_(offsetof(Header, closed) / 8 + 1),  // not the mark that ends everything
    last_(segment.geometry().payload_at() / 8 - 1),
    random_(seed)
  {
  }

  void strike()
  {
    const std::uint64_t at = first_ + random_() % (last_ - first_ + 1);
    std::uint64_t value = random_();
    switch (random_() % 4) {
      case 0:
        value = __atomic_load_n(words_ + at, __ATOMIC_RELAXED) ^ std::uint64_t{1} << value % 64;
        break;
      case 1:
        value = __atomic_load_n(words_ + first_ + value % (last_ - first_), __ATOMIC_RELAXED);
        break;
      case 2:
        value %= 1000;
        break;
      default:
        break;
    }
    __atomic_store_n(words_ + at, value, __ATOMIC_RELAXED);
  }

private:
  std::uint64_t * words_;
  std::uint64_t first_;
  std::uint64_t last_;
  std::mt19937_64 random_;
};

/// Every byte of what was delivered can be read.
std::uint64_t sum_of(const ReadLease & lease)
{
  const Tensor & tensor = lease.tensor();
  EXPECT(lease.id().slot < kSlots && tensor.offset_bytes <= kSlotBytes);
  std::uint64_t lowest = tensor.offset_bytes;
  std::uint64_t highest = tensor.offset_bytes;
  if (tensor.element_count() == 0) {
    return 0;
  }
  for (std::size_t axis = 0; axis < tensor.shape.size(); ++axis) {
    const auto stride = static_cast<std::uint64_t>(tensor.strides_bytes[axis]);
    const std::uint64_t distance = (tensor.shape[axis] - 1) * stride;
    (tensor.strides_bytes[axis] < 0 ? lowest : highest) += distance;
  }
  EXPECT(lowest <= highest && highest + tensor.type.bytes() <= kSlotBytes);
  const auto * bytes = reinterpret_cast<const unsigned char *>(lease.data());
  return bytes[lowest] + bytes[highest + tensor.type.bytes() - 1];
}

void random_words(std::uint64_t rounds, std::uint32_t seed)
{
  constexpr std::uint64_t kRoundsEach = 2000;
  std::uint64_t sum = 0;
  for (std::uint64_t done = 0; done < rounds; done += kRoundsEach) {
    const TensorMailbox mailbox = small_mailbox();
    Vandal vandal(*mailbox.segment(), seed + static_cast<std::uint32_t>(done));
    std::vector<ReadLease> looking(2);
    for (std::uint64_t life = 0; life < kRoundsEach; life += 50) {
      try {
        TensorWriter writer = mailbox.writer();
        TensorReader reader = mailbox.reader();
        for (std::uint64_t round = 0; round < 50; ++round) {
          vandal.strike();
          WriteLease lease;
          if (writer.acquire(lease, static_cast<WhenFull>(round % 2)) == Status::ok) {
            std::memset(lease.data(), 1, kSlotBytes);
            Tensor tensor;
            tensor.shape = {16, 16};
            vandal.strike();
            lease.publish(tensor, static_cast<std::int64_t>(round % 3));
          }
          vandal.strike();
          ReadLease & look = looking[round % 2];
          if (reader.next(look) == Status::ok) {
            sum += sum_of(look);
          }
          look.check();
          if (reader.open({static_cast<std::uint32_t>(round % 8), round}, look) == Status::ok) {
            sum += sum_of(look);
          }
          reader.wait(0);
          mailbox.free_slots();
        }
      } catch (const MailboxError &) {
        // every place looks taken
        std::memset(static_cast<void *>(mailbox.segment()->places()), 0, 8 * sizeof(Place));
      }
    }
  }
  std::printf("survived, sum %llu\n", static_cast<unsigned long long>(sum));
}

void hostile_handles()
{
  const TensorMailbox mailbox = small_mailbox();
  TensorWriter writer = mailbox.writer();
  TensorReader reader = mailbox.reader();
  WriteLease filling;
  EXPECT(writer.acquire(filling) == Status::ok);
  const TensorId id = filling.id();
  EXPECT(filling.publish(Tensor()) == Status::ok);
  ReadLease lease;
  for (const std::uint32_t slot : {kSlots, kSlots + 1, 0x7FFFFFFFu, 0xFFFFFFFFu}) {
    EXPECT(reader.open({slot, id.generation}, lease) == Status::out_of_range);
  }
  const std::uint64_t generations[] = {
      id.generation + 1, id.generation - 1, id.generation + SlotWord::kGenerations,
      std::numeric_limits<std::uint64_t>::max()};
  for (const std::uint64_t generation : generations) {
    EXPECT(reader.open({id.slot, generation}, lease) == Status::recycled);
  }
  EXPECT(reader.open({id.slot + 1, id.generation}, lease) == Status::recycled);
  EXPECT(!lease.is_open() && reader.open(id, lease) == Status::ok);
  ReadLease twice;
  EXPECT(reader.open(id, twice) == Status::not_leased);
  TensorReader late = mailbox.reader();
  EXPECT(late.open(id, twice) == Status::not_leased);
}

/// A description that points out of its slot is refused, and its lease given back.
void a_description_that_lies_is_refused()
{
  const TensorMailbox mailbox = small_mailbox();
  TensorWriter writer = mailbox.writer();
  TensorReader reader = mailbox.reader();
  for (int field = 0; field < 5; ++field) {
    WriteLease filling;
    EXPECT(writer.acquire(filling) == Status::ok);
    Slot & slot = mailbox.segment()->slots()[filling.id().slot];
    const TensorId id = filling.id();
    Tensor tensor;
    tensor.shape = {4};
    EXPECT(filling.publish(tensor) == Status::ok);
    switch (field) {
      case 0:
        slot.description.offset_bytes = kSlotBytes + 1;
        break;
      case 1:
        slot.description.shape[0] = ~std::uint64_t{0};
        break;
      case 2:
        slot.description.strides_bytes[0] = std::numeric_limits<std::int64_t>::min();
        break;
      case 3:
        slot.description.type |= std::uint64_t{9} << 32;  // dimensions
        break;
      default:
        slot.description.type |= 0xFF;  // type code
        break;
    }
    ReadLease lease;
    EXPECT(reader.open(id, lease) == Status::invalid && !lease.is_open());
    EXPECT(mailbox.free_slots() == kSlots);
  }
}

/// A thread writes nonsense all the time while others work: nobody crashes or hangs.
void a_vandal_beside_workers(std::uint64_t rounds)
{
  const TensorMailbox mailbox = small_mailbox();
  bool is_over = false;
  std::thread vandal([&] {
    Vandal strikes(*mailbox.segment(), 3);
    while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
      strikes.strike();
      std::this_thread::yield();
    }
  });
  TensorWriter writer = mailbox.writer();
  TensorReader reader = mailbox.reader();
  std::uint64_t sum = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    WriteLease filling;
    if (writer.acquire(filling, WhenFull::overwrite) == Status::ok) {
      filling.publish(Tensor());
    }
    ReadLease lease;
    if (reader.next(lease) == Status::ok) {
      sum += sum_of(lease);
    }
  }
  __atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
  vandal.join();
}

}  // namespace

int main(int argc, char ** argv)
{
  const std::uint64_t rounds = count_in(argc, argv, 1, 20'000);
  hostile_handles();
  a_description_that_lies_is_refused();
  random_words(rounds, static_cast<std::uint32_t>(count_in(argc, argv, 2, 1)));
  a_vandal_beside_workers(rounds);
}
