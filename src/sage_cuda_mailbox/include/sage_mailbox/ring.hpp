// The protocol of the peripheral broadcast mailbox: many writers, many readers, nobody waits.
#ifndef SAGE_MAILBOX__RING_HPP_
#define SAGE_MAILBOX__RING_HPP_

#include <cstdint>

#include "sage_mailbox/layout.hpp"
#include "sage_mailbox/status.hpp"

namespace sage::mailbox
{

/// What stands before a record's payload.
struct RecordHead {
  std::uint16_t type = 0;
  std::uint16_t length = 0;    ///< bytes of payload
  std::uint32_t producer = 0;  ///< set by the writer
  std::int64_t stamp_ns = 0;   ///< of what the record is about
  std::uint64_t sequence = 0;  ///< set by the mailbox: one after the other over all writers
};

/// A reader's place in the ring. Readers are not known to the ring: there may be any number.
struct Cursor {
  std::uint64_t next = 0;     ///< sequence of the record to be read next
  std::uint64_t lost = 0;     ///< records overwritten, or never written, before they were read
  std::uint64_t overrun = 0;  ///< what was not read before this sequence was overwritten
};

/// A ring of cells in which each writer takes the next sequence and overwrites the oldest record.
///
/// A cell's word says which sequence it holds and whether that is still being written. A writer
/// takes the cell at the head by exchanging that word; the head follows, moved by whoever sees
/// that it lags. A cell that an earlier writer has not finished is skipped, or taken over if that
/// writer is gone. A reader copies, then looks whether the word is still the same (a sequence
/// lock, with atomic payload words; H.-J. Boehm, Can seqlocks get along with programming language
/// memory models?, MSPC 2012).
///
/// Atomics: the atomic operations. Gone: `bool operator()(Holder) const`, true if a writer ended.
template <class Atomics, class Gone>
class Ring
{
public:
  /// Cells passed over, because stalled writers hold them, before a push gives up.
  static constexpr std::uint32_t kMostSkips = 16;

  SAGE_HOST_DEVICE Ring(
      Header * header, void * cells, std::uint32_t cell_bytes, std::uint32_t cell_count, Gone gone)
  : header_(header),
    cells_(static_cast<std::uint64_t *>(cells)),
    cell_words_(cell_bytes / 8),
    cell_count_(cell_count),
    gone_(gone)
  {
  }

  /// Writes one record of at most `payload_bytes()` bytes.
  ///
  /// Returns ok, and head.sequence is set; busy: nothing was written; out_of_range: longer than
  /// a cell; invalid: the ring was tampered with.
  SAGE_HOST_DEVICE Status push(Holder writer, RecordHead & head, const void * payload)
  {
    if (head.length > payload_bytes()) {
      return Status::out_of_range;
    }
    std::uint32_t skips = 0;
    std::uint64_t overtaken = kNever;
    while (skips <= kMostSkips) {
      const std::uint64_t sequence = Atomics::load(&header_->head);
      std::uint64_t * cell = cell_at(sequence);
      std::uint64_t word = Atomics::load(cell);
      const CellWord found = CellWord::of(word);
      const std::int64_t ahead = found.ahead_of(sequence);
      if (ahead > 0) {
        // Others were faster: the head was moved before that cell was taken, and is seen to have
        // moved by whoever sees the cell. Twice the same head: somebody wrote nonsense here.
        if (sequence == overtaken) {
          return Status::invalid;
        }
        overtaken = sequence;
        continue;
      }
      if (ahead == 0) {
        advance(sequence);  // taken by one who has not moved the head yet
        continue;
      }
      if (found.writing && !gone_(found.holder)) {
        if (advance(sequence)) {
          Atomics::add(&header_->skipped, std::uint64_t{1});
          ++skips;
        }
        continue;
      }
      const CellWord mine{true, writer, sequence & kSequenceMask};
      if (Atomics::replace(cell, word, mine.packed())) {
        advance(sequence);
        head.sequence = sequence;
        write(cell, head, payload, mine);
        return Status::ok;
      }
    }
    Atomics::add(&header_->refused, std::uint64_t{1});
    return Status::busy;
  }

  /// Has the CPU fetch what `push` is about to write.
  void prefetch() const { prefetch_to_write(cell_at(Atomics::load(&header_->head))); }

  /// Reads the record at the cursor and moves on.
  ///
  /// Returns ok; empty; pending: the next record is being written, look again; invalid: the head
  /// went back, which only tampering does. Records that are no longer to be had are counted in the
  /// cursor and passed over. `payload` must have room for `payload_bytes()`.
  SAGE_HOST_DEVICE Status pop(Cursor & cursor, RecordHead & head, void * payload) const
  {
    for (;;) {
      const std::uint64_t end = Atomics::load(&header_->head);
      if (cursor.next == end) {
        return Status::empty;
      }
      if (cursor.next > end) {
        return Status::invalid;
      }
      if (end - cursor.next > cell_count_) {
        cursor.lost += end - cell_count_ - cursor.next;
        cursor.next = end - cell_count_;
        cursor.overrun = cursor.next;
      }
      const std::uint64_t * cell = cell_at(cursor.next);
      const std::uint64_t word = Atomics::load(cell);
      const CellWord found = CellWord::of(word);
      if (found.ahead_of(cursor.next) == 0) {
        if (!found.writing) {
          if (read(cell, word, head, payload)) {
            head.sequence = cursor.next++;
            return Status::ok;
          }
          continue;  // overwritten meanwhile
        }
        if (!gone_(found.holder)) {
          return Status::pending;
        }
      }
      ++cursor.lost;
      ++cursor.next;
      if (found.ahead_of(cursor.next) >= 0) {
        cursor.overrun = cursor.next;
      }
    }
  }

