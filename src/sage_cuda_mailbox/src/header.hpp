// Making a mailbox's header, and believing one.
#ifndef HEADER_HPP_
#define HEADER_HPP_

#include <cstdint>
#include <string>

#include "sage_mailbox/layout.hpp"
#include "sage_mailbox/process.hpp"

namespace sage::mailbox
{

/// Fills a header whose bytes are zero.
void fill(
    Header & header, const Geometry & geometry, Backend backend, std::int32_t device,
    const Process & creator);

/// What the header says, checked against the size of the memory that it was found in.
/// Throws NotAMailbox, naming `where`, the field, its value and what was expected.
Geometry believed(const Header & header, std::uint64_t bytes, const std::string & where);

/// The process that created the mailbox.
Process creator_of(const Header & header);

}  // namespace sage::mailbox

#endif  // HEADER_HPP_
