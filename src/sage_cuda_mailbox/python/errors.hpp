// What is raised in Python: the library's errors under their own names.
#ifndef ERRORS_HPP_
#define ERRORS_HPP_

#include <nanobind/nanobind.h>

#include <string>

#include "sage_mailbox/errors.hpp"

namespace sage::mailbox::python
{

/// A reader is used by two threads at once.
struct InUse : MailboxError {
  using MailboxError::MailboxError;
};
/// The tensor is another than was asked for, or one that the asking library has no type for.
struct WrongDtype : MailboxError {
  using MailboxError::MailboxError;
};

/// Puts the exception classes into the module, and has the library's errors translated.
void define_errors(nanobind::module_ & module);

/// `value` as Python writes it, with its class where that helps.
std::string written(nanobind::handle value);

}  // namespace sage::mailbox::python

#endif  // ERRORS_HPP_
