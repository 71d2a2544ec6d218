// What readers of both mailboxes have in common.
#ifndef READING_HPP_
#define READING_HPP_

#include <nanobind/nanobind.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "bell.hpp"
#include "errors.hpp"
#include "sage_mailbox/process.hpp"

namespace sage::mailbox::python
{

/// What `orphaned` of both mailboxes says.
constexpr char kOrphaned[] =
    "True if the creator's process ended without closing the mailbox. Then readers are not told:\n"
    "wait() goes on until the mailbox is replaced or swept. Asks the kernel: about 10 us.";

/// Raises Closed unless new writers and readers may still join.
inline void require_open(const Segment & segment)
{
  if (segment.is_closed()) {
    raise(Status::closed, "mailbox '" + segment.name() + "'");
  }
}

/// A reader of the library, for one thread at a time: `wait` lets other threads run, and they are
/// refused meanwhile.
template <class Reader>
class Reading
{
public:
  Reading(std::shared_ptr<Segment> segment, std::unique_ptr<Reader> reader)
  : segment_(std::move(segment)), reader_(std::move(reader))
  {
  }

  Reading(const Reading &) = delete;
  Reading & operator=(const Reading &) = delete;
  ~Reading() { end_bell(); }

  /// The reader; raises if it is closed, or in use by another thread.
  Reader & get() const
  {
    if (!reader_) {
      throw Closed("this reader is closed");
    }
    if (is_in_use_) {
      throw InUse("this reader is in use by another thread");
    }
    return *reader_;
  }

  /// True if there is something new, False if the time is over. Raises Closed.
  bool wait(std::int64_t timeout_ns)
  {
    Reader & reader = get();
    std::int64_t left_ns = timeout_ns;
    for (;;) {
      const std::int64_t slice_ns = left_ns < 0 ? kSliceNs : std::min(left_ns, kSliceNs);
      const Status status = unlocked([&] { return reader.wait(slice_ns); });
      if (status == Status::ok) {
        return true;
      }
      if (status != Status::timed_out) {
        raise(status, name());
      }
      if (PyErr_CheckSignals() != 0) {
        throw nanobind::python_error();
      }
      left_ns -= left_ns < 0 ? 0 : slice_ns;
      if (left_ns == 0) {
        return false;
      }
    }
  }

  /// Does what needs no Python while other threads run.
  template <class Work>
  auto unlocked(Work work)
  {
    const Use use(is_in_use_);
    const nanobind::gil_scoped_release others_run;
    return work();
  }

  int fileno()
  {
    get();
    if (!has_bell()) {
      end_bell();
      bell_ = std::make_unique<Bell>(segment_);
      forks_ = fork_count();
    }
    return bell_->fileno();
  }

  /// For a reader that found nothing: the file descriptor is readable no longer, unless something
  /// came just now. Raises if `status` is neither empty nor pending.
  void found_nothing(Status status)
  {
    if (status != Status::empty && status != Status::pending) {
      raise(status, name());
    }
    if (has_bell()) {
      bell_->clear();
      if (get().wait(0) != Status::timed_out) {
        bell_->set();
      }
    }
  }

  void close()
  {
    if (reader_ && is_in_use_) {
      get();  // raises
    }
    end_bell();
    reader_.reset();
  }

  const std::shared_ptr<Segment> & segment() const { return segment_; }

private:
  static constexpr std::int64_t kSliceNs = 100'000'000;  // how long Ctrl-C may have to wait

  class Use
  {
  public:
    explicit Use(bool & flag) : flag_(flag) { flag_ = true; }
    Use(const Use &) = delete;
    Use & operator=(const Use &) = delete;
    ~Use() { flag_ = false; }

  private:
    bool & flag_;
  };

  std::string name() const { return "mailbox '" + segment_->name() + "'"; }

  bool has_bell() const { return bell_ && forks_ == fork_count(); }

  void end_bell()
  {
    if (has_bell()) {
      bell_.reset();
    } else {
      static_cast<void>(bell_.release());  // inherited: its thread is the parent's
    }
  }

  std::shared_ptr<Segment> segment_;
  std::unique_ptr<Reader> reader_;
  std::unique_ptr<Bell> bell_;
  std::uint32_t forks_ = 0;
  bool is_in_use_ = false;  // changes with the interpreter's lock held only
};

}  // namespace sage::mailbox::python

#endif  // READING_HPP_