  /// True if `pop` would say something else than empty or pending.
  SAGE_HOST_DEVICE bool has_record(const Cursor & cursor) const
  {
    const std::uint64_t end = Atomics::load(&header_->head);
    if (cursor.next == end) {
      return false;
    }
    const CellWord found = CellWord::of(Atomics::load(cell_at(cursor.next)));
    return !found.writing || found.ahead_of(cursor.next) != 0 || gone_(found.holder);
  }

  /// A cursor at the end: it will see what is written from now on.
  SAGE_HOST_DEVICE Cursor end() const { return {Atomics::load(&header_->head), 0}; }

  /// A cursor at the oldest record that may still be there.
  SAGE_HOST_DEVICE Cursor begin() const
  {
    const std::uint64_t end = Atomics::load(&header_->head);
    return {end > cell_count_ ? end - cell_count_ : 0, 0};
  }

  /// Must be called once, before anybody else knows of the mailbox.
  void clear()
  {
    for (std::uint64_t index = 0; index < cell_count_; ++index) {
      // as if the lap before had been written: one lap behind the first sequence
      const CellWord before{false, {0, 0}, (index - cell_count_) & kSequenceMask};
      Atomics::store(cell_at(index), before.packed());
    }
  }

  SAGE_HOST_DEVICE std::uint32_t payload_bytes() const { return cell_words_ * 8 - kCellHeadBytes; }

private:
  static constexpr std::uint64_t kSequenceMask = (std::uint64_t{1} << CellWord::kSequenceBits) - 1;
  static constexpr std::uint32_t kHeadWords = kCellHeadBytes / 8;
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  SAGE_HOST_DEVICE std::uint64_t * cell_at(std::uint64_t sequence) const
  {
    return cells_ + (sequence & (cell_count_ - 1)) * cell_words_;
  }

  SAGE_HOST_DEVICE bool advance(std::uint64_t sequence)
  {
    return Atomics::replace(&header_->head, sequence, sequence + 1);
  }

  SAGE_HOST_DEVICE void write(
      std::uint64_t * cell, const RecordHead & head, const void * payload, CellWord mine)
  {
    Atomics::release_fence();  // a reader that sees any of the following sees 'writing', too
    const std::uint64_t label = std::uint64_t{head.length} | std::uint64_t{head.type} << 16 |
                                std::uint64_t{head.producer} << 32;
    Atomics::store_relaxed(cell + 1, label);
    Atomics::store_relaxed(cell + 2, static_cast<std::uint64_t>(head.stamp_ns));
    const auto * bytes = static_cast<const unsigned char *>(payload);
    for (std::uint32_t at = 0; at < head.length; at += 8) {
      Atomics::store_relaxed(cell + kHeadWords + at / 8, gather(bytes + at, head.length - at));
    }
    mine.writing = false;
    Atomics::store(cell, mine.packed());
  }

  SAGE_HOST_DEVICE bool read(
      const std::uint64_t * cell, std::uint64_t word, RecordHead & head, void * payload) const
  {
    const std::uint64_t label = Atomics::load_relaxed(cell + 1);
    head.length = static_cast<std::uint16_t>(label);
    head.type = static_cast<std::uint16_t>(label >> 16);
    head.producer = static_cast<std::uint32_t>(label >> 32);
    head.stamp_ns = static_cast<std::int64_t>(Atomics::load_relaxed(cell + 2));
    const std::uint32_t length = head.length < payload_bytes() ? head.length : payload_bytes();
    auto * bytes = static_cast<unsigned char *>(payload);
    for (std::uint32_t at = 0; at < length; at += 8) {
      scatter(bytes + at, length - at, Atomics::load_relaxed(cell + kHeadWords + at / 8));
    }
    Atomics::acquire_fence();
    head.length = static_cast<std::uint16_t>(length);
    return Atomics::load_relaxed(cell) == word;
  }

  /// Up to eight bytes as a word.
  SAGE_HOST_DEVICE static std::uint64_t gather(const unsigned char * bytes, std::uint32_t count)
  {
    std::uint64_t word = 0;
    copy(reinterpret_cast<unsigned char *>(&word), bytes, count);
    return word;
  }

  SAGE_HOST_DEVICE static void scatter(
      unsigned char * bytes, std::uint32_t count, std::uint64_t word)
  {
    copy(bytes, reinterpret_cast<const unsigned char *>(&word), count);
  }

  SAGE_HOST_DEVICE static void copy(
      unsigned char * to, const unsigned char * from, std::uint32_t count)
  {
    if (count >= 8) {
      __builtin_memcpy(to, from, 8);
      return;
    }
    for (std::uint32_t index = 0; index < count; ++index) {
      to[index] = from[index];
    }
  }

  Header * header_;
  std::uint64_t * cells_;
  std::uint32_t cell_words_;
  std::uint32_t cell_count_;
  Gone gone_;
};

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__RING_HPP_
