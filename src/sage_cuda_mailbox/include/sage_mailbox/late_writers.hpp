// Telling stalled writers from dead ones without asking the kernel on the hot path.
#ifndef SAGE_MAILBOX__LATE_WRITERS_HPP_
#define SAGE_MAILBOX__LATE_WRITERS_HPP_

#include <cstdint>

#include "sage_mailbox/places.hpp"
#include "sage_mailbox/process.hpp"
#include "sage_mailbox/wakeup.hpp"

namespace sage::mailbox
{

/// Asks whether a writer that has not finished a record is gone, at most once a millisecond: a
/// live one finishes within microseconds.
class LateWriters
{
public:
  explicit LateWriters(const Places<SystemWords, SystemProcesses> & places) : places_(&places) {}

  bool operator()(Holder writer)
  {
    if (places_->has_left(writer)) {
      return true;
    }
    const std::int64_t now_ns = monotonic_ns();
    if (writer.place != suspect_.place || writer.epoch != suspect_.epoch) {
      suspect_ = writer;
      look_again_ns_ = now_ns + kPatienceNs;
      return false;
    }
    if (now_ns < look_again_ns_) {
      return false;
    }
    look_again_ns_ = now_ns + kPatienceNs;
    return places_->is_gone(writer);
  }

private:
  static constexpr std::int64_t kPatienceNs = 1'000'000;
  static constexpr Holder kNobody{kMostPlaces, PlaceWord::kEpochs};

  const Places<SystemWords, SystemProcesses> * places_;
  Holder suspect_ = kNobody;
  std::int64_t look_again_ns_ = 0;
};

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__LATE_WRITERS_HPP_
