// One place in a mailbox, held as long as the object lives.
#ifndef SAGE_MAILBOX__PARTICIPANT_HPP_
#define SAGE_MAILBOX__PARTICIPANT_HPP_

#include <memory>

#include "sage_mailbox/atomics.hpp"
#include "sage_mailbox/participant_table.hpp"
#include "sage_mailbox/process.hpp"
#include "sage_mailbox/segment.hpp"

namespace sage::mailbox
{

using SystemParticipants = ParticipantTable<SystemAtomics, SystemProcesses>;

class Participant
{
public:
  /// Throws NoFreePlace; SystemCallError.
  Participant(std::shared_ptr<Segment> segment, PlaceWord::Role role);
  ~Participant();
  Participant(const Participant &) = delete;
  Participant & operator=(const Participant &) = delete;

  const std::shared_ptr<Segment> & segment() const { return segment_; }
  SystemParticipants & places() { return places_; }
  Holder holder() const { return holder_; }
  /// True in a process that was forked from the one that took the place. There it must not be used:
  /// if the parent died, whatever the child does would be taken for a dead process's leavings.
  bool is_inherited() const { return forks_ != fork_count(); }

private:
  std::shared_ptr<Segment> segment_;
  SystemParticipants places_;
  Holder holder_;
  std::uint32_t forks_;
};

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__PARTICIPANT_HPP_
