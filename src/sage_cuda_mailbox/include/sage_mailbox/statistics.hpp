// What a mailbox counts, as seen at one moment.
#ifndef SAGE_MAILBOX__STATISTICS_HPP_
#define SAGE_MAILBOX__STATISTICS_HPP_

#include <cstdint>

#include "sage_mailbox/layout.hpp"
#include "sage_mailbox/segment.hpp"

namespace sage::mailbox
{

struct Statistics {
  Backend backend;
  std::int32_t device;
  std::uint64_t records;      ///< sequences given so far; announcements in a tensor mailbox
  std::uint64_t skipped;      ///< of these, never written: a stalled writer held the cell
  std::uint64_t refused;      ///< pushes and acquisitions that said busy or full
  std::uint64_t published;    ///< tensors handed over
  std::uint64_t reclaimed;    ///< readers found dead while they held leases
  std::uint64_t expired;      ///< leases that outlived their time
  std::uint64_t overwritten;  ///< leases taken back for something newer
  std::uint64_t copied;       ///< tensors of those published that were copied into their slot
  std::uint32_t writers;
  std::uint32_t readers;  ///< of a broadcast mailbox: 0, they are not known to it
  bool closed;
};

/// Counters are read one after the other: between two of them something may have happened.
Statistics statistics_of(const Segment & segment);

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__STATISTICS_HPP_
