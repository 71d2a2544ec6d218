// Handles, and the mailbox that they are made and opened with, case by case.
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

#include "expect.hpp"
#include "sage_mailbox/handle.hpp"
#include "sage_mailbox/tensor_source.hpp"
#include "sage_mailbox/topic_mailbox.hpp"

using namespace sage::mailbox;
using namespace sage::mailbox::test;

namespace
{

Tensor bytes_of(std::uint64_t count)
{
  Tensor tensor;
  tensor.shape = {count};
  tensor.stamp_ns = 5;
  return tensor;
}

Handle published(TensorSource & source, std::uint64_t count)
{
  WriteLease lease;
  EXPECT(source.acquire(count, lease) == Status::ok);
  std::memset(lease.data(), 7, count);
  Handle handle;
  EXPECT(source.publish(lease, bytes_of(count), handle) == Status::ok);
  return handle;
}

void topics_have_mailboxes_of_their_name()
{
  EXPECT(mailbox_of_topic("/sage/camera/front/tensor", 42) == "42.sage.camera.front.tensor");
  // what sage_common.ros.tensors.handles.mailbox_name says of the same topic
  const std::string topic = "/" + std::string(60, 'a') + "/" + std::string(80, 'b') + "/tensor";
  const std::string expected =
      "7." + std::string(60, 'a') + "." + std::string(48, 'b') + ".518f6497e3259fc1";
  EXPECT(mailbox_of_topic(topic, 7) == expected && expected.size() == 128);
}

void a_handle_opens_what_it_names()
{
  TensorSource source(unique_name("source"), {});
  HandleReader reader(source.name());
  published(source, 10);
  ReadLease lease;
  const Handle first = published(source, 10);
  EXPECT(reader.open(first, lease) == Status::not_leased);  // the reader came after it
  const Handle handle = published(source, 10);
  EXPECT(handle.mailbox == source.name() && handle.tensor.tag == 3 && handle.ttl_ms == 1000);
  EXPECT(handle.tensor.strides_bytes == Strides({1}));
  EXPECT(reader.open(handle, lease) == Status::ok && lease.data()[9] == std::byte{7});
  EXPECT(lease.tensor().tag == 3 && lease.tensor().stamp_ns == 5);
  reader.close();
  EXPECT(lease.check() == Status::ok && source.mailbox()->free_slots() == 23);
}

void a_handle_that_lies_is_refused_by_its_field()
{
  TensorSource source(unique_name("lies"), {});
  HandleReader reader(source.name());
  ReadLease lease;
  EXPECT(reader.open(published(source, 10), lease) == Status::not_leased);
  const auto refused = [&](auto change) {
    Handle handle = published(source, 10);
    change(handle);
    return refusal<InvalidArgument>([&] { reader.open(handle, lease); });
  };
  EXPECT(contains(refused([](Handle & h) { h.mailbox = "other"; }), "mailbox is 'other'"));
  EXPECT(contains(refused([](Handle & h) { h.id.slot = 24; }), "slot is 24"));
  EXPECT(contains(refused([](Handle & h) { h.tensor.stamp_ns = 6; }), "header.stamp is 6"));
  EXPECT(contains(refused([](Handle & h) { h.tensor.tag = 99; }), "tag is 99"));
  EXPECT(contains(refused([](Handle & h) { h.backend = Backend::pinned; }), "backend is pinned"));
  EXPECT(contains(refused([](Handle & h) { h.device = 0; }), "device is 0, expected -1"));
  EXPECT(contains(
      refused([](Handle & h) { h.tensor.type = data_type("int8"); }),
      "dtype is int8, expected uint8, as in the mailbox"));
  EXPECT(contains(refused([](Handle & h) { h.tensor.shape = {11}; }), "shape is [11]"));
  EXPECT(contains(refused([](Handle & h) { h.tensor.strides_bytes = {2}; }), "strides_bytes"));
  EXPECT(contains(refused([](Handle & h) { h.tensor.offset_bytes = 1; }), "offset_bytes is 1"));
  EXPECT(source.mailbox()->free_slots() == 24);  // no lie kept a lease
  Handle recycled = published(source, 10);
  recycled.id.generation += 1;
  EXPECT(reader.open(recycled, lease) == Status::recycled);
}

void a_mailbox_that_grew_is_found_again()
{
  TensorSource source(unique_name("grows"), {2, 0});
  HandleReader reader(source.name());
  ReadLease old;
  reader.open(published(source, 4096), old);
  EXPECT(reader.open(published(source, 4096), old) == Status::ok);
  WriteLease late;
  EXPECT(source.acquire(4096, late) == Status::ok);
  ReadLease grown;
  EXPECT(reader.open(published(source, 4097), grown) == Status::not_leased);
  EXPECT(reader.open(published(source, 4097), grown) == Status::ok);
  EXPECT(grown.data()[4096] == std::byte{7} && old.data()[4095] == std::byte{7});
  Handle handle;
  EXPECT(source.publish(late, bytes_of(4096), handle) == Status::closed);
}

void readers_that_keep_every_slot_stop_no_writer()
{
  TensorSource source(unique_name("full"), {1, 0});
  HandleReader reader(source.name());
  ReadLease lease;
  reader.open(published(source, 10), lease);
  EXPECT(reader.open(published(source, 10), lease) == Status::ok);
  WriteLease none;
  EXPECT(source.acquire(10, none) == Status::full && !none.is_open());
  EXPECT(source.mailbox()->statistics().refused == 1);
}

void without_a_mailbox_it_says_why()
{
  TensorSource source(unique_name("taken"), {});
  HandleReader reader(source.name());
  Handle handle;
  handle.mailbox = source.name();
  ReadLease lease;
  EXPECT(
      contains(refusal<NoSuchMailbox>([&] { reader.open(handle, lease); }), "there is no mailbox"));
  published(source, 10);
  TensorSource rival(source.name(), {});
  WriteLease filling;
  const auto ask = [&] { rival.acquire(10, filling); };
  EXPECT(contains(refusal<NameTaken>(ask), "is there already"));
  EXPECT(contains(refusal<NameTaken>(ask), "is there already"));
  source.close();
  rival.close();
  EXPECT(rival.acquire(10, filling) == Status::ok);
}

}  // namespace

int main()
{
  topics_have_mailboxes_of_their_name();
  a_handle_opens_what_it_names();
  a_handle_that_lies_is_refused_by_its_field();
  a_mailbox_that_grew_is_found_again();
  readers_that_keep_every_slot_stop_no_writer();
  without_a_mailbox_it_says_why();
}
