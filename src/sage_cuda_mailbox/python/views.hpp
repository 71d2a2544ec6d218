// Tensors in slots as arrays of Python's libraries, without copies.
#ifndef VIEWS_HPP_
#define VIEWS_HPP_

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>

#include "sage_mailbox/tensor.hpp"

namespace sage::mailbox::python
{

/// Where a slot lies.
struct Ground {
  std::byte * slot;
  std::int32_t device;  // index of the GPU; -1: host memory
};

enum class Access { read, write };

/// A numpy array over a tensor; it keeps `owner` alive. Raises WrongDtype for what numpy lacks
/// (bfloat16, memory of a GPU).
nanobind::object numpy_view(
    const Ground & ground, const Tensor & tensor, Access access, nanobind::handle owner);

/// The capsule of `__dlpack__`, which keeps `owner` alive. With `max_version` 1.0 or later it says
/// whether the tensor may be written.
nanobind::object dlpack_capsule(
    const Ground & ground, const Tensor & tensor, Access access, nanobind::handle owner,
    nanobind::handle max_version, nanobind::handle dl_device, nanobind::handle copy);

/// (device type, index) in the terms of DLPack.
nanobind::tuple dlpack_device(const Ground & ground);

nanobind::tuple shape_of(const Tensor & tensor);
nanobind::tuple strides_of(const Tensor & tensor);

}  // namespace sage::mailbox::python

#endif  // VIEWS_HPP_
