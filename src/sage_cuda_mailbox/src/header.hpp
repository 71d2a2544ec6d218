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

/// CRC-32C of the fields that do not change, with the checksum itself taken as zero.
std::uint32_t checksum_of(const Header & header);

/// What a header says that does not change while the mailbox is in use.
struct Identity {
  Geometry geometry;
  Backend backend;
  std::int32_t device;
  std::uint64_t nonce;
  Process creator;
};

/// What a header says, checked against the size of the file that it was found in.
///
/// `copy` lies in memory of this process alone: shared memory can change between check and use.
/// Throws NotAMailbox, naming `where`, the field, its value and what was expected.
Identity believed(const Header & copy, std::uint64_t bytes, const std::string & where);

}  // namespace sage::mailbox

#endif  // HEADER_HPP_
