#include "sage_mailbox/handle.hpp"

#include <utility>

#include "sage_mailbox/errors.hpp"

namespace sage::mailbox
{

namespace
{

template <class Values>
std::string listed(const Values & values)
{
  std::string text;
  for (const auto value : values) {
    text += (text.empty() ? "" : ", ") + std::to_string(value);
  }
  return "[" + text + "]";
}

void expect_same(const char * field, const std::string & said, const std::string & held)
{
  if (said != held) {
    throw InvalidArgument(field, said, held + ", as in the mailbox");
  }
}

}  // namespace

void compare(const Handle & handle, const ReadLease & lease)
{
  const Tensor & said = handle.tensor;
  const Tensor & held = lease.tensor();
  expect_same("header.stamp", std::to_string(said.stamp_ns), std::to_string(held.stamp_ns));
  expect_same("tag", std::to_string(said.tag), std::to_string(held.tag));
  expect_same("backend", name_of(handle.backend), name_of(lease.backend()));
  expect_same("device", std::to_string(handle.device), std::to_string(lease.device()));
  expect_same("dtype", name_of(said.type), name_of(held.type));
  expect_same("shape", listed(said.shape), listed(held.shape));
  expect_same("strides_bytes", listed(said.strides_bytes), listed(held.strides_bytes));
  expect_same("offset_bytes", std::to_string(said.offset_bytes), std::to_string(held.offset_bytes));
}

Status HandleReader::open(const Handle & handle, ReadLease & lease)
{
  if (handle.mailbox != name_) {
    throw InvalidArgument("mailbox", "'" + handle.mailbox + "'", "'" + name_ + "' on this topic");
  }
  attach_if_new();
  ReadLease taken;
  const Status status = reader_->open(handle.id, taken);
  if (status == Status::out_of_range || status == Status::invalid) {
    throw InvalidArgument("slot", std::to_string(handle.id.slot), "one that can be opened");
  }
  if (status == Status::ok) {
    compare(handle, taken);
    lease = std::move(taken);
  }
  return status;
}

void HandleReader::close()
{
  reader_.reset();
  mailbox_.reset();
}

void HandleReader::attach_if_new()
{
  if (mailbox_ && !mailbox_->segment()->is_closed()) {
    return;
  }
  try {
    TensorMailbox found = TensorMailbox::attach(name_);
    TensorReader reader = found.reader();
    close();
    mailbox_.emplace(std::move(found));
    reader_.emplace(std::move(reader));
  } catch (const NoSuchMailbox &) {
    if (!mailbox_) {
      throw;
    }
    // what was published before it closed is still there
  }
}

}  // namespace sage::mailbox
