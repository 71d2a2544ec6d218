// Statistics and names of mailboxes in Python.
#ifndef STATISTICS_HPP_
#define STATISTICS_HPP_

#include <nanobind/nanobind.h>

#include "sage_mailbox/statistics.hpp"

namespace sage::mailbox::python
{

nanobind::dict as_dict(const Statistics & statistics);

/// sweep_stale() and list_mailboxes().
void define_sweeping(nanobind::module_ & module);

}  // namespace sage::mailbox::python

#endif  // STATISTICS_HPP_
