// The tensor mailbox, case by case.
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

#include "expect.hpp"
#include "sage_mailbox/tensor_mailbox.hpp"
#include "sage_mailbox/wakeup.hpp"

using namespace sage::mailbox;
using namespace sage::mailbox::test;

namespace
{

constexpr std::uint32_t kSlots = 3;

TensorMailbox small_mailbox()
{
  TensorOptions options;
  options.slot_count = kSlots;
  options.slot_bytes = 4096;
  return TensorMailbox::create(unique_name("cases"), options);
}

Tensor tensor_with(std::uint64_t tag)
{
  Tensor tensor;
  tensor.shape = {16, 16};
  tensor.tag = tag;
  return tensor;
}

TensorId publish(TensorWriter & writer, std::uint64_t tag, std::int64_t ttl_ns = -1)
{
  WriteLease lease;
  EXPECT(writer.acquire(lease) == Status::ok);
  const TensorId id = lease.id();
  EXPECT(lease.publish(tensor_with(tag), ttl_ns) == Status::ok);
  EXPECT(!lease.is_open() && lease.publish(tensor_with(tag)) == Status::not_leased);
  return id;
}

/// Writes, as the library would, up to the point where a process is killed.
template <class Action>
void in_a_process_that_dies(const TensorMailbox & mailbox, PlaceWord::Role role, Action action)
{
  EXPECT(ended_well(in_child([&] {
    const Segment & segment = *mailbox.segment();
    Participant participant(mailbox.segment(), role);
    SystemPool pool(
        &segment.header(), segment.slots(), segment.leases(), kSlots, participant.places());
    action(pool, participant);
    std::_Exit(0);  // no destructor runs
  })));
}

void a_tensor_comes_as_it_was_described()
{
  const TensorMailbox mailbox = small_mailbox();
  TensorWriter writer = mailbox.writer();
  TensorReader reader = mailbox.reader();
  WriteLease filling;
  EXPECT(writer.acquire(filling) == Status::ok && filling.bytes() == 4096);
  std::memset(filling.data(), 5, 4096);
  Tensor tensor;
  tensor.type = data_type("float32");
  tensor.shape = {3, 5};
  tensor.strides_bytes = {-40, 4};
  tensor.offset_bytes = 100;
  tensor.tag = 77;
  tensor.stamp_ns = -3;
  std::uint32_t readers = 0;
  EXPECT(filling.publish(tensor, 0, &readers) == Status::ok && readers == 1);
  ReadLease looking;
  EXPECT(reader.next(looking) == Status::ok);
  EXPECT(looking.tensor().type == tensor.type && looking.tensor().shape == tensor.shape);
  EXPECT(looking.tensor().strides_bytes == tensor.strides_bytes);
  EXPECT(looking.tensor().offset_bytes == 100 && looking.tensor().tag == 77);
  EXPECT(looking.tensor().stamp_ns == -3 && looking.data()[4095] == std::byte{5});
  EXPECT(mailbox.free_slots() == kSlots - 1);
  EXPECT(looking.release() == Status::ok && mailbox.free_slots() == kSlots);
}

void tensors_outside_their_slot_are_refused()
{
  const auto refused = [](Shape shape, Strides strides, std::uint64_t offset_bytes) {
    Tensor tensor;
    tensor.type = data_type("int16");
    tensor.shape = shape;
    tensor.strides_bytes = strides;
    tensor.offset_bytes = offset_bytes;
    return refusal<InvalidArgument>([&] { described(tensor, 4096); });
  };
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
  constexpr std::uint64_t huge = std::numeric_limits<std::uint64_t>::max();
  EXPECT(contains(refused({2049}, {}, 0), "outside the slot of 4096 bytes"));
  EXPECT(contains(refused({2}, {-2}, 1), "strides_bytes"));
  EXPECT(contains(refused({2}, {4095}, 0), "strides_bytes"));
  EXPECT(contains(refused({2}, {most}, 8), "strides_bytes"));
  EXPECT(contains(refused({2}, {least}, 8), "strides_bytes"));
  EXPECT(contains(refused({huge}, {most}, 0), "strides_bytes"));
  EXPECT(contains(refused({huge, huge}, {}, 0), "shape"));
  EXPECT(contains(refused({1}, {}, 4095), "offset_bytes is 4095"));
  EXPECT(contains(refused({}, {}, 4095), "offset_bytes is 4095"));
  EXPECT(contains(refused({0}, {}, 5000), "offset_bytes is 5000, expected at most 4096"));
  EXPECT(contains(refused({2, 2}, {2}, 0), "strides_bytes is 1 numbers, expected 2"));
  Tensor strange;
  strange.type = {DataType::floating, 8};
  EXPECT(contains(refusal<InvalidArgument>([&] { described(strange, 4096); }), "dtype"));
  EXPECT(
      contains(refusal<InvalidArgument>([] { Shape({1, 2, 3, 4, 5, 6, 7, 8, 9}); }), "at most 8"));
  Tensor broadcast;  // one element seen a million times
  broadcast.shape = {1000000};
  broadcast.strides_bytes = {0};
  EXPECT(understood(described(broadcast, 4096), 4096).element_count() == 1000000);
}

void a_lease_whose_writer_died_before_announcing_it_is_found()
{
  const TensorMailbox mailbox = small_mailbox();
  TensorReader reader = mailbox.reader();
  for (const bool by_waiting : {false, true}) {
    in_a_process_that_dies(
        mailbox, PlaceWord::writer, [](SystemPool & pool, Participant & participant) {
          TensorId id;
          std::uint32_t readers = 0;
          EXPECT(pool.acquire(participant.holder(), 0, 0, WhenFull::refuse, id) == Status::ok);
          EXPECT(
              pool.publish(
                  participant.holder(), id, described(tensor_with(9), 4096), 0, 0, readers) ==
              Status::ok);
          EXPECT(readers == 1);
        });
    EXPECT(mailbox.free_slots() == kSlots - 1);
    ReadLease lease;
    if (by_waiting) {
      EXPECT(reader.wait(-1) == Status::ok);
      EXPECT(reader.next(lease) == Status::ok);
    } else {
      while (reader.next(lease) == Status::empty) {
      }
    }
    EXPECT(lease.tensor().tag == 9 && lease.release() == Status::ok);
    EXPECT(mailbox.free_slots() == kSlots && reader.missed() == 0);
  }
}

void a_dead_readers_leases_are_taken_back()
{
  const TensorMailbox mailbox = small_mailbox();
  TensorWriter writer = mailbox.writer();
  TensorId id;
  in_a_process_that_dies(mailbox, PlaceWord::reader, [&](SystemPool & pool, Participant & reader) {
    TensorWriter of_the_child = mailbox.writer();
    id = publish(of_the_child, 1);
    Description description;
    EXPECT(pool.take(reader.holder(), id, description) == Status::ok);
    publish(of_the_child, 2);
    publish(of_the_child, 3);
  });
  for (std::uint64_t tag = 0; tag < 2 * kSlots; ++tag) {
    publish(writer, tag);
  }
  EXPECT(mailbox.free_slots() == kSlots && mailbox.statistics().readers == 0);
  EXPECT(mailbox.statistics().reclaimed == 1);
}

void a_dead_writers_slots_are_taken_back()
{
  const TensorMailbox mailbox = small_mailbox();
  in_a_process_that_dies(mailbox, PlaceWord::writer, [](SystemPool & pool, Participant & writer) {
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
      TensorId id;
      EXPECT(pool.acquire(writer.holder(), 0, 0, WhenFull::refuse, id) == Status::ok);
    }
  });
  EXPECT(mailbox.free_slots() == kSlots);
  TensorWriter writer = mailbox.writer();
  publish(writer, 1);
}

