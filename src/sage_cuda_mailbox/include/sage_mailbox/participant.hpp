// One place in a mailbox, held as long as the object lives.
#ifndef SAGE_MAILBOX__PARTICIPANT_HPP_
#define SAGE_MAILBOX__PARTICIPANT_HPP_

#include <memory>

#include "sage_mailbox/places.hpp"
#include "sage_mailbox/process.hpp"
#include "sage_mailbox/segment.hpp"
#include "sage_mailbox/words.hpp"

namespace sage::mailbox
{

using SystemPlaces = Places<SystemWords, SystemProcesses>;

class Participant
{
public:
  /// Throws MailboxError if all places are taken.
  Participant(std::shared_ptr<Segment> segment, PlaceWord::Role role);
  ~Participant();
  Participant(const Participant &) = delete;
  Participant & operator=(const Participant &) = delete;

  const std::shared_ptr<Segment> & segment() const { return segment_; }
  SystemPlaces & places() { return places_; }
  Holder holder() const { return holder_; }

private:
  std::shared_ptr<Segment> segment_;
  SystemPlaces places_;
  Holder holder_;
  int pid_;  // a process forked from this one does not give the place back
};

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__PARTICIPANT_HPP_
