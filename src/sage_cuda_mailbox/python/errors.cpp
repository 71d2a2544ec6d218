#include "errors.hpp"

#include <nanobind/stl/string.h>

#include <cerrno>
#include <exception>
#include <iterator>

namespace nb = nanobind;

namespace sage::mailbox::python
{

namespace
{

template <class Error>
bool is(const std::exception & error)
{
  return dynamic_cast<const Error *>(&error) != nullptr;
}

/// An exception class; bases come before what derives from them.
struct Definition {
  const char * name;
  const char * base;        // one of these classes; empty: Exception
  PyObject * const * also;  // a class of Python's own that it is, too
  bool (*is_this)(const std::exception &);
  const char * meaning;
  int number =
      0;  // errno of its instances, if they are of an OSError; SystemCallErrors have theirs
};

const Definition kDefinitions[] = {
    {"MailboxError", "", nullptr, is<MailboxError>, "A mailbox cannot do what it was asked for."},
    {"OpenError", "MailboxError", nullptr, is<OpenError>,
     "A mailbox could not be created or attached to."},
    {"NameTaken", "OpenError", &PyExc_FileExistsError, is<NameTaken>,
     "The name is taken by a mailbox whose creator is alive, or by a file that is no mailbox.",
     EEXIST},
    {"NoSuchMailbox", "OpenError", &PyExc_FileNotFoundError, is<NoSuchMailbox>,
     "There is no mailbox of this name.", ENOENT},
    {"OutOfMemory", "OpenError", &PyExc_MemoryError, is<OutOfMemory>,
     "/dev/shm, or this process, has no room for the mailbox."},
    {"WrongBackend", "OpenError", nullptr, is<WrongBackend>,
     "Its tensors lie where this build cannot look."},
    {"NotAMailbox", "OpenError", nullptr, is<NotAMailbox>,
     "What lies under the name cannot be used as the mailbox that was asked for."},
    {"WrongOwner", "NotAMailbox", &PyExc_PermissionError, is<WrongOwner>,
     "The file is another user's, or open to other users.", EACCES},
    {"WrongVersion", "NotAMailbox", nullptr, is<WrongVersion>,
     "The mailbox has another layout than this library."},
    {"WrongKind", "NotAMailbox", &PyExc_TypeError, is<WrongKind>,
     "It holds tensors where records were asked for, or the other way round."},
    {"WrongSize", "NotAMailbox", nullptr, is<WrongSize>,
     "The file is shorter or longer than its header says."},
    {"DamagedHeader", "NotAMailbox", nullptr, is<DamagedHeader>,
     "The header's checksum is wrong, or a field in it is out of range."},
    {"NoFreePlace", "MailboxError", nullptr, is<NoFreePlace>,
     "As many writers and readers are alive as the mailbox has places."},
    {"SendError", "MailboxError", nullptr, is<SendError>, "Nothing was written."},
    {"Full", "SendError", &PyExc_BlockingIOError, is<Full>,
     "Every slot is being written, or leased to a reader.", EAGAIN},
    {"Busy", "SendError", &PyExc_BlockingIOError, is<Busy>,
     "Stalled writers hold the next cells; nothing was written.", EAGAIN},
    {"ReceiveError", "MailboxError", nullptr, is<ReceiveError>,
     "The tensor is no longer to be had, or was taken back while it was looked at."},
    {"Expired", "ReceiveError", &PyExc_TimeoutError, is<Expired>,
     "The lease ended before: its time was over, or the slot was taken for something newer.",
     ETIMEDOUT},
    {"GenerationMismatch", "ReceiveError", &PyExc_LookupError, is<GenerationMismatch>,
     "The slot was recycled: it holds another tensor than the one asked for."},
    {"NotLeased", "MailboxError", &PyExc_RuntimeError, is<NotLeased>,
     "There is no lease: never given, already taken, or given back."},
    {"Closed", "MailboxError", &PyExc_EOFError, is<Closed>,
     "The mailbox, or this end of it, is closed, and everything was read."},
    {"Inherited", "MailboxError", &PyExc_RuntimeError, is<Inherited>,
     "Made before a fork, by the parent: it is not this process's to use."},
    {"CorruptMailbox", "MailboxError", nullptr, is<CorruptMailbox>,
     "A word in shared memory is out of range: somebody else wrote there."},
    {"SystemCallError", "MailboxError", &PyExc_OSError, is<SystemCallError>,
     "The kernel refused something that a mailbox needs."},
    {"InUse", "MailboxError", &PyExc_RuntimeError, is<InUse>,
     "A reader is used by two threads at once."},
    {"WrongDtype", "MailboxError", &PyExc_TypeError, is<WrongDtype>,
     "The tensor has another element type or shape, or one that the library asked for lacks."},
    {"InvalidArgument", "MailboxError", &PyExc_ValueError, is<std::invalid_argument>,
     "An argument is out of range; the text names it, its value and what was expected."},
};

PyObject * classes[std::size(kDefinitions)] = {};  // as long as the module: it is never unloaded

void define(nb::module_ & module, const Definition & definition, PyObject *& defined)
{
  const std::string own_base = definition.base;
  nb::object bases =
      own_base.empty() ? nb::borrow(PyExc_Exception) : nb::object(module.attr(definition.base));
  if (definition.also != nullptr) {
    bases = nb::make_tuple(bases, nb::handle(*definition.also));
  }
  const std::string name = nb::cast<std::string>(module.attr("__name__")) + "." + definition.name;
  defined = PyErr_NewExceptionWithDoc(name.c_str(), definition.meaning, bases.ptr(), nullptr);
  if (defined == nullptr) {
    throw nb::python_error();
  }
  module.attr(definition.name) = nb::handle(defined);
}

/// Has Python raise the error. `number`: its errno; 0: it has none, unless it is a SystemCallError.
void set_error(PyObject * kind, const std::exception & error, int number)
{
  const auto * refused = dynamic_cast<const SystemCallError *>(&error);
  number = refused != nullptr ? refused->number() : number;
  const nb::object made = nb::steal(PyObject_CallFunction(kind, "s", error.what()));
  if (!made.is_valid()) {
    return;  // Python says why
  }
  if (number != 0) {
    const nb::object value = nb::steal(PyLong_FromLong(number));
    if (!value.is_valid() || PyObject_SetAttrString(made.ptr(), "errno", value.ptr()) != 0) {
      return;
    }
  }
  PyErr_SetObject(kind, made.ptr());
}

void translate(const std::exception_ptr & thrown, void *)
{
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception & error) {
    for (std::size_t at = std::size(kDefinitions); at-- > 0;) {
      if (kDefinitions[at].is_this(error)) {
        set_error(classes[at], error, kDefinitions[at].number);
        return;
      }
    }
    throw;  // none of the library's
  }
}

}  // namespace

void define_errors(nb::module_ & module)
{
  for (std::size_t at = 0; at < std::size(kDefinitions); ++at) {
    define(module, kDefinitions[at], classes[at]);
  }
  nb::register_exception_translator(translate);
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