/// Sixteen short-lived tensors push the announcement of a long-lived one out of the ring.
void a_lease_whose_announcement_was_overwritten_is_given_back()
{
  const TensorMailbox mailbox = small_mailbox();
  TensorWriter writer = mailbox.writer();
  TensorReader reader = mailbox.reader();
  publish(writer, 1, 0);
  for (std::uint64_t tag = 2; tag < 18; ++tag) {
    publish(writer, tag, 1);
    const std::int64_t published_ns = monotonic_ns();
    while (monotonic_ns() - published_ns < 2) {
    }
  }
  EXPECT(mailbox.free_slots() == kSlots - 1);
  ReadLease lease;
  std::uint64_t delivered = 0;
  while (reader.next(lease) == Status::ok) {
    ++delivered;
    lease.release();
  }
  EXPECT(mailbox.free_slots() == kSlots);
  EXPECT(delivered + reader.missed() == 17);
}

void a_reader_that_went_is_given_no_more_while_its_lease_lives()
{
  const TensorMailbox mailbox = small_mailbox();
  TensorWriter writer = mailbox.writer();
  ReadLease lease;
  {
    TensorReader reader = mailbox.reader();
    publish(writer, 1);
    publish(writer, 2);
    EXPECT(reader.next(lease) == Status::ok && lease.tensor().tag == 1);
  }
  EXPECT(mailbox.statistics().readers == 0);
  for (std::uint64_t tag = 3; tag < 10; ++tag) {
    publish(writer, tag);
  }
  EXPECT(lease.check() == Status::ok && mailbox.free_slots() == kSlots - 1);
  EXPECT(lease.release() == Status::ok && mailbox.free_slots() == kSlots);
}

