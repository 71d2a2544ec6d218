// Mailbox, writer, reader and leases end in every order, in one process and in several.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "expect.hpp"
#include "sage_mailbox/tensor_mailbox.hpp"

using namespace sage::mailbox;
using namespace sage::mailbox::test;

namespace
{

constexpr std::uint32_t kSlots = 3;

TensorOptions options_for(Backend backend)
{
  TensorOptions options;
  options.slot_count = kSlots;
  options.slot_bytes = 4096;
  options.backend = backend;
  return options;
}

Status publish(TensorWriter & writer)
{
  WriteLease lease;
  const Status status = writer.acquire(lease);
  if (status != Status::ok) {
    return status;
  }
  Tensor tensor;
  tensor.shape = {4096};
  lease.data()[0] = std::byte{1};
  return lease.publish(tensor);
}

/// Everything that one process can hold of a mailbox.
struct Holdings {
  std::optional<TensorMailbox> mailbox;
  std::optional<TensorWriter> writer;
  std::optional<TensorReader> reader;
  std::optional<WriteLease> filling;
  std::optional<ReadLease> looking;

  Holdings(const std::string & name, Backend backend)
  : mailbox(TensorMailbox::create(name, options_for(backend))),
    writer(mailbox->writer()),
    reader(mailbox->reader()),
    filling(WriteLease()),
    looking(ReadLease())
  {
    EXPECT(publish(*writer) == Status::ok);
    EXPECT(reader->next(*looking) == Status::ok && writer->acquire(*filling) == Status::ok);
  }

  void end(int which)
  {
    const std::array<std::function<void()>, 5> ends{
        [&] { mailbox.reset(); }, [&] { writer.reset(); }, [&] { reader.reset(); },
        [&] { filling.reset(); }, [&] { looking.reset(); }};
    ends[static_cast<std::size_t>(which)]();
  }

  /// What is left can be used, or says why not.
  void use()
  {
    if (looking) {
      EXPECT(looking->check() == Status::ok && looking->data()[0] == std::byte{1});
    }
    if (filling) {
      filling->data()[4095] = std::byte{2};
    }
    if (writer) {
      WriteLease lease;
      EXPECT(writer->acquire(lease) == (mailbox ? Status::ok : Status::closed));
    }
    if (reader) {
      ReadLease lease;
      EXPECT(reader->next(lease) == (mailbox ? Status::empty : Status::closed));
    }
  }
};

void every_order_in_one_process(Backend backend)
{
  std::array<int, 5> order{0, 1, 2, 3, 4};
  do {
    const std::string name = unique_name("exit");
    Holdings holdings(name, backend);
    const TensorMailbox observer = TensorMailbox::attach(name);
    for (const int which : order) {
      holdings.end(which);
      holdings.use();
    }
    EXPECT(observer.free_slots() == kSlots);
    EXPECT(observer.statistics().writers == 0 && observer.statistics().readers == 0);
    EXPECT(observer.segment()->is_closed());
    refusal<NoSuchMailbox>([&] { TensorMailbox::attach(name); });
  } while (std::next_permutation(order.begin(), order.end()));
}

/// Mailboxes of one name begin and end in several threads at once.
void one_name_in_many_threads(Backend backend)
{
  const std::string name = unique_name("threads");
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int round = 0; round < 300; ++round) {
        try {
          const TensorMailbox mailbox = TensorMailbox::create(name, options_for(backend));
          EXPECT(mailbox.free_slots() == kSlots);
        } catch (const NameTaken &) {
          try {
            TensorMailbox::attach(name).reader();
          } catch (const NoSuchMailbox &) {
            continue;  // it ended meanwhile
          }
        }
      }
    });
  }
  for (std::thread & thread : threads) {
    thread.join();
  }
}

/// A pipe on which a process waits until another lets it go.
class Gate
{
public:
  Gate() { EXPECT(pipe(ends_) == 0); }
  Gate(const Gate &) = delete;
  Gate & operator=(const Gate &) = delete;
  ~Gate()
  {
    close(ends_[0]);
    close(ends_[1]);
  }
  void open() { EXPECT(write(ends_[1], "", 1) == 1); }
  void pass()
  {
    char byte;
    EXPECT(read(ends_[0], &byte, 1) == 1);
  }

private:
  int ends_[2];
};

enum class Ending { orderly, sudden };

