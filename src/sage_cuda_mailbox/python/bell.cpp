#include "bell.hpp"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "sage_mailbox/errors.hpp"
#include "sage_mailbox/process.hpp"
#include "sage_mailbox/wakeup.hpp"

namespace sage::mailbox::python
{

namespace
{

constexpr std::int64_t kWhileWrittenNs = 2'000'000;  // its writer may have died
constexpr std::int64_t kLongestSleepNs = 1'000'000'000;
constexpr std::size_t kLongestRecord = 256;

int make_event()
{
  const int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0) {
    throw SystemCallError("no eventfd", errno);
  }
  return event;
}

/// Signals stay with the threads that Python knows.
class WithoutSignals
{
public:
  WithoutSignals()
  {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  WithoutSignals(const WithoutSignals &) = delete;
  WithoutSignals & operator=(const WithoutSignals &) = delete;
  ~WithoutSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
  sigset_t before_;
};

}  // namespace

Bell::Bell(std::shared_ptr<Segment> segment)
: segment_(std::move(segment)), reader_(segment_), event_(make_event())
{
  count_forks();
  set();
  const WithoutSignals blocked;
  thread_ = std::thread(&Bell::watch, this);
}

Bell::~Bell()
{
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  wake_sleepers(segment_->header());
  thread_.join();
  close(event_);
}

void Bell::set()
{
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!is_set_) {
    is_set_ = true;
    eventfd_write(event_, 1);
  }
}

void Bell::clear()
{
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!is_set_ || is_over_) {
      return;
    }
    is_set_ = false;
    eventfd_t count = 0;
    eventfd_read(event_, &count);
  }
  changed_.notify_all();
}

void Bell::watch()
{
  for (;;) {
    const std::uint32_t announced = announce_sleep(segment_->header());
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (is_ending_) {
        return;
      }
    }
    bool found = false;
    const Status status = read_on(found);
    const bool is_over = status == Status::closed || status == Status::invalid;
    if (is_over) {
      const std::lock_guard<std::mutex> lock(mutex_);
      is_over_ = true;
    }
    if (found || is_over) {
      set();
      wait_until_cleared();
    } else {
      const std::int64_t longest_ns = status == Status::pending ? kWhileWrittenNs : kLongestSleepNs;
      sleep_until_woken(segment_->header(), announced, longest_ns);
    }
  }
}

Status Bell::read_on(bool & found)
{
  RecordHead head;
  unsigned char payload[kLongestRecord];
  Status status = Status::ok;
  for (std::uint32_t count = 0; count < segment_->geometry().cell_count; ++count) {
    status = reader_.pop(head, payload);
    if (status != Status::ok) {
      break;
    }
    found = true;
  }
  return status;
}

void Bell::wait_until_cleared()
{
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return !is_set_ || is_ending_; });
}

}  // namespace sage::mailbox::python