void a_tensor_from_before_a_reader_came_was_not_given_to_it()
{
  const TensorMailbox mailbox = small_mailbox();
  TensorWriter writer = mailbox.writer();
  const TensorId before = publish(writer, 1);
  TensorReader reader = mailbox.reader();
  ReadLease lease;
  EXPECT(reader.open(before, lease) == Status::not_leased);
  for (std::uint64_t tag = 2; tag < 2 + kSlots; ++tag) {
    publish(writer, tag);
  }
  EXPECT(reader.open(before, lease) == Status::recycled);
}

void opening_a_handle_gives_back_what_came_before_it()
{
  const TensorMailbox mailbox = small_mailbox();
  TensorWriter writer = mailbox.writer();
  TensorReader reader = mailbox.reader();
  publish(writer, 1);
  const TensorId second = publish(writer, 2);
  ReadLease lease;
  EXPECT(reader.open(second, lease) == Status::ok && mailbox.free_slots() == kSlots - 1);
  ReadLease again;
  EXPECT(reader.open(second, again) == Status::not_leased && !again.is_open());
  EXPECT(reader.next(again) == Status::empty && reader.missed() == 0);
}

/// After 1024 readers a place has the same epoch again.
void a_lease_of_long_ago_binds_nobody()
{
  const TensorMailbox mailbox = small_mailbox();
  TensorWriter writer = mailbox.writer();
  TensorId id;
  in_a_process_that_dies(mailbox, PlaceWord::reader, [&](SystemPool & pool, Participant & reader) {
    TensorWriter of_the_child = mailbox.writer();
    Description description;
    EXPECT(pool.take(reader.holder(), publish(of_the_child, 1), description) == Status::ok);
  });
  for (std::uint32_t epoch = 1; epoch < PlaceWord::kEpochs; ++epoch) {
    mailbox.reader();
  }
  TensorReader reader = mailbox.reader();
  EXPECT(mailbox.free_slots() == kSlots);
}

