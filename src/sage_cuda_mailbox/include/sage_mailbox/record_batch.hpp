// Records of a broadcast mailbox, many in one message.
#ifndef SAGE_MAILBOX__RECORD_BATCH_HPP_
#define SAGE_MAILBOX__RECORD_BATCH_HPP_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sage_mailbox/ring.hpp"

namespace sage::mailbox
{

// A batch is rows, one for each record, each as long as a cell. A row, little endian: sequence
// (8 bytes), length (2), type (2), producer (4), stamp [ns] (8), payload, zeros.

/// Adds a record of a mailbox with cells of `row_bytes`.
void add_row(
    std::vector<std::uint8_t> & rows, std::uint32_t row_bytes, const RecordHead & head,
    const void * payload);

/// A record in a batch of somebody else's.
struct RecordRow {
  RecordHead head;
  const std::uint8_t * payload;  ///< `head.length` bytes
};

/// The record in row `index`. Throws InvalidArgument if it says to be longer than its row, or
/// the row lies outside the batch.
RecordRow row_at(
    const std::vector<std::uint8_t> & rows, std::uint32_t row_bytes, std::size_t index);

/// Rows of a batch. Throws InvalidArgument if it is not made of whole ones, or `row_bytes` is
/// not 64, 128, 192 or 256.
std::size_t count_rows(const std::vector<std::uint8_t> & rows, std::uint32_t row_bytes);

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__RECORD_BATCH_HPP_
