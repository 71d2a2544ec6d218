#include "sage_mailbox/participant.hpp"

#include <string>
#include <utility>

#include "sage_mailbox/errors.hpp"

namespace sage::mailbox
{

Participant::Participant(std::shared_ptr<Segment> segment, PlaceWord::Role role)
: segment_(std::move(segment)),
  places_(&segment_->header(), segment_->places(), segment_->geometry().place_count)
{
  count_forks();
  forks_ = fork_count();
  const auto holder = places_.join(role, SystemProcesses::current());
  if (!holder) {
    throw NoFreePlace(
        "mailbox '" + segment_->name() + "': all " +
        std::to_string(segment_->geometry().place_count) + " places are taken (place_count)");
  }
  holder_ = *holder;
}

Participant::~Participant()
{
  if (!is_inherited()) {
    places_.leave(holder_);
  }
}

}  // namespace sage::mailbox
