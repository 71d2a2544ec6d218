// Writers and readers are killed at random moments; the others go on, and nothing is lost.
//
// kills COUNT [SEED]: that many SIGKILLs.
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <random>
#include <vector>

#include "expect.hpp"
#include "sage_mailbox/tensor_mailbox.hpp"

using namespace sage::mailbox;
using namespace sage::mailbox::test;

namespace
{

constexpr std::uint32_t kSlots = 6;
constexpr std::uint64_t kElements = 64;
constexpr std::uint32_t kVictims = 4;

struct Names {
  std::string records;
  std::string tensors;
};

void fill(WriteLease & lease, std::uint64_t tag)
{
  auto * words = reinterpret_cast<std::uint64_t *>(lease.data());
  for (std::uint64_t index = 0; index < kElements; ++index) {
    words[index] = tag;
  }
}

Tensor tensor_with(std::uint64_t tag)
{
  Tensor tensor;
  tensor.type = data_type("uint64");
  tensor.shape = {kElements};
  tensor.tag = tag;
  return tensor;
}

void expect_whole(const ReadLease & lease)
{
  const auto * words = reinterpret_cast<const std::uint64_t *>(lease.data());
  for (std::uint64_t index = 0; index < kElements; ++index) {
    EXPECT(words[index] == lease.tensor().tag);
  }
  EXPECT(lease.check() == Status::ok);
}

void expect_whole(const RecordHead & head, const std::uint64_t * payload)
{
  EXPECT(head.length == 40);
  for (int word = 1; word < 5; ++word) {
    EXPECT(payload[word] == payload[0]);
  }
}

[[noreturn]] void write_until_killed(const Names & names)
{
  BroadcastWriter records = BroadcastMailbox::attach(names.records).writer();
  TensorWriter tensors = TensorMailbox::attach(names.tensors).writer();
  for (std::uint64_t number = 0;; ++number) {
    const std::uint64_t payload[5] = {number, number, number, number, number};
    const Status pushed = records.push(payload, sizeof payload);
    EXPECT(pushed == Status::ok || pushed == Status::busy);
    WriteLease lease;
    if (tensors.acquire(lease) == Status::ok) {
      fill(lease, number);
      EXPECT(lease.publish(tensor_with(number)) == Status::ok);
    }
  }
}

[[noreturn]] void read_until_killed(const Names & names)
{
  BroadcastReader records = BroadcastMailbox::attach(names.records).reader();
  TensorReader tensors = TensorMailbox::attach(names.tensors).reader();
  for (;;) {
    RecordHead head;
    std::uint64_t payload[5];
    if (records.pop(head, payload) == Status::ok) {
      expect_whole(head, payload);
    }
    ReadLease lease;
    const Status status = tensors.next(lease);
    EXPECT(status == Status::ok || status == Status::empty || status == Status::pending);
    if (status == Status::ok) {
      expect_whole(lease);
    } else {
      tensors.wait(100'000);
    }
  }
}

/// Reads everything that comes until the mailboxes are closed; ends well if it was never stuck.
void survive(const Names & names)
{
  BroadcastReader records = BroadcastMailbox::attach(names.records).reader();
  TensorReader tensors = TensorMailbox::attach(names.tensors).reader();
  std::uint64_t read = 0;
  for (bool is_open = true; is_open;) {
    ReadLease lease;
    EXPECT(tensors.wait(-1) != Status::timed_out);
    const Status status = tensors.next(lease);
    is_open = status != Status::closed;
    if (status == Status::ok) {
      expect_whole(lease);
      ++read;
    }
    RecordHead head;
    std::uint64_t payload[5];
    while (records.pop(head, payload) == Status::ok) {
      expect_whole(head, payload);
      ++read;
    }
  }
  EXPECT(records.wait(-1) == Status::closed && read > 0);
}

void sleep_us(long microseconds)
{
  const timespec time{0, microseconds * 1000};
  nanosleep(&time, nullptr);
}

class Victims
{
public:
  explicit Victims(const Names & names) : names_(names)
  {
    for (std::uint32_t index = 0; index < kVictims; ++index) {
      children_.push_back(start(index));
    }
  }

  void kill_one(std::uint32_t index)
  {
    end(index);
    children_[index] = start(index);
  }

  void kill_all()
  {
    for (std::uint32_t index = 0; index < kVictims; ++index) {
      end(index);
    }
  }

private:
  pid_t start(std::uint32_t index)
  {
    return in_child([&] {
      if (index % 2 == 0) {
        write_until_killed(names_);
      }
      read_until_killed(names_);
    });
  }

  void end(std::uint32_t index)
  {
    EXPECT(kill(children_[index], SIGKILL) == 0);
    int status = 0;
    EXPECT(waitpid(children_[index], &status, 0) == children_[index]);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);  // it had found nothing wrong
  }

  Names names_;
  std::vector<pid_t> children_;
};

/// A writer that came through finds every slot, and whoever reads gets what it writes.
void expect_nothing_lost(TensorMailbox & mailbox, BroadcastMailbox & records)
{
  TensorWriter writer = mailbox.writer();
  std::vector<WriteLease> leases(kSlots);
  for (WriteLease & lease : leases) {
    Status status = writer.acquire(lease);
    while (status == Status::full) {  // the survivor is still reading
      sleep_us(100);
      status = writer.acquire(lease);
    }
    EXPECT(status == Status::ok);
  }
  leases.clear();
  EXPECT(mailbox.free_slots() == kSlots);
  TensorReader reader = mailbox.reader();
  for (std::uint64_t number = 0; number < 100; ++number) {
    WriteLease lease;
    while (writer.acquire(lease) == Status::full) {
      sleep_us(100);
    }
    fill(lease, number);
    EXPECT(lease.publish(tensor_with(number)) == Status::ok);
    ReadLease looking;
    EXPECT(reader.wait(-1) == Status::ok && reader.next(looking) == Status::ok);
    EXPECT(looking.tensor().tag == number);
  }
  BroadcastWriter pushes = records.writer();
  BroadcastReader pops = records.reader();
  for (std::uint64_t number = 0; number < 10'000; ++number) {
    const std::uint64_t payload[5] = {number, number, number, number, number};
    Status status = pushes.push(payload, sizeof payload);
    while (status == Status::busy) {  // a dead writer's cells are believed dead after a millisecond
      status = pushes.push(payload, sizeof payload);
    }
    EXPECT(status == Status::ok);
    RecordHead head;
    std::uint64_t popped[5];
    EXPECT(pops.wait(-1) == Status::ok && pops.pop(head, popped) == Status::ok);
    EXPECT(popped[0] == number);
  }
}

/// Creators are killed, too: the sweep finds what they left, and only that.
void creators_are_killed(std::uint64_t count)
{
  const std::string name = unique_name("left");
  std::mt19937 random(7);
  for (std::uint64_t round = 0; round < count; ++round) {
    const pid_t creator = in_child([&] {
      for (std::uint64_t number = 0;; ++number) {
        const BroadcastMailbox mailbox =
            BroadcastMailbox::create(name + "." + std::to_string(number), {});
      }
    });
    sleep_us(static_cast<long>(random() % 2000));
    EXPECT(kill(creator, SIGKILL) == 0);
    int status = 0;
    EXPECT(waitpid(creator, &status, 0) == creator && WIFSIGNALED(status));
  }
  sweep_stale();
  for (const std::string & left : list()) {
    EXPECT(!contains(left, name));
  }
}

}  // namespace

