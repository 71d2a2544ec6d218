#include "leases.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "arguments.hpp"
#include "errors.hpp"

namespace nb = nanobind;

namespace sage::mailbox::python
{

namespace
{

std::string words_of(const TensorId & id)
{
  return "slot " + std::to_string(id.slot) + ", generation " + std::to_string(id.generation);
}

/// Raises WrongDtype if the tensor is not what was asked for.
void expect(const Tensor & tensor, nb::handle dtype, nb::handle wanted_shape)
{
  if (!dtype.is_none()) {
    const DataType wanted = element_type(dtype);
    if (!(wanted == tensor.type)) {
      throw WrongDtype(
          "dtype is " + mailbox::name_of(tensor.type) + ", expected " + mailbox::name_of(wanted));
    }
  }
  if (!wanted_shape.is_none()) {
    const nb::tuple found = shape_of(tensor);
    const auto wanted = shape(wanted_shape);
    if (!std::equal(wanted.begin(), wanted.end(), tensor.shape.begin(), tensor.shape.end())) {
      throw WrongDtype("shape is " + written(found) + ", expected " + written(wanted_shape));
    }
  }
}

/// Raises InvalidArgument if a dense tensor is too large for the slot.
void check_room(const Tensor & tensor, std::uint64_t slot_bytes)
{
  const std::uint64_t room = slot_bytes - std::min(tensor.offset_bytes, slot_bytes);
  if (tensor.offset_bytes <= slot_bytes && tensor.element_count() > room / tensor.type.bytes()) {
    throw InvalidArgument(
        "shape", written(shape_of(tensor)) + " of " + mailbox::name_of(tensor.type),
        "at most " + std::to_string(room) + " bytes behind offset_bytes in the slot of " +
            std::to_string(slot_bytes));
  }
}

}  // namespace

PyWriteLease::PyWriteLease(std::shared_ptr<Home> home, WriteLease lease)
: home_(std::move(home)),
  lease_(std::move(lease)),
  id_(lease_.id()),
  ground_{lease_.data(), home_->mailbox.segment()->device()}
{
}

WriteLease & PyWriteLease::get()
{
  if (!is_open()) {
    raise(Status::not_leased, words_of(id_) + " is published or given back");
  }
  return lease_;
}

std::uint64_t PyWriteLease::bytes() const
{
  return home_->mailbox.segment()->geometry().slot_bytes;
}

void PyWriteLease::describe(
    nb::handle shape_wanted, nb::handle dtype, nb::handle strides_bytes, nb::handle offset_bytes)
{
  get();
  Tensor tensor;
  tensor.type = element_type(dtype);
  tensor.shape = shape(shape_wanted);
  tensor.offset_bytes = unsigned_integer("offset_bytes", offset_bytes);
  if (strides_bytes.is_none()) {
    check_room(tensor, bytes());
    tensor.strides_bytes = dense_strides(tensor.shape, tensor.type);
  } else {
    tensor.strides_bytes = strides(strides_bytes);
  }
  described(tensor, bytes());  // throws where something is wrong
  tensor_ = std::make_unique<Tensor>(std::move(tensor));
  is_copied_ = false;
}

const Tensor & PyWriteLease::described_tensor() const
{
  if (!tensor_) {
    throw InvalidArgument("tensor", "not described", "array(), describe() or copy() before");
  }
  return *tensor_;
}

nb::object PyWriteLease::view(nb::handle self)
{
  get();
  nb::object array = numpy_view(ground_, described_tensor(), Access::write, self);
  views_.push_back(nb::steal(PyWeakref_NewRef(array.ptr(), nullptr)));
  return array;
}

nb::object PyWriteLease::capsule(
    nb::handle self, nb::handle max_version, nb::handle dl_device, nb::handle copy)
{
  get();
  return dlpack_capsule(
      ground_, described_tensor(), Access::write, self, max_version, dl_device, copy);
}

void PyWriteLease::copy(nb::handle self, nb::handle array)
{
  const nb::module_ numpy = nb::module_::import_("numpy");
  const nb::object source = numpy.attr("asarray")(array);
  describe(source.attr("shape"), source.attr("dtype"), nb::none(), nb::int_(0));
  numpy.attr("copyto")(view(self), source);
  is_copied_ = true;
}

std::uint32_t PyWriteLease::publish(nb::handle tag, nb::handle stamp_ns, nb::handle ttl_ms)
{
  WriteLease & lease = get();
  Tensor tensor = described_tensor();
  tensor.tag = unsigned_integer("tag", tag);
  tensor.stamp_ns = integer(
      "stamp_ns", stamp_ns, std::numeric_limits<std::int64_t>::min(),
      std::numeric_limits<std::int64_t>::max());
  const std::int64_t ttl = ttl_ns(ttl_ms);
  if (is_copied_) {
    lease.count_copy();
  }
  end_writing();
  std::uint32_t readers = 0;
  const Status status = lease.publish(tensor, ttl, &readers);
  if (status != Status::ok) {
    raise(status, home_->name() + ", " + words_of(id_));
  }
  (is_copied_ ? home_->written_by_copy : home_->written_in_place) += 1;
  return readers;
}

void PyWriteLease::abandon()
{
  end_writing();
  lease_.abandon();
}

void PyWriteLease::end_writing()
{
  for (const nb::object & reference : views_) {
    const nb::object array = reference();
    if (!array.is_none()) {
      array.attr("flags").attr("writeable") = false;
    }
  }
  views_.clear();
}

PyReadLease::PyReadLease(std::shared_ptr<Home> home, ReadLease lease)
: home_(std::move(home)),
  tensor_(lease.tensor()),
  id_(lease.id()),
  // never written to: views of a lease for reading are read-only
  ground_{const_cast<std::byte *>(lease.data()), lease.device()},
  lease_(std::move(lease))
{
}

ReadLease & PyReadLease::get()
{
  if (!is_open()) {
    raise(Status::not_leased, words_of(id_) + " is given back");
  }
  return lease_;
}

nb::object PyReadLease::view(nb::handle self, nb::handle dtype, nb::handle shape)
{
  get();
  expect(tensor_, dtype, shape);
  return numpy_view(ground_, tensor_, Access::read, self);
}

nb::object PyReadLease::capsule(
    nb::handle self, nb::handle max_version, nb::handle dl_device, nb::handle copy)
{
  get();
  return dlpack_capsule(ground_, tensor_, Access::read, self, max_version, dl_device, copy);
}

void PyReadLease::check()
{
  const Status status = get().check();
  if (status != Status::ok) {
    raise_ended(status);
  }
}

void PyReadLease::release()
{
  const Status status = get().release();
  if (status != Status::ok) {
    raise_ended(status);
  }
}

void PyReadLease::leave(bool is_failing)
{
  if (is_open()) {
    const Status status = get().release();
    if (status != Status::ok && !is_failing) {
      raise_ended(status);
    }
  }
}

void PyReadLease::raise_ended(Status status) const
{
  raise(status, home_->name() + ", " + words_of(id_));
}

}  // namespace sage::mailbox::python
