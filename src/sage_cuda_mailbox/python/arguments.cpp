#include "arguments.hpp"

#include <cmath>
#include <limits>

#include "errors.hpp"

namespace nb = nanobind;

namespace sage::mailbox::python
{

namespace
{

constexpr double kNsPerMs = 1e6;
constexpr double kNsPerS = 1e9;
constexpr double kLongestS = 1e9;  // 32 years

std::string range(std::int64_t least, std::int64_t most)
{
  if (most == std::numeric_limits<std::int64_t>::max()) {
    return "an integer from " + std::to_string(least) + " on";
  }
  return "an integer from " + std::to_string(least) + " to " + std::to_string(most);
}

/// The integer that `value` stands for; null if it stands for none.
nb::object index_of(nb::handle value)
{
  PyObject * index = PyBool_Check(value.ptr()) ? nullptr : PyNumber_Index(value.ptr());
  if (index == nullptr) {
    PyErr_Clear();
  }
  return nb::steal(index);
}

std::int64_t duration_ns(const char * field, nb::handle value, double unit_ns)
{
  const double number = PyBool_Check(value.ptr()) ? -1 : PyFloat_AsDouble(value.ptr());
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    throw InvalidArgument(field, written(value), "a number from 0 on, or None");
  }
  if (!(number >= 0) || !(number * unit_ns <= kLongestS * kNsPerS)) {
    throw InvalidArgument(field, written(value), "a number from 0 on, up to 32 years, or None");
  }
  return static_cast<std::int64_t>(std::llround(number * unit_ns));
}

template <class Numbers, class Read>
Numbers numbers(const char * field, nb::handle value, Read read)
{
  Numbers found;
  if (const nb::object index = index_of(value); index.is_valid()) {
    found.push_back(read(field, index));
    return found;
  }
  if (PyUnicode_Check(value.ptr()) || !PySequence_Check(value.ptr())) {
    throw InvalidArgument(field, written(value), "integers");
  }
  for (const nb::handle item : nb::borrow<nb::sequence>(value)) {
    found.push_back(read(field, item));
  }
  return found;
}

}  // namespace

std::int64_t integer(const char * field, nb::handle value, std::int64_t least, std::int64_t most)
{
  const nb::object index = index_of(value);
  int overflow = 0;
  const std::int64_t number =
      index.is_valid() ? PyLong_AsLongLongAndOverflow(index.ptr(), &overflow) : 0;
  if (!index.is_valid() || overflow != 0 || number < least || number > most) {
    throw InvalidArgument(field, written(value), range(least, most));
  }
  return number;
}

std::uint64_t unsigned_integer(const char * field, nb::handle value)
{
  const nb::object index = index_of(value);
  const std::uint64_t number = index.is_valid() ? PyLong_AsUnsignedLongLong(index.ptr()) : 0;
  if (!index.is_valid() || PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    throw InvalidArgument(field, written(value), "an integer from 0 to 18446744073709551615");
  }
  return number;
}

std::string text(const char * field, nb::handle value)
{
  if (!PyUnicode_Check(value.ptr())) {
    throw InvalidArgument(field, written(value), "a string");
  }
  Py_ssize_t length = 0;
  const char * characters = PyUnicode_AsUTF8AndSize(value.ptr(), &length);
  if (characters == nullptr) {
    PyErr_Clear();
    throw InvalidArgument(field, written(value), "a string without lone surrogates");
  }
  return {characters, static_cast<std::size_t>(length)};
}

bool truth(const char * field, nb::handle value)
{
  if (!PyBool_Check(value.ptr())) {
    throw InvalidArgument(field, written(value), "True or False");
  }
  return value.is(nb::handle(Py_True));
}

std::int64_t timeout_ns(nb::handle timeout_s)
{
  return timeout_s.is_none() ? -1 : duration_ns("timeout_s", timeout_s, kNsPerS);
}

std::int64_t ttl_ns(nb::handle ttl_ms)
{
  return ttl_ms.is_none() ? -1 : duration_ns("ttl_ms", ttl_ms, kNsPerMs);
}

Backend backend(nb::handle name) { return backend_named(text("backend", name)); }

namespace
{

/// numpy.dtype(given); invalid, with an error set, if numpy does not take it, or it is None, which
/// numpy takes for float64.
nb::object numpy_dtype(nb::handle given)
{
  // Kept for ever: looking a module up is slow where frames are rare and caches cold.
  static PyObject * const type =
      nb::object(nb::module_::import_("numpy").attr("dtype")).release().ptr();
  if (PyObject_TypeCheck(given.ptr(), reinterpret_cast<PyTypeObject *>(type))) {
    return nb::borrow(given);
  }
  return nb::steal(given.is_none() ? nullptr : PyObject_CallOneArg(type, given.ptr()));
}

/// As numpy.dtype.name, which is made in Python, and slow where caches are cold.
std::string name_of_type(nb::handle type)
{
  constexpr int kOfNumpy = 1;  // neither a structure, nor a type of another package
  if (nb::cast<int>(type.attr("isbuiltin")) == kOfNumpy) {
    const std::string bits = std::to_string(8 * nb::cast<int>(type.attr("itemsize")));
    switch (text("dtype", type.attr("kind")).front()) {
      case 'b':
        return "bool";
      case 'i':
        return "int" + bits;
      case 'u':
        return "uint" + bits;
      case 'f':
        return "float" + bits;
      case 'c':
        return "complex" + bits;
      default:
        break;
    }
  }
  return text("dtype", type.attr("name"));
}

}  // namespace

DataType element_type(nb::handle dtype)
{
  if (PyUnicode_Check(dtype.ptr()) && text("dtype", dtype) == "bfloat16") {
    return data_type("bfloat16");  // numpy has none
  }
  const nb::object type = numpy_dtype(dtype);
  if (!type.is_valid()) {
    PyErr_Clear();
    throw InvalidArgument("dtype", written(dtype), "what numpy.dtype takes, or 'bfloat16'");
  }
  if (!nb::cast<bool>(type.attr("isnative"))) {
    throw InvalidArgument("dtype", written(dtype), "this machine's byte order");
  }
  return data_type(name_of_type(type));
}

Shape shape(nb::handle value)
{
  return numbers<Shape>("shape", value, [](const char * field, nb::handle item) {
    return static_cast<std::uint64_t>(
        integer(field, item, 0, std::numeric_limits<std::int64_t>::max()));
  });
}

Strides strides(nb::handle value)
{
  return numbers<Strides>("strides_bytes", value, [](const char * field, nb::handle item) {
    return integer(
        field, item, std::numeric_limits<std::int64_t>::min(),
        std::numeric_limits<std::int64_t>::max());
  });
}

}  // namespace sage::mailbox::python
