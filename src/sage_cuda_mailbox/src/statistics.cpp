#include "sage_mailbox/statistics.hpp"

#include "sage_mailbox/atomics.hpp"

namespace sage::mailbox
{

Statistics statistics_of(const Segment & segment)
{
  const Header & header = segment.header();
  Statistics seen{
      segment.backend(),
      segment.device(),
      SystemAtomics::load(&header.head),
      SystemAtomics::load(&header.skipped),
      SystemAtomics::load(&header.refused),
      SystemAtomics::load(&header.published),
      SystemAtomics::load(&header.reclaimed),
      SystemAtomics::load(&header.expired),
      SystemAtomics::load(&header.overwritten),
      SystemAtomics::load(&header.copied),
      0,
      0,
      segment.is_closed()};
  for (std::uint32_t index = 0; index < segment.geometry().place_count; ++index) {
    const PlaceWord place = PlaceWord::of(SystemAtomics::load(&segment.places()[index].word));
    if (place.state == PlaceWord::active) {
      seen.writers += place.role == PlaceWord::writer ? 1 : 0;
      seen.readers += place.role == PlaceWord::reader ? 1 : 0;
    }
  }
  return seen;
}

}  // namespace sage::mailbox
