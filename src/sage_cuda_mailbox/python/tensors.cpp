#include "tensors.hpp"

#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>

#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "arguments.hpp"
#include "errors.hpp"
#include "leases.hpp"
#include "reading.hpp"
#include "shared_definitions.hpp"
#include "statistics.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace sage::mailbox::python
{

// Not without a name: nanobind tells classes apart by theirs.
namespace tensors
{

constexpr std::int64_t kMost32 = std::numeric_limits<std::uint32_t>::max();

class Mailbox
{
public:
  explicit Mailbox(TensorMailbox mailbox)
  : home_(std::make_shared<Home>(std::move(mailbox))), is_creator_(false)
  {
  }
  Mailbox(const Mailbox &) = delete;
  Mailbox & operator=(const Mailbox &) = delete;
  ~Mailbox()
  {
    if (is_creator_) {
      home_->mailbox.segment()->close_at_end();  // leases may keep `home_` for longer
    }
  }

  static std::unique_ptr<Mailbox> create(
      nb::handle name, nb::handle slot_bytes, nb::handle slot_count, nb::handle place_count,
      nb::handle ttl_ms, nb::handle backend_name)
  {
    const std::string called = text("name", name);
    TensorOptions options;
    options.slot_count =
        static_cast<std::uint32_t>(integer("slot_count", slot_count, 1, kMostSlots));
    options.slot_bytes = static_cast<std::uint64_t>(
        integer("slot_bytes", slot_bytes, 1, static_cast<std::int64_t>(kMostSlotBytes)));
    options.place_count =
        static_cast<std::uint32_t>(integer("place_count", place_count, 0, kMost32));
    options.ttl_ns = ttl_ms.is_none() ? 0 : ttl_ns(ttl_ms);
    options.backend = backend(backend_name);
    const nb::gil_scoped_release others_run;
    auto mailbox = std::make_unique<Mailbox>(TensorMailbox::create(called, options));
    mailbox->is_creator_ = true;
    return mailbox;
  }

  static std::unique_ptr<Mailbox> attach(nb::handle name)
  {
    const std::string called = text("name", name);
    const nb::gil_scoped_release others_run;
    return std::make_unique<Mailbox>(TensorMailbox::attach(called));
  }

  const std::shared_ptr<Home> & home() const { return home_; }
  const TensorMailbox & get() const { return home_->mailbox; }
  const Segment & segment() const { return *home_->mailbox.segment(); }
  void close() { home_->mailbox.close(); }

  nb::dict statistics() const
  {
    nb::dict seen = as_dict(get().statistics());
    seen["free_slots"] = get().free_slots();
    seen["written_in_place"] = home_->written_in_place.load();
    seen["written_by_copy"] = home_->written_by_copy.load();
    return seen;
  }

private:
  std::shared_ptr<Home> home_;
  bool is_creator_;
};

class Writer
{
public:
  explicit Writer(std::shared_ptr<Home> home)
  : home_(std::move(home)), writer_(std::make_unique<TensorWriter>(home_->mailbox.writer()))
  {
  }

  std::unique_ptr<PyWriteLease> acquire(nb::handle when_full)
  {
    if (!writer_) {
      throw Closed("this writer is closed");
    }
    const bool is_known = PyUnicode_Check(when_full.ptr());
    const std::string policy = is_known ? text("when_full", when_full) : "";
    if (policy != "refuse" && policy != "overwrite") {
      throw InvalidArgument("when_full", written(when_full), "'refuse' or 'overwrite'");
    }
    WriteLease lease;
    const Status status =
        writer_->acquire(lease, policy == "refuse" ? WhenFull::refuse : WhenFull::overwrite);
    if (status != Status::ok) {
      raise(status, home_->name());
    }
    return std::make_unique<PyWriteLease>(home_, std::move(lease));
  }

  void close() { writer_.reset(); }

private:
  std::shared_ptr<Home> home_;
  std::unique_ptr<TensorWriter> writer_;
};

class Reader
{
public:
  explicit Reader(std::shared_ptr<Home> home)
  : home_(std::move(home)),
    reading_(home_->mailbox.segment(), std::make_unique<TensorReader>(home_->mailbox.reader()))
  {
  }

  std::unique_ptr<PyReadLease> next()
  {
    ReadLease lease;
    const Status status = reading_.get().next(lease);
    if (status == Status::ok) {
      return std::make_unique<PyReadLease>(home_, std::move(lease));
    }
    reading_.found_nothing(status);
    return nullptr;
  }

  std::unique_ptr<PyReadLease> open(nb::handle slot, nb::handle generation)
  {
    const TensorId id{
        static_cast<std::uint32_t>(
            integer("slot", slot, 0, home_->mailbox.segment()->geometry().slot_count - 1)),
        unsigned_integer("generation", generation)};
    ReadLease lease;
    const Status status = reading_.get().open(id, lease);
    if (status != Status::ok) {
      raise(
          status, home_->name() + ", slot " + std::to_string(id.slot) + ", generation " +
                      std::to_string(id.generation));
    }
    return std::make_unique<PyReadLease>(home_, std::move(lease));
  }

  Reading<TensorReader> & reading() { return reading_; }

private:
  std::shared_ptr<Home> home_;
  Reading<TensorReader> reading_;
};

void define_writer(nb::module_ & module)
{
  nb::class_<Writer> type(
      module, "TensorWriter",
      "Writes tensors. Made by TensorMailbox.writer(); holds one place in the mailbox.");
  type.def(
          "acquire", &Writer::acquire, "when_full"_a.none() = "refuse",
          nb::sig("def acquire(self, when_full: str = 'refuse') -> WriteLease"),
          "Takes a slot to fill. Never waits.\n\n"
          "Args: `when_full`: 'refuse', or 'overwrite': take the oldest tensor that no reader has\n"
          "taken yet. Raises Full, Closed, InvalidArgument.")
      .def("close", &Writer::close, "Ends this writer; its open leases stay.");
  define_context(
      type, "def __enter__(self) -> TensorWriter", [](Writer & writer) { writer.close(); });
}

void define_reader(nb::module_ & module)
{
  nb::class_<Reader> type(
      module, "TensorReader",
      "Is given each tensor that is published while it is there. Made by TensorMailbox.reader();\n"
      "holds one place in the mailbox. One thread at a time.");
  type.def(
          "next", &Reader::next, nb::sig("def next(self) -> ReadLease | None"),
          "A lease on the next tensor; None if there is nothing new. Tensors that are no longer\n"
          "to be had are counted in `missed`. Raises Closed once everything was read.")
      .def(
          "open", &Reader::open, "slot"_a.none(), "generation"_a.none(),
          nb::sig("def open(self, slot: int, generation: int) -> ReadLease"),
          "A lease on the tensor that a handle names; gives back what was published before it.\n\n"
          "Raises GenerationMismatch, Expired, NotLeased, InvalidArgument.")
      .def_prop_ro(
          "missed", [](Reader & reader) { return reader.reading().get().missed(); },
          "Tensors that were recycled or expired before next() came to them.");
  define_reading(
      type, "def __enter__(self) -> TensorReader", "Ends this reader; its open leases stay.");
}

}  // namespace tensors

void define_tensors(nb::module_ & module)
{
  using namespace tensors;
  define_leases(module);
  define_writer(module);
  define_reader(module);
  nb::class_<Mailbox> type(
      module, "TensorMailbox",
      "Tensors change hands, their bytes stay where they are.\n\n"
      "The object that create() returned closes the mailbox when it is closed or deleted.");
  type.def_static(
          "create", &Mailbox::create, "name"_a.none(), nb::kw_only(), "slot_bytes"_a.none(),
          "slot_count"_a.none() = 4, "place_count"_a.none() = 32, "ttl_ms"_a.none() = 0,
          "backend"_a.none() = "shm",
          nb::sig(
              "def create(name: str, *, slot_bytes: int, slot_count: int = 4, "
              "place_count: int = 32, ttl_ms: float = 0, backend: str = 'shm') "
              "-> TensorMailbox"),
          "A new mailbox.\n\n"
          "Args: `slot_bytes`: rounded up to 4096; `slot_count`: 1 to 4096; `place_count`: how\n"
          "many writers and readers there can be at a time, 1 to 256; `ttl_ms`: how long readers\n"
          "may keep a tensor, 0: until given back; `backend`: 'host' (this process), 'shm' (this\n"
          "user's processes), 'cuda_vmm', 'cuda_ipc' or 'pinned'.\n"
          "Raises NameTaken, OutOfMemory, InvalidArgument.")
      .def_static(
          "attach", &Mailbox::attach, "name"_a.none(),
          nb::sig("def attach(name: str) -> TensorMailbox"),
          "The mailbox of this name. Raises NoSuchMailbox, NotAMailbox, InvalidArgument.")
      .def(
          "writer",
          [](Mailbox & mailbox) {
            require_open(mailbox.segment());
            return std::make_unique<Writer>(mailbox.home());
          },
          "A new writer. Raises Closed, NoFreePlace.")
      .def(
          "reader",
          [](Mailbox & mailbox) {
            require_open(mailbox.segment());
            return std::make_unique<Reader>(mailbox.home());
          },
          "A new reader. Raises Closed, NoFreePlace.")
      .def(
          "statistics", &Mailbox::statistics,
          nb::sig("def statistics(self) -> dict[str, typing.Any]"),
          "What the mailbox counts, its backend and device, its free slots, and how many tensors\n"
          "writers of this very object wrote in place and by a copy.")
      .def_prop_ro(
          "device", [](const Mailbox & mailbox) { return mailbox.segment().device(); },
          "Index of the GPU; -1: host memory.")
      .def_prop_ro(
          "slot_count",
          [](const Mailbox & mailbox) { return mailbox.segment().geometry().slot_count; })
      .def_prop_ro("slot_bytes", [](const Mailbox & mailbox) {
        return mailbox.segment().geometry().slot_bytes;
      });
  define_place(type, "def __enter__(self) -> TensorMailbox");
}

}  // namespace sage::mailbox::python
