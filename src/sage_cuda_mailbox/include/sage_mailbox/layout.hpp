// Byte layout, version 1, of a mailbox in memory. docs/mailbox.md has it as a table.
#ifndef SAGE_MAILBOX__LAYOUT_HPP_
#define SAGE_MAILBOX__LAYOUT_HPP_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>

#include "sage_mailbox/atomics.hpp"

namespace sage::mailbox
{

inline constexpr char kMagic[8] = {'S', 'A', 'G', 'E', 'M', 'B', 'X', '\0'};
inline constexpr std::uint32_t kLayoutVersion = 1;

inline constexpr std::uint32_t kMostPlaces = 256;
inline constexpr std::uint32_t kMostCells = 1u << 24;
inline constexpr std::uint32_t kMostSlots = 4096;
inline constexpr std::uint64_t kMostSlotBytes = std::uint64_t{1} << 36;
inline constexpr std::uint32_t kMostDimensions = 8;
inline constexpr std::uint64_t kPageBytes = 4096;

enum class Kind : std::uint32_t { broadcast = 1, tensor = 2 };

/// Where the payload lies. The control words always lie in host memory.
enum class Backend : std::uint32_t {
  host = 0,      ///< memory of this process
  shm = 1,       ///< POSIX shared memory
  cuda_vmm = 2,  ///< device memory by cuMemCreate, exported as a file descriptor
  cuda_ipc = 3,  ///< device memory by cudaMalloc, exported by cudaIpcGetMemHandle
  pinned = 4,    ///< shared memory registered with the GPU, which maps it (integrated GPUs)
};
inline constexpr const char * kBackendNames[] = {"host", "shm", "cuda_vmm", "cuda_ipc", "pinned"};

constexpr const char * name_of(Backend backend)
{
  const auto number = static_cast<std::size_t>(backend);
  return number < std::size(kBackendNames) ? kBackendNames[number] : "unknown";
}
/// The backend of this name. Throws InvalidArgument, listing those there are.
Backend backend_named(const std::string & name);

/// The first bytes of a mailbox. Words marked 'atomic' change while it is in use.
struct alignas(64) Header {
  char magic[8];
  std::uint32_t layout_version;
  std::uint32_t kind;         // Kind
  std::uint64_t total_bytes;  // of the segment: header, tables and, in host memory, payload
  std::uint32_t cell_bytes;   // of a record with its words: 64, 128, 192 or 256
  std::uint32_t cell_count;   // a power of two
  std::uint32_t place_count;  // 1 .. 256
  std::uint32_t slot_count;   // 0 for Kind::broadcast
  std::uint64_t slot_bytes;   // a multiple of 4096
  std::uint32_t backend;      // Backend of the payload
  std::int32_t device;        // index of the GPU; -1: host memory
  std::uint64_t nonce;        // random: tells this mailbox from an earlier one of this name

  std::uint32_t creator_pid;
  std::uint32_t checksum;           // CRC-32C of all above and the four fields below
  std::uint64_t creator_started;    // clock ticks since boot
  std::uint64_t creator_namespace;  // inode of the creator's process id namespace
  std::int64_t created_unix_ns;
  std::uint64_t reserved;  // zero

