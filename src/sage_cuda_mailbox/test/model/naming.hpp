// The words of a mailbox in words, for traces.
#ifndef NAMING_HPP_
#define NAMING_HPP_

#include <cstddef>
#include <cstdint>
#include <string>

#include "sage_mailbox/layout.hpp"

namespace model
{

/// What lies `offset` bytes from the start of a mailbox, for instance "lease of slot 1, place 0".
std::string word_name(const sage::mailbox::Geometry & geometry, std::size_t offset);

/// What a value means there, for instance "held (epoch 0, generation 3)".
std::string word_meaning(
    const sage::mailbox::Geometry & geometry, std::size_t offset, std::uint64_t value);

}  // namespace model

#endif  // NAMING_HPP_
