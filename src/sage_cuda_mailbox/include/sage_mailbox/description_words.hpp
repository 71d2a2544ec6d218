// The description of a tensor, copied word by word into its slot and out of it.
#ifndef SAGE_MAILBOX__DESCRIPTION_WORDS_HPP_
#define SAGE_MAILBOX__DESCRIPTION_WORDS_HPP_

#include <cstddef>
#include <cstdint>

#include "sage_mailbox/layout.hpp"

namespace sage::mailbox
{

/// Relaxed stores: publishing the slot makes them visible. Atomics: the atomic operations.
template <class Atomics>
void store_description(Slot & slot, const Description & description)
{
  const auto * from = reinterpret_cast<const std::uint64_t *>(&description);
  auto * to = reinterpret_cast<std::uint64_t *>(&slot.description);
  for (std::size_t index = 0; index < kDescriptionWords; ++index) {
    Atomics::store_relaxed(to + index, from[index]);
  }
}

/// Relaxed loads: what was loaded is worth something only if the lease is good afterwards.
template <class Atomics>
void load_description(const Slot & slot, Description & description)
{
  const auto * from = reinterpret_cast<const std::uint64_t *>(&slot.description);
  auto * to = reinterpret_cast<std::uint64_t *>(&description);
  for (std::size_t index = 0; index < kDescriptionWords; ++index) {
    to[index] = Atomics::load_relaxed(from + index);
  }
}

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__DESCRIPTION_WORDS_HPP_
