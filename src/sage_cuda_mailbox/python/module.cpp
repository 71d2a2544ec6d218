#include <nanobind/nanobind.h>

#include "broadcast.hpp"
#include "errors.hpp"
#include "statistics.hpp"
#include "tensors.hpp"

NB_MODULE(_native, module)
{
  using namespace sage::mailbox::python;
  nanobind::set_leak_warnings(false);  // objects that live until the process ends are no leak
  define_errors(module);
  define_broadcast(module);
  define_tensors(module);
  define_sweeping(module);
}
