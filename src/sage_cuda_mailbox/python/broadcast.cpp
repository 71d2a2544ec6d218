#include "broadcast.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "arguments.hpp"
#include "errors.hpp"
#include "reading.hpp"
#include "records.hpp"
#include "sage_mailbox/broadcast_mailbox.hpp"
#include "shared_definitions.hpp"
#include "statistics.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace sage::mailbox::python
{

// Not without a name: nanobind tells classes apart by theirs.
namespace broadcast
{

class Mailbox
{
public:
  explicit Mailbox(BroadcastMailbox mailbox) : mailbox_(std::move(mailbox)) {}

  static std::unique_ptr<Mailbox> create(
      nb::handle name, nb::handle cell_bytes, nb::handle cell_count, nb::handle place_count,
      nb::handle backend_name)
  {
    constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
    const std::string called = text("name", name);
    BroadcastOptions options;
    options.cell_bytes = static_cast<std::uint32_t>(integer("cell_bytes", cell_bytes, 0, most));
    options.cell_count = static_cast<std::uint32_t>(integer("cell_count", cell_count, 0, most));
    options.place_count = static_cast<std::uint32_t>(integer("place_count", place_count, 0, most));
    options.backend = backend(backend_name);
    const nb::gil_scoped_release others_run;
    return std::make_unique<Mailbox>(BroadcastMailbox::create(called, options));
  }

  static std::unique_ptr<Mailbox> attach(nb::handle name)
  {
    const std::string called = text("name", name);
    const nb::gil_scoped_release others_run;
    return std::make_unique<Mailbox>(BroadcastMailbox::attach(called));
  }

  BroadcastMailbox & get() { return mailbox_; }
  const Segment & segment() const { return *mailbox_.segment(); }
  void close() { mailbox_.close(); }

private:
  BroadcastMailbox mailbox_;
};

class Writer
{
public:
  explicit Writer(const BroadcastMailbox & mailbox)
  : name_(mailbox.segment()->name()), writer_(std::make_unique<BroadcastWriter>(mailbox.segment()))
  {
  }

  std::uint64_t push(nb::handle object, nb::handle type, nb::handle stamp_ns)
  {
    BroadcastWriter & writer = get();
    const Bytes payload("payload", object, PyBUF_SIMPLE);
    if (payload.length() > writer.payload_bytes()) {
      throw InvalidArgument(
          "payload", std::to_string(payload.length()) + " bytes",
          "at most " + std::to_string(writer.payload_bytes()));
    }
    const std::int64_t kind = integer("type", type, 0, std::numeric_limits<std::uint16_t>::max());
    const std::int64_t stamp = integer(
        "stamp_ns", stamp_ns, std::numeric_limits<std::int64_t>::min(),
        std::numeric_limits<std::int64_t>::max());
    std::uint64_t sequence = 0;
    const Status status = writer.push(
        payload.data(), payload.length(), static_cast<std::uint16_t>(kind), stamp, &sequence);
    if (status != Status::ok) {
      raise(status, "mailbox '" + name_ + "'");
    }
    return sequence;
  }

  BroadcastWriter & get() const
  {
    if (!writer_) {
      throw Closed("this writer is closed");
    }
    return *writer_;
  }
  void close() { writer_.reset(); }

private:
  std::string name_;
  std::unique_ptr<BroadcastWriter> writer_;
};

class Reader
{
public:
  Reader(const BroadcastMailbox & mailbox, bool oldest)
  : reading_(
        mailbox.segment(),
        std::make_unique<BroadcastReader>(mailbox.segment(), oldest ? From::oldest : From::now)),
    dtype_(record_dtype(reading_.get().payload_bytes()))
  {
  }

  std::optional<Record> pop()
  {
    Record record;
    const Status status = reading_.get().pop(record.head, record.payload.data());
    if (status == Status::ok) {
      return record;
    }
    reading_.found_nothing(status);
    return std::nullopt;
  }

  nb::object pop_many(nb::handle limit)
  {
    const std::int64_t wanted =
        integer("limit", limit, 1, std::numeric_limits<std::int64_t>::max());
    BroadcastReader & reader = reading_.get();
    const Segment & segment = *reading_.segment();
    const std::uint64_t head = SystemAtomics::load(&segment.header().head);
    const std::uint64_t there = std::min<std::uint64_t>(
        head - std::min(head, reader.next()), segment.geometry().cell_count);
    // one more than there are, to find out whether the mailbox is closed
    const std::uint64_t most = std::min<std::uint64_t>(wanted, there + 1);
    Status status = Status::ok;
    nb::object records = read_records(reading_, dtype_, most, status);
    if (status != Status::ok && (status != Status::closed || nb::len(records) == 0)) {
      reading_.found_nothing(status);
    }
    return records;
  }

  Reading<BroadcastReader> & reading() { return reading_; }

private:
  Reading<BroadcastReader> reading_;
  nb::object dtype_;
};

void define_writer(nb::module_ & module)
{
  nb::class_<Writer> type(
      module, "BroadcastWriter",
      "Writes records. Made by BroadcastMailbox.writer(); holds one place in the mailbox.");
  type.def(
          "push", &Writer::push, "payload"_a.none(), "type"_a.none() = 0, "stamp_ns"_a.none() = 0,
          nb::sig(
              "def push(self, payload: bytes | bytearray | memoryview | numpy.ndarray, type: int = "
              "0, stamp_ns: int = 0) -> int"),
          "Writes one record, wakes those who wait for it, and returns its sequence. Never "
          "waits.\n\n"
          "Args: `payload`: bytes or another buffer, at most `payload_bytes`; `type`: 0 to 65535;\n"
          "`stamp_ns`: when what it is about happened.\n"
          "Raises Busy, Closed, InvalidArgument.")
      .def_prop_ro(
          "payload_bytes", [](const Writer & writer) { return writer.get().payload_bytes(); },
          "The longest payload of a record.")
      .def_prop_ro(
          "producer", [](const Writer & writer) { return writer.get().producer(); },
          "What readers see as `Record.producer`.")
      .def("close", &Writer::close, "Gives the place back.");
  define_context(
      type, "def __enter__(self) -> BroadcastWriter", [](Writer & writer) { writer.close(); });
}

void define_reader(nb::module_ & module)
{
  nb::class_<Reader> type(
      module, "BroadcastReader",
      "Reads records at its own pace. Made by BroadcastMailbox.reader(). One thread at a time.");
  type.def(
          "pop", &Reader::pop,
          "The next record; None if there is nothing new.\n\n"
          "Raises Closed once the mailbox is closed and everything in it was read.")
      .def(
          "pop_many", &Reader::pop_many, "limit"_a.none(),
          nb::sig("def pop_many(self, limit: int) -> numpy.ndarray"),
          "Up to `limit` records that are there, as one structured array: `sequence`, `stamp_ns`,\n"
          "`producer`, `type`, `length`, and `payload` (uint8, zero behind `length`).\n\n"
          "Raises Closed as pop() does; InvalidArgument.")
      .def_prop_ro(
          "lost", [](Reader & reader) { return reader.reading().get().lost(); },
          "Records overwritten, or never finished, before this reader came to them.")
      .def_prop_ro(
          "next_sequence", [](Reader & reader) { return reader.reading().get().next(); },
          "Sequence of the record that is read next.")
      .def_prop_ro(
          "payload_bytes", [](Reader & reader) { return reader.reading().get().payload_bytes(); },
          "The longest payload of a record.");
  define_reading(type, "def __enter__(self) -> BroadcastReader", "Ends this reader.");
}

}  // namespace broadcast

void define_broadcast(nb::module_ & module)
{
  using namespace broadcast;
  define_record(module);
  define_writer(module);
  define_reader(module);
  nb::class_<Mailbox> type(
      module, "BroadcastMailbox",
      "Small records from many writers to many readers; nobody waits for anybody.\n\n"
      "The object that create() returned closes the mailbox when it is closed or deleted.");
  type.def_static(
          "create", &Mailbox::create, "name"_a.none(), nb::kw_only(), "cell_bytes"_a.none() = 64,
          "cell_count"_a.none() = 1024, "place_count"_a.none() = 64, "backend"_a.none() = "shm",
          nb::sig(
              "def create(name: str, *, cell_bytes: int = 64, cell_count: int = 1024, "
              "place_count: int = 64, backend: str = 'shm') -> BroadcastMailbox"),
          "A new mailbox.\n\n"
          "Args: `cell_bytes`: 64, 128, 192 or 256, a payload has 24 less; `cell_count`: a power\n"
          "of two, how far a reader may lag; `place_count`: how many writers there can be at a\n"
          "time, 1 to 256; `backend`: 'host' (this process) or 'shm' (this user's processes).\n"
          "Raises NameTaken, OutOfMemory, InvalidArgument.")
      .def_static(
          "attach", &Mailbox::attach, "name"_a.none(),
          nb::sig("def attach(name: str) -> BroadcastMailbox"),
          "The mailbox of this name. Raises NoSuchMailbox, NotAMailbox, InvalidArgument.")
      .def(
          "writer",
          [](Mailbox & mailbox) {
            require_open(mailbox.segment());
            return std::make_unique<Writer>(mailbox.get());
          },
          "A new writer. Raises Closed, NoFreePlace.")
      .def(
          "reader",
          [](Mailbox & mailbox, nb::handle oldest) {
            const bool from_oldest = truth("oldest", oldest);
            require_open(mailbox.segment());
            return std::make_unique<Reader>(mailbox.get(), from_oldest);
          },
          nb::kw_only(), "oldest"_a.none() = false,
          nb::sig("def reader(self, *, oldest: bool = False) -> BroadcastReader"),
          "A new reader: of what comes from now on, or from the oldest record that is there.\n"
          "Raises Closed, InvalidArgument.")
      .def(
          "statistics", [](Mailbox & mailbox) { return as_dict(mailbox.get().statistics()); },
          nb::sig("def statistics(self) -> dict[str, typing.Any]"),
          "What the mailbox counts, and its backend and device.")
      .def_prop_ro(
          "cell_count", [](Mailbox & mailbox) { return mailbox.segment().geometry().cell_count; })
      .def_prop_ro(
          "payload_bytes",
          [](Mailbox & mailbox) { return mailbox.segment().geometry().payload_bytes_of_cell(); },
          "The longest payload of a record.");
  define_place(type, "def __enter__(self) -> BroadcastMailbox");
}

}  // namespace sage::mailbox::python
