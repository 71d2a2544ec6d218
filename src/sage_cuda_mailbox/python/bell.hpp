// A file descriptor that can be waited for: readable while something may be new in a mailbox.
#ifndef BELL_HPP_
#define BELL_HPP_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "sage_mailbox/broadcast_mailbox.hpp"

namespace sage::mailbox::python
{

/// An eventfd, and a thread that watches the mailbox with a cursor of its own. While the eventfd
/// is set the thread sleeps, so that a flood of records costs it nothing.
class Bell
{
public:
  /// Set from the beginning: what came before is to be read, too. Throws SystemCallError. Not for a
  /// process forked later.
  explicit Bell(std::shared_ptr<Segment> segment);
  ~Bell();
  Bell(const Bell &) = delete;
  Bell & operator=(const Bell &) = delete;

  int fileno() const { return event_; }
  void set();
  /// For a reader that found nothing; it looks once more afterwards. Stays set once closed.
  void clear();

private:
  void watch();
  /// Reads on to the end of now. Returns the last status, and whether there was a record.
  Status read_on(bool & found);
  void wait_until_cleared();

  std::shared_ptr<Segment> segment_;
  BroadcastReader reader_;
  int event_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_set_ = false;
  bool is_over_ = false;  // closed, or tampered with
  bool is_ending_ = false;
  std::thread thread_;
};

}  // namespace sage::mailbox::python

#endif  // BELL_HPP_
