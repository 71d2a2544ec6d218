// One hand-over, as its reader saw it.
#ifndef ARRIVAL_HPP_
#define ARRIVAL_HPP_

#include <cstdint>

namespace sage::mailbox::bench
{

/// What came.
struct Arrival {
  std::int64_t stamp_ns = 0;  ///< when it was committed
  std::int64_t seen_ns = 0;   ///< when it had been looked at
  std::uint32_t number = 0;   ///< how many were committed before
};

}  // namespace sage::mailbox::bench

#endif  // ARRIVAL_HPP_
