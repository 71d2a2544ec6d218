// Leases on slots in Python.
#ifndef LEASES_HPP_
#define LEASES_HPP_

#include <nanobind/nanobind.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sage_mailbox/tensor_mailbox.hpp"
#include "views.hpp"

namespace sage::mailbox::python
{

/// What the objects of one mailbox have in common. Leases keep it, and so does every array over a
/// slot through its lease: its memory stays mapped as long as anything can look at it.
struct Home {
  explicit Home(TensorMailbox mailbox) : mailbox(std::move(mailbox)) {}

  std::string name() const { return "mailbox '" + mailbox.segment()->name() + "'"; }

  TensorMailbox mailbox;
  std::atomic<std::uint64_t> written_in_place{0};
  std::atomic<std::uint64_t> written_by_copy{0};
};

/// A slot being filled.
class PyWriteLease
{
public:
  PyWriteLease(std::shared_ptr<Home> home, WriteLease lease);

  TensorId id() const { return id_; }
  std::uint64_t bytes() const;
  bool is_open() const { return lease_.is_open(); }

  void describe(
      nanobind::handle shape, nanobind::handle dtype, nanobind::handle strides_bytes,
      nanobind::handle offset_bytes);
  nanobind::object view(nanobind::handle self);
  nanobind::object capsule(
      nanobind::handle self, nanobind::handle max_version, nanobind::handle dl_device,
      nanobind::handle copy);
  nanobind::tuple device() const { return dlpack_device(ground_); }
  void copy(nanobind::handle self, nanobind::handle array);
  std::uint32_t publish(nanobind::handle tag, nanobind::handle stamp_ns, nanobind::handle ttl_ms);
  void abandon();

private:
  WriteLease & get();
  const Tensor & described_tensor() const;
  /// Arrays given out are read-only from here on: the tensor is the readers'.
  void end_writing();

  std::shared_ptr<Home> home_;
  WriteLease lease_;
  TensorId id_;
  Ground ground_;
  std::unique_ptr<Tensor> tensor_;
  bool is_copied_ = false;
  std::vector<nanobind::object> views_;  // weak references
};

/// A tensor being looked at.
class PyReadLease
{
public:
  PyReadLease(std::shared_ptr<Home> home, ReadLease lease);

  TensorId id() const { return id_; }
  const Tensor & tensor() const { return tensor_; }
  Backend backend() const { return home_->mailbox.segment()->backend(); }
  std::int32_t device_index() const { return ground_.device; }
  bool is_open() const { return lease_.is_open(); }

  nanobind::object view(nanobind::handle self, nanobind::handle dtype, nanobind::handle shape);
  nanobind::object capsule(
      nanobind::handle self, nanobind::handle max_version, nanobind::handle dl_device,
      nanobind::handle copy);
  nanobind::tuple device() const { return dlpack_device(ground_); }
  /// Raises Expired or GenerationMismatch if what is seen may be something else by now.
  void check();
  void release();
  /// At the end of a `with`: raises only if nothing else was raised.
  void leave(bool is_failing);

private:
  ReadLease & get();
  [[noreturn]] void raise_ended(Status status) const;

  std::shared_ptr<Home> home_;
  Tensor tensor_;
  TensorId id_;
  Ground ground_;
  ReadLease lease_;
};

void define_leases(nanobind::module_ & module);

}  // namespace sage::mailbox::python

#endif  // LEASES_HPP_
