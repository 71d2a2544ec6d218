// The focus tensor mailbox in Python.
#ifndef TENSORS_HPP_
#define TENSORS_HPP_

#include <nanobind/nanobind.h>

namespace sage::mailbox::python
{

void define_tensors(nanobind::module_ & module);

}  // namespace sage::mailbox::python

#endif  // TENSORS_HPP_
