// Telling stalled writers from dead ones without asking the kernel on the hot path.
#ifndef SAGE_MAILBOX__LATE_WRITERS_HPP_
#define SAGE_MAILBOX__LATE_WRITERS_HPP_

#include <cstdint>

#include "sage_mailbox/participant_table.hpp"
#include "sage_mailbox/process.hpp"
#include "sage_mailbox/wakeup.hpp"

namespace sage::mailbox
{

/// Asks whether a writer that has not finished a record is gone, at most once a millisecond: a live
/// one finishes within microseconds.
class LateWriters
{
public:
  /// A reader often comes while a record is being written, and waits a millisecond before it asks.
  static constexpr std::int64_t kReadersGraceNs = 1'000'000;
  /// A writer only comes to a record that has not been finished for a whole lap.
  static constexpr std::int64_t kWritersGraceNs = 0;

  LateWriters(
      const ParticipantTable<SystemAtomics, SystemProcesses> & places, std::int64_t grace_ns)
  : places_(&places), grace_ns_(grace_ns)
  {
  }

  bool operator()(Holder writer)
  {
    if (places_->has_left(writer)) {
      return true;
    }
    const std::int64_t now_ns = monotonic_ns();
    if (writer.place != suspect_.place || writer.epoch != suspect_.epoch) {
      suspect_ = writer;
      late_since_ns_ = now_ns;
    }
    if (now_ns - late_since_ns_ < grace_ns_ || now_ns < ask_again_ns_) {
      return false;
    }
    ask_again_ns_ = now_ns + kPatienceNs;
    return places_->is_gone(writer);
  }

  /// The record has come: the next one that is late has a grace of its own.
  void forgive() { suspect_ = kNobody; }

private:
  static constexpr std::int64_t kPatienceNs = 1'000'000;
  static constexpr Holder kNobody{kMostPlaces, PlaceWord::kEpochs};

  const ParticipantTable<SystemAtomics, SystemProcesses> * places_;
  std::int64_t grace_ns_;
  Holder suspect_ = kNobody;
  std::int64_t late_since_ns_ = 0;
  std::int64_t ask_again_ns_ = 0;
};

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__LATE_WRITERS_HPP_
