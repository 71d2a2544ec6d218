#include "sage_mailbox/statistics.hpp"

#include "sage_mailbox/words.hpp"

namespace sage::mailbox
{

Statistics statistics_of(const Segment & segment)
{
  const Header & header = segment.header();
  Statistics seen{
      segment.backend(),
      segment.device(),
      SystemWords::load(&header.head),
      SystemWords::load(&header.skipped),
      SystemWords::load(&header.refused),
      SystemWords::load(&header.published),
      SystemWords::load(&header.reclaimed),
      SystemWords::load(&header.expired),
      SystemWords::load(&header.overwritten),
      SystemWords::load(&header.copied),
      0,
      0,
      segment.is_closed()};
  for (std::uint32_t index = 0; index < segment.geometry().place_count; ++index) {
    const PlaceWord place = PlaceWord::of(SystemWords::load(&segment.places()[index].word));
    if (place.state == PlaceWord::active) {
      seen.writers += place.role == PlaceWord::writer ? 1 : 0;
      seen.readers += place.role == PlaceWord::reader ? 1 : 0;
    }
  }
  return seen;
}

}  // namespace sage::mailbox
