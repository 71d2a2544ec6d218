// What the classes of both mailboxes have in common in Python.
#ifndef SHARED_DEFINITIONS_HPP_
#define SHARED_DEFINITIONS_HPP_

#include <nanobind/nanobind.h>

#include "arguments.hpp"
#include "reading.hpp"

namespace sage::mailbox::python
{

/// `with`: `close` at the end. `entered` is the signature of `__enter__`, a literal.
template <class Type, class Close>
void define_context(nanobind::class_<Type> & type, const char * entered, Close close)
{
  type.def(
          "__enter__", [](nanobind::handle self) { return nanobind::borrow(self); },
          nanobind::sig(entered))
      .def(
          "__exit__", [close](Type & self, nanobind::args) { close(self); },
          nanobind::sig("def __exit__(self, *exception: object) -> None"));
}

/// Waiting, and the end, of a class with `reading()`.
template <class Reader>
void define_reading(nanobind::class_<Reader> & type, const char * entered, const char * close_doc)
{
  using namespace nanobind::literals;
  type.def(
          "wait",
          [](Reader & reader, nanobind::handle timeout_s) {
            return reader.reading().wait(timeout_ns(timeout_s));
          },
          "timeout_s"_a = nanobind::none(),
          nanobind::sig("def wait(self, timeout_s: float | None = None) -> bool"),
          "Waits until there is something new: True; False if the time was over. Lets other\n"
          "threads run. Raises Closed, InvalidArgument.")
      .def(
          "fileno", [](Reader & reader) { return reader.reading().fileno(); },
          "A file descriptor for selectors and asyncio, readable while there may be something\n"
          "new, and once the mailbox is closed: then read until there is None. Belongs to the\n"
          "reader. The first call starts a thread that watches the mailbox.")
      .def("close", [](Reader & reader) { reader.reading().close(); }, close_doc);
  define_context(type, entered, [](Reader & reader) { reader.reading().close(); });
}

/// Where a mailbox is, and its end.
template <class Mailbox>
void define_place(nanobind::class_<Mailbox> & type, const char * entered)
{
  type.def(
          "close", &Mailbox::close, nanobind::call_guard<nanobind::gil_scoped_release>(),
          "Says that nothing more comes, and frees the name; only for the creator's process.")
      .def_prop_ro("closed", [](const Mailbox & mailbox) { return mailbox.segment().is_closed(); })
      .def_prop_ro(
          "orphaned", [](const Mailbox & mailbox) { return mailbox.segment().is_orphaned(); },
          kOrphaned)
      .def_prop_ro("name", [](const Mailbox & mailbox) { return mailbox.segment().name(); })
      .def_prop_ro(
          "backend", [](const Mailbox & mailbox) { return name_of(mailbox.segment().backend()); });
  define_context(type, entered, [](Mailbox & mailbox) { mailbox.close(); });
}

}  // namespace sage::mailbox::python

#endif  // SHARED_DEFINITIONS_HPP_