/// The creator goes first: those attached read what is there, and the name is free again.
void the_creator_ends_first(Ending ending)
{
  const std::string name = unique_name("first");
  Gate created;
  Gate attached;
  const pid_t creator = in_child([&] {
    TensorMailbox mailbox = TensorMailbox::create(name, options_for(Backend::shm));
    TensorWriter writer = mailbox.writer();
    created.open();
    attached.pass();
    EXPECT(publish(writer) == Status::ok);
    if (ending == Ending::sudden) {
      std::_Exit(0);
    }
  });
  created.pass();
  const TensorMailbox mailbox = TensorMailbox::attach(name);
  TensorReader reader = mailbox.reader();
  attached.open();
  EXPECT(ended_well(creator));
  ReadLease lease;
  EXPECT(reader.wait(-1) == Status::ok && reader.next(lease) == Status::ok);
  EXPECT(mailbox.segment()->is_closed() == (ending == Ending::orderly));
  // a new mailbox of this name closes what a dead creator left
  const TensorMailbox next = TensorMailbox::create(name, options_for(Backend::shm));
  EXPECT(mailbox.segment()->is_closed() && !next.segment()->is_closed());
  EXPECT(mailbox.segment()->nonce() != next.segment()->nonce());
  EXPECT(lease.check() == Status::ok && lease.data()[0] == std::byte{1});
  EXPECT(reader.wait(-1) == Status::closed);
}

/// The creator goes last: what the others held is free again, however they went.
void the_creator_ends_last(Ending ending)
{
  const std::string name = unique_name("last");
  const TensorMailbox mailbox = TensorMailbox::create(name, options_for(Backend::shm));
  TensorWriter writer = mailbox.writer();
  for (int round = 0; round < 5; ++round) {
    Gate attached;
    Gate published;
    const pid_t child = in_child([&] {
      const TensorMailbox own = TensorMailbox::attach(name);
      TensorReader reader = own.reader();
      TensorWriter fills = own.writer();
      WriteLease filling;
      EXPECT(fills.acquire(filling) == Status::ok);
      attached.open();
      published.pass();
      ReadLease lease;
      EXPECT(reader.next(lease) == Status::ok);
      if (ending == Ending::sudden) {
        std::_Exit(0);
      }
    });
    attached.pass();
    EXPECT(publish(writer) == Status::ok);
    published.open();
    EXPECT(ended_well(child));
    EXPECT(mailbox.free_slots() == kSlots);
  }
}

/// A forked child that ends in an orderly way leaves the parent's mailbox as it was.
void a_forked_child_ends()
{
  const std::string name = unique_name("fork");
  Holdings holdings(name, Backend::shm);
  EXPECT(ended_well(in_child([&] {
    for (int which = 0; which < 5; ++which) {
      holdings.end(which);
    }
  })));
  holdings.use();
  EXPECT(TensorMailbox::attach(name).free_slots() == kSlots - 2);
  EXPECT(holdings.filling->publish(Tensor()) == Status::ok);
}

/// The parent dies, the child that it forked lives on: it may attach, and nothing is its parent's.
void a_forked_child_survives()
{
  const std::string name = unique_name("orphan");
  Gate forked;
  Gate checked;
  const pid_t parent = in_child([&] {
    Holdings holdings(name, Backend::shm);
    in_child([&] {
      checked.pass();
      ReadLease lease;
      EXPECT(holdings.reader->next(lease) == Status::inherited);
      EXPECT(holdings.looking->check() == Status::inherited);
      const TensorMailbox own = TensorMailbox::attach(name);
      EXPECT(own.free_slots() == kSlots);
      TensorWriter writer = own.writer();
      EXPECT(publish(writer) == Status::ok);
      EXPECT(refusal<NameTaken>([&] {
               const TensorMailbox again = TensorMailbox::create(name, options_for(Backend::shm));
               throw NameTaken("the dead parent's name was taken over");
             }) == "the dead parent's name was taken over");
      forked.open();
    });
    std::_Exit(0);
  });
  EXPECT(ended_well(parent));
  checked.open();
  forked.pass();
}

}  // namespace

int main()
{
  every_order_in_one_process(Backend::host);
  every_order_in_one_process(Backend::shm);
  one_name_in_many_threads(Backend::host);
  one_name_in_many_threads(Backend::shm);
  for (const Ending ending : {Ending::orderly, Ending::sudden}) {
    the_creator_ends_first(ending);
    the_creator_ends_last(ending);
  }
  a_forked_child_ends();
  a_forked_child_survives();
  for (const std::string & left : list()) {
    EXPECT(!contains(left, "-" + std::to_string(getpid())));
  }
}
