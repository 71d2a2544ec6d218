// Arguments from Python: each is believed only after a look at it.
#ifndef ARGUMENTS_HPP_
#define ARGUMENTS_HPP_

#include <nanobind/nanobind.h>

#include <cstdint>
#include <string>

#include "sage_mailbox/layout.hpp"
#include "sage_mailbox/tensor.hpp"

namespace sage::mailbox::python
{

// All raise InvalidArgument, naming `field`, the value and what was expected.

/// An integer, or anything that stands for one (numpy's, for instance), from `least` to `most`.
std::int64_t integer(
    const char * field, nanobind::handle value, std::int64_t least, std::int64_t most);

/// The same, of 64 bits without sign.
std::uint64_t unsigned_integer(const char * field, nanobind::handle value);

std::string text(const char * field, nanobind::handle value);

bool truth(const char * field, nanobind::handle value);

/// Seconds as nanoseconds; None: -1, no limit.
std::int64_t timeout_ns(nanobind::handle timeout_s);

/// Milliseconds as nanoseconds; None: -1, the mailbox's own.
std::int64_t ttl_ns(nanobind::handle ttl_ms);

/// 'host', 'shm', 'cuda_vmm', 'cuda_ipc' or 'pinned'.
Backend backend(nanobind::handle name);

/// A dtype of numpy, or what it makes one of, or 'bfloat16'.
DataType element_type(nanobind::handle dtype);

/// A sequence of integers from 0 on, or one integer.
Shape shape(nanobind::handle value);

/// A sequence of integers.
Strides strides(nanobind::handle value);

}  // namespace sage::mailbox::python

#endif  // ARGUMENTS_HPP_
