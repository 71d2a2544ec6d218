#include "records.hpp"

#include <cstring>
#include <string>

#include "errors.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace sage::mailbox::python
{

namespace
{

/// A record's words as record_dtype has them; its payload follows.
struct Row {
  std::uint64_t sequence;
  std::int64_t stamp_ns;
  std::uint32_t producer;
  std::uint16_t type;
  std::uint16_t length;
};
static_assert(sizeof(Row) == 24);

std::uint64_t read_rows(
    BroadcastReader & reader, unsigned char * at, std::uint64_t limit, Status & status)
{
  const std::size_t row_bytes = sizeof(Row) + reader.payload_bytes();
  for (std::uint64_t count = 0; count < limit; ++count, at += row_bytes) {
    RecordHead head;
    status = reader.pop(head, at + sizeof(Row));
    if (status != Status::ok) {
      return count;
    }
    const Row row{head.sequence, head.stamp_ns, head.producer, head.type, head.length};
    std::memcpy(at, &row, sizeof row);
    std::memset(at + sizeof row + head.length, 0, reader.payload_bytes() - head.length);
  }
  return limit;
}

std::string text_of(const Record & record)
{
  return "Record(sequence=" + std::to_string(record.head.sequence) +
         ", type=" + std::to_string(record.head.type) +
         ", producer=" + std::to_string(record.head.producer) +
         ", stamp_ns=" + std::to_string(record.head.stamp_ns) + ", payload=<" +
         std::to_string(record.head.length) + " bytes>)";
}

}  // namespace

Bytes::Bytes(const char * field, nb::handle object, int flags)
{
  if (PyObject_GetBuffer(object.ptr(), &view_, flags) != 0) {
    PyErr_Clear();
    throw InvalidArgument(field, written(object), "bytes, or another buffer without gaps");
  }
}

void define_record(nb::module_ & module)
{
  nb::class_<Record>(module, "Record", "What a reader of a broadcast mailbox gets.")
      .def_prop_ro(
          "payload",
          [](const Record & record) {
            return nb::bytes(record.payload.data(), record.head.length);
          },
          "A copy of the payload.")
      .def_prop_ro(
          "type", [](const Record & record) { return record.head.type; },
          "Of the writer's choosing, 0 to 65535.")
      .def_prop_ro(
          "producer", [](const Record & record) { return record.head.producer; },
          "The writer's place in the mailbox.")
      .def_prop_ro(
          "stamp_ns", [](const Record & record) { return record.head.stamp_ns; },
          "When what the record is about happened [ns].")
      .def_prop_ro(
          "sequence", [](const Record & record) { return record.head.sequence; },
          "Counts records of all writers, from 0.")
      .def("__repr__", &text_of);
}

nb::object record_dtype(std::uint32_t payload_bytes)
{
  nb::list fields;
  const char * const names[][2] = {
      {"sequence", "u8"}, {"stamp_ns", "i8"}, {"producer", "u4"}, {"type", "u2"}, {"length", "u2"}};
  for (const auto & [name, type] : names) {
    fields.append(nb::make_tuple(name, type));
  }
  fields.append(nb::make_tuple("payload", "u1", nb::make_tuple(payload_bytes)));
  return nb::module_::import_("numpy").attr("dtype")(fields);
}

nb::object read_records(
    Reading<BroadcastReader> & reading, nb::handle dtype, std::uint64_t limit, Status & status)
{
  BroadcastReader & reader = reading.get();
  nb::object array = nb::module_::import_("numpy").attr("empty")(limit, dtype);
  std::uint64_t count = 0;
  {
    const Bytes bytes("array", array, PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS);
    count = reading.unlocked([&] { return read_rows(reader, bytes.data(), limit, status); });
  }
  return count == limit ? array : array[nb::slice(nb::int_(0), nb::int_(count), nb::none())];
}

}  // namespace sage::mailbox::python
