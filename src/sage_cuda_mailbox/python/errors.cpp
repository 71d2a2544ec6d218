#include "errors.hpp"

#include <nanobind/stl/string.h>

#include <array>
#include <exception>
#include <stdexcept>

namespace nb = nanobind;

namespace sage::mailbox::python
{

namespace
{

std::array<PyObject *, kErrors> classes{};  // as long as the module, which is never unloaded

struct Definition {
  Error error;
  const char * name;
  PyObject * also;  // a class of Python's own that it is, too
  const char * meaning;
};

void define(nb::module_ & module, const Definition & definition)
{
  const bool is_root = definition.error == Error::mailbox;
  PyObject * root = classes[static_cast<std::size_t>(Error::mailbox)];
  const nb::object bases =
      is_root           ? nb::borrow(PyExc_Exception)
      : definition.also ? nb::object(nb::make_tuple(nb::handle(root), nb::handle(definition.also)))
                        : nb::borrow(root);
  const std::string name = nb::cast<std::string>(module.attr("__name__")) + "." + definition.name;
  PyObject * type =
      PyErr_NewExceptionWithDoc(name.c_str(), definition.meaning, bases.ptr(), nullptr);
  if (type == nullptr) {
    throw nb::python_error();
  }
  classes[static_cast<std::size_t>(definition.error)] = type;
  module.attr(definition.name) = nb::handle(type);
}

void set(Error error, const char * text)
{
  PyErr_SetString(classes[static_cast<std::size_t>(error)], text);
}

void translate(const std::exception_ptr & thrown, void *)
{
  try {
    std::rethrow_exception(thrown);
  } catch (const NameTaken & error) {
    set(Error::name_taken, error.what());
  } catch (const NoSuchMailbox & error) {
    set(Error::no_such_mailbox, error.what());
  } catch (const NotAMailbox & error) {
    set(Error::not_a_mailbox, error.what());
  } catch (const MailboxError & error) {
    set(Error::mailbox, error.what());
  } catch (const std::invalid_argument & error) {
    set(Error::invalid_argument, error.what());
  }
}

Error error_of(Status status)
{
  switch (status) {
    case Status::closed:
      return Error::closed;
    case Status::full:
      return Error::full;
    case Status::busy:
      return Error::busy;
    case Status::expired:
      return Error::expired;
    case Status::recycled:
      return Error::generation_mismatch;
    case Status::not_leased:
      return Error::not_leased;
    case Status::invalid:
      return Error::not_a_mailbox;
    default:
      return Error::mailbox;
  }
}

const char * meaning_of(Status status)
{
  switch (status) {
    case Status::closed:
      return "the mailbox is closed";
    case Status::full:
      return "every slot is being written, or leased to a reader";
    case Status::busy:
      return "stalled writers hold the next cells; nothing was written";
    case Status::expired:
      return "the lease ended before: its time was over, or the slot was taken for something newer";
    case Status::recycled:
      return "the slot has another generation: it holds something newer";
    case Status::not_leased:
      return "there is no lease: never given, already taken, or given back";
    case Status::inherited:
      return "made before a fork, and the parent's: make a new writer or reader in this process";
    case Status::invalid:
      return "the mailbox was tampered with";
    default:
      return name_of(status);
  }
}

}  // namespace

void define_errors(nb::module_ & module)
{
  const Definition definitions[] = {
      {Error::mailbox, "MailboxError", nullptr, "A mailbox cannot do what it was asked for."},
      {Error::name_taken, "NameTaken", nullptr,
       "The name is taken by a mailbox whose creator is alive."},
      {Error::no_such_mailbox, "NoSuchMailbox", nullptr, "There is no mailbox of this name."},
      {Error::not_a_mailbox, "NotAMailbox", nullptr,
       "What lies under the name is no mailbox of this kind and version, or damaged, or of "
       "another user."},
      {Error::closed, "Closed", nullptr,
       "The mailbox, or this end of it, is closed, and everything was read."},
      {Error::full, "Full", nullptr, "Every slot is being written, or leased to a reader."},
      {Error::busy, "Busy", nullptr, "Stalled writers hold the next cells; nothing was written."},
      {Error::expired, "Expired", nullptr,
       "The lease ended before: its time was over, or the slot was taken for something newer."},
      {Error::generation_mismatch, "GenerationMismatch", nullptr,
       "The slot was recycled: it holds another tensor than the one asked for."},
      {Error::not_leased, "NotLeased", nullptr,
       "There is no lease: never given, already taken, or given back."},
      {Error::wrong_dtype, "WrongDtype", PyExc_TypeError,
       "The tensor has another element type or shape, or one that the library asked for lacks."},
      {Error::invalid_argument, "InvalidArgument", PyExc_ValueError,
       "An argument is out of range; the text names it, its value and what was expected."},
  };
  for (const Definition & definition : definitions) {
    define(module, definition);
  }
  nb::register_exception_translator(translate);
}

void raise(Error error, const std::string & text)
{
  set(error, text.c_str());
  throw nb::python_error();
}

void refuse(const std::string & field, const std::string & value, const std::string & expected)
{
  raise(Error::invalid_argument, field + " is " + value + ", expected " + expected);
}

void raise(Status status, const std::string & what)
{
  raise(error_of(status), what + ": " + meaning_of(status));
}

std::string written(nb::handle value)
{
  constexpr std::size_t most = 80;
  std::string text = nb::repr(value).c_str();
  if (text.size() > most) {
    text = text.substr(0, most) + "...";
  }
  return text;
}

}  // namespace sage::mailbox::python