int main(int argc, char ** argv)
{
  const std::uint64_t count = count_in(argc, argv, 1, 100);
  std::mt19937 random(static_cast<std::uint32_t>(count_in(argc, argv, 2, 1)));
  const Names names{unique_name("kills-r"), unique_name("kills-t")};
  {
    BroadcastMailbox records = BroadcastMailbox::create(names.records, {});
    TensorOptions options;
    options.slot_count = kSlots;
    options.slot_bytes = kElements * 8;
    TensorMailbox tensors = TensorMailbox::create(names.tensors, options);
    const pid_t survivor = in_child([&] { survive(names); });
    Victims victims(names);
    for (std::uint64_t number = 0; number < count; ++number) {
      sleep_us(static_cast<long>(random() % 3000));
      victims.kill_one(static_cast<std::uint32_t>(random() % kVictims));
    }
    victims.kill_all();
    expect_nothing_lost(tensors, records);
    tensors.close();
    records.close();
    EXPECT(ended_well(survivor));
    const Statistics counted = tensors.statistics();
    std::printf(
        "%llu killed; %llu tensors and %llu records handed over; %llu dead readers' leases taken "
        "back\n",
        static_cast<unsigned long long>(count + kVictims),
        static_cast<unsigned long long>(counted.published),
        static_cast<unsigned long long>(records.statistics().records),
        static_cast<unsigned long long>(counted.reclaimed));
  }
  creators_are_killed(count / 10 + 1);
}
