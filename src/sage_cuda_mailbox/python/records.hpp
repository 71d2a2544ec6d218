// Records, one by one and many in an array.
#ifndef RECORDS_HPP_
#define RECORDS_HPP_

#include <nanobind/nanobind.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "reading.hpp"
#include "sage_mailbox/broadcast_mailbox.hpp"

namespace sage::mailbox::python
{

/// The bytes of an object of Python's, for as long as this lives.
class Bytes
{
public:
  /// Args: `flags`: of PyObject_GetBuffer. Raises InvalidArgument, naming `field`.
  Bytes(const char * field, nanobind::handle object, int flags);
  Bytes(const Bytes &) = delete;
  Bytes & operator=(const Bytes &) = delete;
  ~Bytes() { PyBuffer_Release(&view_); }

  unsigned char * data() const { return static_cast<unsigned char *>(view_.buf); }
  std::size_t length() const { return static_cast<std::size_t>(view_.len); }

private:
  Py_buffer view_;
};

struct Record {
  RecordHead head;
  std::array<char, 256> payload;
};

void define_record(nanobind::module_ & module);

/// The structured dtype of an array of records.
nanobind::object record_dtype(std::uint32_t payload_bytes);

/// Reads up to `limit` records, with other threads running. `status` is what ended it; ok: the
/// limit.
nanobind::object read_records(
    Reading<BroadcastReader> & reading, nanobind::handle dtype, std::uint64_t limit,
    Status & status);

}  // namespace sage::mailbox::python

#endif  // RECORDS_HPP_
