#include "sage_mailbox/record_batch.hpp"

#include <cstring>
#include <string>

#include "sage_mailbox/errors.hpp"
#include "sage_mailbox/layout.hpp"

namespace sage::mailbox
{

namespace
{

constexpr std::size_t kSequenceAt = 0;
constexpr std::size_t kLengthAt = 8;
constexpr std::size_t kTypeAt = 10;
constexpr std::size_t kProducerAt = 12;
constexpr std::size_t kStampAt = 16;

template <class Value>
void write(std::uint8_t * at, Value value)
{
  for (std::size_t byte = 0; byte < sizeof value; ++byte) {
    at[byte] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> 8 * byte);
  }
}

template <class Value>
Value read(const std::uint8_t * at)
{
  std::uint64_t bits = 0;
  for (std::size_t byte = 0; byte < sizeof(Value); ++byte) {
    bits |= std::uint64_t{at[byte]} << 8 * byte;
  }
  return static_cast<Value>(bits);
}

}  // namespace

void add_row(
    std::vector<std::uint8_t> & rows, std::uint32_t row_bytes, const RecordHead & head,
    const void * payload)
{
  const std::size_t start = rows.size();
  rows.resize(start + row_bytes);
  std::uint8_t * row = rows.data() + start;
  write(row + kSequenceAt, head.sequence);
  write(row + kLengthAt, head.length);
  write(row + kTypeAt, head.type);
  write(row + kProducerAt, head.producer);
  write(row + kStampAt, head.stamp_ns);
  std::memcpy(row + kCellHeadBytes, payload, head.length);
}

std::size_t count_rows(const std::vector<std::uint8_t> & rows, std::uint32_t row_bytes)
{
  require(
      row_bytes % 64 == 0 && row_bytes >= 64 && row_bytes <= 256, "row_bytes", row_bytes,
      "64, 128, 192 or 256");
  require(
      rows.size() % row_bytes == 0, "data", rows.size(),
      "a multiple of " + std::to_string(row_bytes) + " bytes");
  return rows.size() / row_bytes;
}

RecordRow row_at(const std::vector<std::uint8_t> & rows, std::uint32_t row_bytes, std::size_t index)
{
  const std::size_t count = count_rows(rows, row_bytes);
  require(index < count, "row", index, "less than " + std::to_string(count));
  const std::uint8_t * row = rows.data() + index * row_bytes;
  RecordRow record{{}, row + kCellHeadBytes};
  record.head.sequence = read<std::uint64_t>(row + kSequenceAt);
  record.head.length = read<std::uint16_t>(row + kLengthAt);
  record.head.type = read<std::uint16_t>(row + kTypeAt);
  record.head.producer = read<std::uint32_t>(row + kProducerAt);
  record.head.stamp_ns = read<std::int64_t>(row + kStampAt);
  const std::uint32_t longest = row_bytes - kCellHeadBytes;
  require(
      record.head.length <= longest, "length", record.head.length,
      "at most " + std::to_string(longest) + " bytes");
  return record;
}

}  // namespace sage::mailbox