  alignas(64) std::uint32_t closed;   // atomic; 1: nothing more comes
  std::uint32_t places_used;          // atomic; no place from here on was ever taken; only grows
  alignas(64) std::uint64_t head;     // atomic; the next record's sequence
  alignas(64) std::uint64_t skipped;  // atomic; sequences that no writer could use
  std::uint64_t refused;              // atomic; pushes and acquisitions that said busy or full
  std::uint64_t published;            // atomic; tensors handed over
  std::uint64_t reclaimed;            // atomic; leases taken back from readers that died
  std::uint64_t expired;              // atomic; leases that outlived their time
  std::uint64_t overwritten;          // atomic; leases taken back for something newer
  std::uint64_t copied;               // atomic; of `published`: copied into their slot
  alignas(64) std::uint32_t wake;     // atomic, futex; changes when sleepers are to look again
  std::uint32_t sleepers;             // atomic; 1: somebody sleeps on `wake`
};

static_assert(offsetof(Header, total_bytes) == 16);
static_assert(offsetof(Header, slot_bytes) == 40);
static_assert(offsetof(Header, nonce) == 56);
static_assert(offsetof(Header, creator_pid) == 64);
static_assert(offsetof(Header, closed) == 128);
static_assert(offsetof(Header, head) == 192);
static_assert(offsetof(Header, skipped) == 256);
static_assert(offsetof(Header, wake) == 320);
static_assert(sizeof(Header) == 384);

/// One participant: who may hold cells, slots and leases.
struct alignas(64) Place {
  std::uint64_t word;               // atomic; see PlaceWord
  std::uint64_t started;            // atomic; of the process, clock ticks since boot
  std::uint64_t process_namespace;  // atomic; inode of its process id namespace
  std::uint64_t reserved[5];
};
static_assert(sizeof(Place) == 64);

/// One record of the ring; `cell_bytes` long.
struct Cell {
  std::uint64_t word;     // atomic; see CellWord
  std::uint64_t label;    // atomic; length:16 | type:16 | producer:32, lowest bits first
  std::int64_t stamp_ns;  // atomic
  // payload follows
};
static_assert(sizeof(Cell) == 24);
inline constexpr std::uint32_t kCellHeadBytes = sizeof(Cell);

/// What lies in a slot. All fields are atomic words: a reader whose lease expired may still look.
struct Description {
  std::uint64_t offset_bytes;  // first element, from the start of the slot
  std::uint64_t shape[kMostDimensions];
  std::int64_t strides_bytes[kMostDimensions];
  std::uint64_t type;     // dtype code:8 | bits:8 | lanes:16 (DLPack) | dimensions:8 at bit 32
  std::uint64_t tag;      // set by the writer, for instance a frame number
  std::int64_t stamp_ns;  // of the sensor sample
};
inline constexpr std::size_t kDescriptionWords = sizeof(Description) / 8;

struct alignas(64) Slot {
  std::uint64_t word;         // atomic; see SlotWord
  std::int64_t published_ns;  // atomic; CLOCK_MONOTONIC; 0 if its leases do not end by time
  std::int64_t ttl_ns;        // atomic; 0: no end
  std::uint64_t order;        // atomic; `head` before this was announced: at most its sequence
  std::uint64_t reserved[4];
  Description description;
  std::uint64_t event[8];  // IPC handle of the CUDA event that says when the payload is there
  std::uint64_t spare[4];
};
static_assert(sizeof(Slot) == 320);

/// Word of a place: pid:32 | role:4 at 32 | namespace mark:16 at 36 | state:2 at 52 | epoch:10
/// at 54.
struct PlaceWord {
  enum State : std::uint32_t { vacant = 0, joining = 1, active = 2 };
  enum Role : std::uint32_t {
    writer = 1,
    reader = 2,
    retired_reader = 3,  // still holds leases that it took, is given no more
  };

  std::uint32_t pid;
  std::uint32_t role;
  std::uint32_t state;
  std::uint32_t epoch;
  std::uint32_t namespace_mark = 0;  // see namespace_mark() in process.hpp

  static constexpr std::uint32_t kEpochs = 1024;

  SAGE_HOST_DEVICE constexpr std::uint64_t packed() const
  {
    return std::uint64_t{pid} | std::uint64_t{role & 0xF} << 32 |
           std::uint64_t{namespace_mark & 0xFFFF} << 36 | std::uint64_t{state & 3} << 52 |
           std::uint64_t{epoch % kEpochs} << 54;
  }
  SAGE_HOST_DEVICE static constexpr PlaceWord of(std::uint64_t word)
  {
    return {
        static_cast<std::uint32_t>(word), static_cast<std::uint32_t>(word >> 32) & 0xF,
        static_cast<std::uint32_t>(word >> 52) & 3, static_cast<std::uint32_t>(word >> 54),
        static_cast<std::uint32_t>(word >> 36) & 0xFFFF};
  }
};

/// Who holds something: a place in one of its epochs. A place that is given anew has a new epoch.
struct Holder {
  std::uint32_t place;
  std::uint32_t epoch;
};

/// Word of a cell: writing:1 | place:8 at 1 | epoch:10 at 9 | sequence:45 at 19, modulo 2^45.
struct CellWord {
  bool writing;
  Holder holder;
  std::uint64_t sequence;

  static constexpr unsigned kSequenceBits = 45;

