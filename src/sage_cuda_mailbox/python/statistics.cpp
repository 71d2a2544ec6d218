#include "statistics.hpp"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "arguments.hpp"
#include "sage_mailbox/segment.hpp"

namespace nb = nanobind;

namespace sage::mailbox::python
{

nb::dict as_dict(const Statistics & statistics)
{
  nb::dict seen;
  seen["backend"] = name_of(statistics.backend);
  seen["device"] = statistics.device;
  seen["records"] = statistics.records;
  seen["skipped"] = statistics.skipped;
  seen["refused"] = statistics.refused;
  seen["published"] = statistics.published;
  seen["reclaimed"] = statistics.reclaimed;
  seen["expired"] = statistics.expired;
  seen["overwritten"] = statistics.overwritten;
  seen["copied"] = statistics.copied;
  seen["writers"] = statistics.writers;
  seen["readers"] = statistics.readers;
  seen["closed"] = statistics.closed;
  return seen;
}

void define_sweeping(nb::module_ & module)
{
  module.def(
      "sweep_stale", &sweep_stale, nb::call_guard<nb::gil_scoped_release>(),
      "Removes this user's mailboxes in shared memory of which the creator and all participants\n"
      "are gone, and returns their names.");
  module.def(
      "list_mailboxes", &list, nb::call_guard<nb::gil_scoped_release>(),
      "Names of this user's mailboxes in shared memory; files that are no mailboxes are left out.");
}

}  // namespace sage::mailbox::python
