// What is raised in Python.
#ifndef ERRORS_HPP_
#define ERRORS_HPP_

#include <nanobind/nanobind.h>

#include <string>

#include "sage_mailbox/status.hpp"

namespace sage::mailbox::python
{

enum class Error {
  mailbox,
  name_taken,
  no_such_mailbox,
  not_a_mailbox,
  closed,
  full,
  busy,
  expired,
  generation_mismatch,
  not_leased,
  wrong_dtype,
  invalid_argument,
};
inline constexpr std::size_t kErrors = 12;

/// Puts the exception classes into the module, and has those of the library translated.
void define_errors(nanobind::module_ & module);

[[noreturn]] void raise(Error error, const std::string & text);

/// `<field> is <value>, expected <expected>`.
[[noreturn]] void refuse(
    const std::string & field, const std::string & value, const std::string & expected);

/// Raises what a status that is neither ok, nor empty, nor pending stands for; `what` begins the
/// sentence.
[[noreturn]] void raise(Status status, const std::string & what);

/// `value` as Python writes it, with its class where that helps.
std::string written(nanobind::handle value);

}  // namespace sage::mailbox::python

#endif  // ERRORS_HPP_