void a_forked_child_leaves_its_parents_leases_alone()
{
  const TensorMailbox mailbox = small_mailbox();
  TensorWriter writer = mailbox.writer();
  TensorReader reader = mailbox.reader();
  publish(writer, 1);
  WriteLease filling;
  ReadLease looking;
  EXPECT(writer.acquire(filling) == Status::ok && reader.next(looking) == Status::ok);
  EXPECT(ended_well(in_child([&] {
    EXPECT(looking.check() == Status::inherited && looking.release() == Status::inherited);
    ReadLease next;
    EXPECT(
        reader.next(next) == Status::inherited && reader.open({0, 1}, next) == Status::inherited);
    WriteLease more;
    EXPECT(writer.acquire(more) == Status::inherited);
    EXPECT(filling.publish(tensor_with(5)) == Status::inherited && !filling.is_open());
    const TensorReader moved = std::move(reader);  // and is destroyed here
    TensorReader own = mailbox.reader();
    TensorWriter writes = mailbox.writer();
    publish(writes, 2);
    EXPECT(own.next(next) == Status::ok && next.tensor().tag == 2);
    next.release();
  })));
  EXPECT(looking.check() == Status::ok);
  EXPECT(filling.publish(tensor_with(3)) == Status::ok);
  ReadLease next;
  EXPECT(reader.next(next) == Status::ok && next.tensor().tag == 2);
  next.release();
  EXPECT(reader.next(next) == Status::ok && next.tensor().tag == 3);
}

void copies_are_counted_when_they_are_published()
{
  const TensorMailbox mailbox = small_mailbox();
  TensorWriter writer = mailbox.writer();
  publish(writer, 1);
  EXPECT(mailbox.statistics().copied == 0);
  WriteLease lease;
  EXPECT(writer.acquire(lease) == Status::ok);
  lease.count_copy();
  WriteLease moved = std::move(lease);
  EXPECT(moved.publish(tensor_with(2)) == Status::ok && mailbox.statistics().copied == 1);
  EXPECT(writer.acquire(lease) == Status::ok);
  lease.count_copy();
  lease.abandon();
  publish(writer, 3);
  EXPECT(mailbox.statistics().copied == 1 && mailbox.statistics().published == 3);
}

void arguments_are_refused_by_name()
{
  const auto refused = [](std::uint32_t slots, std::uint64_t bytes, std::int64_t ttl_ns,
                          Backend backend) {
    return refusal<InvalidArgument>(
        [=] { TensorMailbox::create(unique_name("bad"), {slots, bytes, 4, ttl_ns, backend}); });
  };
  EXPECT(contains(refused(0, 1, 0, Backend::shm), "slot_count is 0, expected 1 to 4096"));
  EXPECT(contains(refused(0x80000001, 1, 0, Backend::shm), "slot_count is 2147483649"));
  EXPECT(contains(refused(1, 0, 0, Backend::shm), "slot_bytes is 0"));
  EXPECT(contains(refused(1, ~std::uint64_t{0}, 0, Backend::shm), "slot_bytes is 184467440737095"));
  EXPECT(contains(refused(1, 1, -1, Backend::shm), "ttl_ns is -1"));
  EXPECT(contains(refused(1, 1, 0, Backend::cuda_ipc), "backend is cuda_ipc"));
}

}  // namespace

int main()
{
  a_tensor_comes_as_it_was_described();
  tensors_outside_their_slot_are_refused();
  a_lease_whose_writer_died_before_announcing_it_is_found();
  a_dead_readers_leases_are_taken_back();
  a_dead_writers_slots_are_taken_back();
  a_lease_whose_announcement_was_overwritten_is_given_back();
  a_reader_that_went_is_given_no_more_while_its_lease_lives();
  a_tensor_from_before_a_reader_came_was_not_given_to_it();
  opening_a_handle_gives_back_what_came_before_it();
  a_lease_of_long_ago_binds_nobody();
  a_forked_child_leaves_its_parents_leases_alone();
  copies_are_counted_when_they_are_published();
  arguments_are_refused_by_name();
}