  SAGE_HOST_DEVICE constexpr std::uint64_t packed() const
  {
    return (writing ? 1u : 0u) | std::uint64_t{holder.place & 0xFF} << 1 |
           std::uint64_t{holder.epoch % PlaceWord::kEpochs} << 9 | sequence << 19;
  }
  SAGE_HOST_DEVICE static constexpr CellWord of(std::uint64_t word)
  {
    return {
        (word & 1) != 0,
        {static_cast<std::uint32_t>(word >> 1) & 0xFF,
         static_cast<std::uint32_t>(word >> 9) % PlaceWord::kEpochs},
        word >> 19};
  }
  /// How far this cell's sequence is ahead of `other` (negative: behind), modulo 2^45.
  SAGE_HOST_DEVICE constexpr std::int64_t ahead_of(std::uint64_t other) const
  {
    constexpr unsigned unused = 64 - kSequenceBits;
    return static_cast<std::int64_t>((sequence - other) << unused) >> unused;
  }
};

/// Word of a slot: state:2 | place:8 at 2 | epoch:10 at 10 | generation:44 at 20.
struct SlotWord {
  enum State : std::uint32_t { vacant = 0, writing = 1, published = 2 };

  std::uint32_t state;
  Holder writer;
  std::uint64_t generation;

  static constexpr std::uint64_t kGenerations = std::uint64_t{1} << 44;

  SAGE_HOST_DEVICE constexpr std::uint64_t packed() const
  {
    return std::uint64_t{state & 3} | std::uint64_t{writer.place & 0xFF} << 2 |
           std::uint64_t{writer.epoch % PlaceWord::kEpochs} << 10 | generation << 20;
  }
  SAGE_HOST_DEVICE static constexpr SlotWord of(std::uint64_t word)
  {
    return {
        static_cast<std::uint32_t>(word & 3),
        {static_cast<std::uint32_t>(word >> 2) & 0xFF,
         static_cast<std::uint32_t>(word >> 10) % PlaceWord::kEpochs},
        word >> 20};
  }
};

/// Word of a lease: state:3 | epoch:10 at 3 | generation:44 at 20. Whose it is: its column.
struct LeaseWord {
  enum State : std::uint32_t {
    none = 0,
    pending = 1,      // given by the writer, not yet taken
    held = 2,         // the reader looks at the payload
    released = 3,     // given back by the reader
    expired = 4,      // taken back: its time was over
    overwritten = 5,  // taken back for something newer
  };

  std::uint32_t state;
  std::uint32_t epoch;
  std::uint64_t generation;

  SAGE_HOST_DEVICE constexpr bool is_open() const { return state == pending || state == held; }
  SAGE_HOST_DEVICE constexpr std::uint64_t packed() const
  {
    return std::uint64_t{state & 7} | std::uint64_t{epoch % PlaceWord::kEpochs} << 3 |
           generation << 20;
  }
  SAGE_HOST_DEVICE static constexpr LeaseWord of(std::uint64_t word)
  {
    return {
        static_cast<std::uint32_t>(word & 7),
        static_cast<std::uint32_t>(word >> 3) % PlaceWord::kEpochs, word >> 20};
  }
};

/// Sizes of the tables, and where each of them begins.
struct Geometry {
  Kind kind = Kind::broadcast;
  std::uint32_t cell_bytes = 64;
  std::uint32_t cell_count = 1024;
  std::uint32_t place_count = 64;
  std::uint32_t slot_count = 0;
  std::uint64_t slot_bytes = 0;
  bool payload_inside = true;  // false: the payload lies in device memory

  constexpr std::uint64_t places_at() const { return sizeof(Header); }
  constexpr std::uint64_t cells_at() const { return places_at() + place_count * sizeof(Place); }
  constexpr std::uint64_t slots_at() const
  {
    return cells_at() + std::uint64_t{cell_count} * cell_bytes;
  }
  constexpr std::uint64_t leases_at() const
  {
    return slots_at() + std::uint64_t{slot_count} * sizeof(Slot);
  }
  constexpr std::uint64_t payload_at() const
  {
    const std::uint64_t end = leases_at() + std::uint64_t{slot_count} * place_count * 8;
    return (end + kPageBytes - 1) / kPageBytes * kPageBytes;
  }
  constexpr std::uint64_t total_bytes() const
  {
    return payload_at() + (payload_inside ? slot_count * slot_bytes : 0);
  }
  constexpr std::uint32_t payload_bytes_of_cell() const { return cell_bytes - kCellHeadBytes; }
};

/// Throws InvalidArgument, naming the field, its value and what was expected.
void check(const Geometry & geometry);

/// Of a tensor mailbox: slots are rounded up to whole pages, and its ring has room for all that a
/// reader may be told of. Throws InvalidArgument where that cannot even be reckoned.
Geometry tensor_geometry(
    std::uint32_t slot_count, std::uint64_t slot_bytes, std::uint32_t place_count);

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__LAYOUT_HPP_
