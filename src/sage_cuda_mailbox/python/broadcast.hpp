// The peripheral broadcast mailbox in Python.
#ifndef BROADCAST_HPP_
#define BROADCAST_HPP_

#include <nanobind/nanobind.h>

namespace sage::mailbox::python
{

void define_broadcast(nanobind::module_ & module);

}  // namespace sage::mailbox::python

#endif  // BROADCAST_HPP_
