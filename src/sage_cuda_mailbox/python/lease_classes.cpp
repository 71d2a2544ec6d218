#include "arguments.hpp"
#include "leases.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace sage::mailbox::python
{

namespace
{

using PyWriteLeaseSelf = nb::pointer_and_handle<PyWriteLease>;
using PyReadLeaseSelf = nb::pointer_and_handle<PyReadLease>;

constexpr const char * kDlpackSignature =
    "def __dlpack__(self, *, stream: object = None, max_version: tuple[int, int] | None = None, "
    "dl_device: tuple[int, int] | None = None, copy: bool | None = None) -> object";

void define_write_lease(nb::module_ & module)
{
  nb::class_<PyWriteLease>(
      module, "WriteLease",
      "A slot being filled. Made by TensorWriter.acquire(); a context manager, which gives the\n"
      "slot back if it was not published.")
      .def(
          "array",
          [](PyWriteLeaseSelf self, nb::handle shape, nb::handle dtype, nb::handle offset_bytes) {
            self.p->describe(shape, dtype, nb::none(), offset_bytes);
            return self.p->view(self.h);
          },
          "shape"_a.none(), "dtype"_a.none() = "uint8", "offset_bytes"_a.none() = 0,
          nb::sig(
              "def array(self, shape: int | collections.abc.Sequence[int], "
              "dtype: object = 'uint8', offset_bytes: int = 0) -> numpy.ndarray"),
          "The tensor to publish, as a dense numpy array in the slot, to be written in place. It\n"
          "is read-only once the lease ended.\n\n"
          "Args: `shape`: up to 8 dimensions; `dtype`: what numpy.dtype takes; `offset_bytes`: of\n"
          "the first element. Raises InvalidArgument, WrongDtype, NotLeased.")
      .def(
          "describe",
          [](PyWriteLease & lease, nb::handle shape, nb::handle dtype, nb::handle strides_bytes,
             nb::handle offset_bytes) {
            lease.describe(shape, dtype, strides_bytes, offset_bytes);
          },
          "shape"_a.none(), "dtype"_a.none(), "strides_bytes"_a = nb::none(),
          "offset_bytes"_a.none() = 0,
          nb::sig(
              "def describe(self, shape: int | collections.abc.Sequence[int], dtype: object, "
              "strides_bytes: collections.abc.Sequence[int] | None = None, "
              "offset_bytes: int = 0) -> None"),
          "The same without an array, for who writes otherwise, as by torch.from_dlpack(lease);\n"
          "`dtype` may be 'bfloat16', and `strides_bytes` leave gaps.")
      .def(
          "copy", [](PyWriteLeaseSelf self, nb::handle array) { self.p->copy(self.h, array); },
          "array"_a.none(), nb::sig("def copy(self, array: object) -> None"),
          "Copies an array of host memory into the slot; it is what publish() hands over. Counted\n"
          "as `written_by_copy`.")
      .def(
          "publish", &PyWriteLease::publish, "tag"_a.none() = 0, "stamp_ns"_a.none() = 0,
          "ttl_ms"_a = nb::none(),
          nb::sig(
              "def publish(self, tag: int = 0, stamp_ns: int = 0, "
              "ttl_ms: float | None = None) -> int"),
          "Hands the tensor over to all readers that are there, wakes them, and returns how many\n"
          "they are. Ends the lease.\n\n"
          "Args: `tag`: for instance a frame number; `stamp_ns`: of the sensor sample; `ttl_ms`:\n"
          "how long readers may keep it, 0: until given back, None: as the mailbox was made.\n"
          "Raises Closed, Busy (nobody has it), NotLeased, InvalidArgument.")
      .def("abandon", &PyWriteLease::abandon, "Gives the slot back unpublished.")
      .def(
          "__dlpack__",
          [](PyWriteLeaseSelf self, nb::handle, nb::handle max_version, nb::handle dl_device,
             nb::handle copy) { return self.p->capsule(self.h, max_version, dl_device, copy); },
          nb::kw_only(), "stream"_a = nb::none(), "max_version"_a = nb::none(),
          "dl_device"_a = nb::none(), "copy"_a = nb::none(), nb::sig(kDlpackSignature))
      .def(
          "__dlpack_device__", &PyWriteLease::device,
          nb::sig("def __dlpack_device__(self) -> tuple[int, int]"))
      .def_prop_ro("slot", [](const PyWriteLease & lease) { return lease.id().slot; })
      .def_prop_ro("generation", [](const PyWriteLease & lease) { return lease.id().generation; })
      .def_prop_ro("bytes", &PyWriteLease::bytes, "Size of the slot.")
      .def_prop_ro("is_open", &PyWriteLease::is_open)
      .def(
          "__enter__", [](nb::handle self) { return nb::borrow(self); },
          nb::sig("def __enter__(self) -> WriteLease"))
      .def(
          "__exit__", [](PyWriteLease & lease, nb::args) { lease.abandon(); },
          nb::sig("def __exit__(self, *exception: object) -> None"));
}

void define_read_lease(nb::module_ & module)
{
  nb::class_<PyReadLease>(
      module, "ReadLease",
      "A tensor being looked at. Made by TensorReader; a context manager, which gives the lease\n"
      "back, and raises Expired or GenerationMismatch if it had ended before. Arrays over it keep\n"
      "it alive; once it is given back their memory stays mapped, but may hold something newer.")
      .def(
          "numpy",
          [](PyReadLeaseSelf self, nb::handle dtype, nb::handle shape) {
            return self.p->view(self.h, dtype, shape);
          },
          "dtype"_a = nb::none(), "shape"_a = nb::none(),
          nb::sig(
              "def numpy(self, dtype: object = None, "
              "shape: int | collections.abc.Sequence[int] | None = None) -> numpy.ndarray"),
          "The tensor as a numpy array that cannot be written, without a copy.\n\n"
          "Args: `dtype`, `shape`: what is expected; else WrongDtype. Raises NotLeased,\n"
          "WrongDtype also for what numpy lacks: bfloat16, and memory of a GPU.")
      .def(
          "__dlpack__",
          [](PyReadLeaseSelf self, nb::handle, nb::handle max_version, nb::handle dl_device,
             nb::handle copy) { return self.p->capsule(self.h, max_version, dl_device, copy); },
          nb::kw_only(), "stream"_a = nb::none(), "max_version"_a = nb::none(),
          "dl_device"_a = nb::none(), "copy"_a = nb::none(), nb::sig(kDlpackSignature),
          "For torch.from_dlpack(lease) and the like, without a copy. Not to be written.")
      .def(
          "__dlpack_device__", &PyReadLease::device,
          nb::sig("def __dlpack_device__(self) -> tuple[int, int]"))
      .def(
          "check", &PyReadLease::check,
          "Raises Expired or GenerationMismatch if what is seen may be something else by now.")
      .def(
          "release", &PyReadLease::release,
          "Gives the lease back. Raises Expired or GenerationMismatch if it had ended before.")
      .def_prop_ro("slot", [](const PyReadLease & lease) { return lease.id().slot; })
      .def_prop_ro("generation", [](const PyReadLease & lease) { return lease.id().generation; })
      .def_prop_ro(
          "shape", [](const PyReadLease & lease) { return shape_of(lease.tensor()); },
          nb::sig("def shape(self) -> tuple[int, ...]"))
      .def_prop_ro(
          "strides_bytes", [](const PyReadLease & lease) { return strides_of(lease.tensor()); },
          nb::sig("def strides_bytes(self) -> tuple[int, ...]"))
      .def_prop_ro(
          "offset_bytes", [](const PyReadLease & lease) { return lease.tensor().offset_bytes; })
      .def_prop_ro(
          "dtype",
          [](const PyReadLease & lease) {
            return nb::str(mailbox::name_of(lease.tensor().type).c_str());
          },
          "Its name in numpy, or 'bfloat16'.")
      .def_prop_ro(
          "tag", [](const PyReadLease & lease) { return lease.tensor().tag; },
          "Set by the writer, for instance a frame number.")
      .def_prop_ro(
          "stamp_ns", [](const PyReadLease & lease) { return lease.tensor().stamp_ns; },
          "Of the sensor sample [ns].")
      .def_prop_ro("backend", [](const PyReadLease & lease) { return name_of(lease.backend()); })
      .def_prop_ro("device", &PyReadLease::device_index, "Index of the GPU; -1: host memory.")
      .def_prop_ro("is_open", &PyReadLease::is_open)
      .def(
          "__enter__", [](nb::handle self) { return nb::borrow(self); },
          nb::sig("def __enter__(self) -> ReadLease"))
      .def(
          "__exit__",
          [](PyReadLease & lease, nb::handle type, nb::handle, nb::handle) {
            lease.leave(!type.is_none());
          },
          "type"_a.none(), "value"_a.none(), "traceback"_a.none(),
          nb::sig("def __exit__(self, type: object, value: object, traceback: object) -> None"));
}

}  // namespace

void define_leases(nb::module_ & module)
{
  define_write_lease(module);
  define_read_lease(module);
}

}  // namespace sage::mailbox::python
