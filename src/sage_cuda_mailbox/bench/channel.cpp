#include "channel.hpp"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

#include "sage_mailbox/tensor_mailbox.hpp"
#include "sage_mailbox/wakeup.hpp"

namespace sage::mailbox::bench
{

namespace
{

/// How many a receiver may lag before it misses some.
constexpr std::uint32_t kDepth = 4;

class TensorReceiver : public Receiver
{
public:
  TensorReceiver(TensorReader reader, std::uint64_t payload_bytes)
  : reader_(std::move(reader)), payload_bytes_(payload_bytes)
  {
  }

  Got take(Arrival & arrival) override
  {
    ReadLease lease;
    const Status status = reader_.next(lease);
    if (status != Status::ok) {
      return status == Status::closed ? Got::end : Got::nothing;
    }
    const volatile std::byte * view = lease.data();
    (void)view[0];
    (void)view[payload_bytes_ - 1];
    arrival = {
        lease.tensor().stamp_ns, monotonic_ns(), static_cast<std::uint32_t>(lease.tensor().tag)};
    return Got::one;
  }
  void wait() override { reader_.wait(-1); }
  std::uint64_t missed() const override { return reader_.missed(); }

private:
  TensorReader reader_;
  std::uint64_t payload_bytes_;
};

class TensorSender : public Sender
{
public:
  TensorSender(const std::string & name, const HandOver & what)
  : name_(name),
    is_shared_(what.across_processes),
    box_(TensorMailbox::create(name, options(what))),
    writer_(box_.writer())
  {
    tensor_.shape = {what.payload_bytes};
  }

  void fill() override
  {
    Status status = Status::full;
    while (status == Status::full) {
      status = writer_.acquire(lease_, WhenFull::overwrite);
    }
    if (status != Status::ok) {
      throw std::runtime_error(std::string("no slot to fill: ") + name_of(status));
    }
    std::memset(lease_.data(), static_cast<int>(++filled_ & 0xFF), tensor_.shape[0]);
  }
  void commit() override
  {
    tensor_.stamp_ns = monotonic_ns();
    tensor_.tag = filled_ - 1;
    const Status status = lease_.publish(tensor_);
    if (status != Status::ok) {
      throw std::runtime_error(std::string("a tensor was not published: ") + name_of(status));
    }
  }
  void end() override { box_.close(); }
  std::unique_ptr<Receiver> receiver() override
  {
    // Attached anew: in a process that was forked, the mailbox is another's.
    TensorReader reader = is_shared_ ? TensorMailbox::attach(name_).reader() : box_.reader();
    return std::make_unique<TensorReceiver>(std::move(reader), tensor_.shape[0]);
  }

private:
  static TensorOptions options(const HandOver & what)
  {
    TensorOptions options;
    options.slot_count = kDepth;
    options.slot_bytes = what.payload_bytes;
    return options;
  }

  std::string name_;
  bool is_shared_;
  TensorMailbox box_;
  TensorWriter writer_;
  WriteLease lease_;
  Tensor tensor_;
  std::uint32_t filled_ = 0;
};

/// A word that counts, which is a futex, too, and the newest times at which it did, as many as a
/// mailbox here has slots.
struct alignas(64) SharedWord {
  static constexpr std::int64_t kOver = -1;

  std::uint32_t number = 0;
  std::int64_t stamps_ns[kDepth] = {};
};

/// A word, and as many payloads as there are stamps, for all processes forked later.
class SharedSlots
{
public:
  explicit SharedSlots(std::uint64_t payload_bytes)
  : payload_bytes_(payload_bytes),
    bytes_(kWordBytes + kDepth * payload_bytes),
    base_(mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
  {
    if (base_ == MAP_FAILED) {
      throw OutOfMemory("no memory for a word and its slots");
    }
    word_ = new (base_) SharedWord();
  }
  SharedSlots(const SharedSlots &) = delete;
  SharedSlots & operator=(const SharedSlots &) = delete;
  ~SharedSlots() { munmap(base_, bytes_); }

  SharedWord & word() const { return *word_; }
  std::uint64_t payload_bytes() const { return payload_bytes_; }
  std::byte * payload(std::uint32_t number) const
  {
    return static_cast<std::byte *>(base_) + kWordBytes + number % kDepth * payload_bytes_;
  }

private:
  static constexpr std::size_t kWordBytes = 4096;

  std::uint64_t payload_bytes_;
  std::size_t bytes_;
  void * base_;
  SharedWord * word_ = nullptr;
};

class WordReceiver : public Receiver
{
public:
  explicit WordReceiver(const SharedSlots & slots)
  : slots_(slots), seen_(SystemAtomics::load(&slots.word().number))
  {
  }

  Got take(Arrival & arrival) override
  {
    const SharedWord & word = slots_.word();
    const std::uint32_t number = SystemAtomics::load(&word.number);
    if (number == seen_) {
      return Got::nothing;
    }
    if (number - seen_ > kDepth) {
      missed_ += number - seen_ - kDepth;
      seen_ = number - kDepth;
    }
    const std::int64_t stamp_ns = SystemAtomics::load(&word.stamps_ns[seen_ % kDepth]);
    if (slots_.payload_bytes() != 0) {
      const volatile std::byte * view = slots_.payload(seen_);
      (void)view[0];
      (void)view[slots_.payload_bytes() - 1];
    }
    arrival = {stamp_ns, monotonic_ns(), seen_++};
    return stamp_ns == SharedWord::kOver ? Got::end : Got::one;
  }
  void wait() override
  {
    syscall(SYS_futex, &slots_.word().number, FUTEX_WAIT, seen_, nullptr, nullptr, 0);
  }
  std::uint64_t missed() const override { return missed_; }

private:
  const SharedSlots & slots_;
  std::uint32_t seen_;
  std::uint64_t missed_ = 0;
};

/// Overwrites whatever a receiver that lags has not read.
class WordSender : public Sender
{
public:
  WordSender(const HandOver & what, std::uint64_t payload_bytes)
  : is_slept_on_(!what.polling), slots_(payload_bytes)
  {
  }

  void fill() override
  {
    const std::uint32_t number = slots_.word().number;
    std::memset(slots_.payload(number), static_cast<int>(number & 0xFF), slots_.payload_bytes());
  }
  void commit() override { say(monotonic_ns()); }
  void end() override { say(SharedWord::kOver); }
  std::unique_ptr<Receiver> receiver() override { return std::make_unique<WordReceiver>(slots_); }

private:
  void say(std::int64_t stamp_ns)
  {
    SharedWord & word = slots_.word();
    SystemAtomics::store(&word.stamps_ns[word.number % kDepth], stamp_ns);
    SystemAtomics::store(&word.number, word.number + 1);
    if (is_slept_on_) {
      syscall(SYS_futex, &word.number, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
    }
  }

  bool is_slept_on_;
  SharedSlots slots_;
};

}  // namespace

std::unique_ptr<Sender> make_sender(Via via, const std::string & name, const HandOver & what)
{
  switch (via) {
    case Via::queue:
      return std::make_unique<WordSender>(what, what.payload_bytes);
    case Via::word:
      return std::make_unique<WordSender>(what, 0);
    default:
      return std::make_unique<TensorSender>(name, what);
  }
}

}  // namespace sage::mailbox::bench
