// What an operation's result is as an exception, and what the exceptions say.
#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <typeinfo>

#include "expect.hpp"
#include "sage_mailbox/errors.hpp"
#include "sage_mailbox/tensor_mailbox.hpp"

namespace sage::mailbox::test
{

namespace
{

template <class Error, class Operation>
void expect_as(Status status)
{
  static_assert(std::is_base_of_v<Operation, Error>);
  try {
    raise(status, "mailbox 'a'");
  } catch (const MailboxError & error) {
    EXPECT(typeid(error) == typeid(Error));
    EXPECT(contains(error.what(), "mailbox 'a': "));
    return;
  }
  EXPECT(false && "nothing was thrown");
}

void each_failure_has_a_type()
{
  expect_as<Full, SendError>(Status::full);
  expect_as<Busy, SendError>(Status::busy);
  expect_as<Expired, ReceiveError>(Status::expired);
  expect_as<GenerationMismatch, ReceiveError>(Status::recycled);
  expect_as<NotLeased, MailboxError>(Status::not_leased);
  expect_as<Closed, MailboxError>(Status::closed);
  expect_as<Inherited, MailboxError>(Status::inherited);
  expect_as<CorruptMailbox, MailboxError>(Status::invalid);
  const std::string said =
      refusal<InvalidArgument>([] { raise(Status::out_of_range, "mailbox 'a'"); });
  EXPECT(contains(said, "mailbox 'a': ") && contains(said, "out of range"));
}

void what_is_no_failure_is_not_raised()
{
  for (const Status status : {Status::ok, Status::empty, Status::pending, Status::timed_out}) {
    EXPECT(contains(refusal<std::logic_error>([=] { raise(status, "a"); }), "is no error"));
  }
}

void messages_name_field_value_and_what_was_expected()
{
  const std::string said = refusal<InvalidArgument>([] { require(false, "tag", 7, "1 to 3"); });
  EXPECT(said == "tag is 7, expected 1 to 3");
  require(true, "tag", 7, "1 to 3");
  const SystemCallError error("a file cannot be opened", EMFILE);
  EXPECT(error.number() == EMFILE && contains(error.what(), "a file cannot be opened: Too many"));
}

void operations_that_throw_say_what_failed()
{
  const std::string name = unique_name("errors");
  TensorOptions options;
  options.slot_bytes = 1;
  options.place_count = 1;
  const auto mailbox = TensorMailbox::create(name, options);
  EXPECT(contains(refusal<NameTaken>([&] { TensorMailbox::create(name, options); }), name));
  refusal<WrongKind>([&] { BroadcastMailbox::attach(name); });
  const auto writer = mailbox.writer();
  refusal<NoFreePlace>([&] { mailbox.reader(); });
  TensorOptions huge;
  huge.slot_bytes = kMostSlotBytes;
  huge.slot_count = kMostSlots;
  refusal<OutOfMemory>([&] { TensorMailbox::create(unique_name("huge"), huge); });
  options.backend = Backend::pinned;
  const std::string said =
      refusal<InvalidArgument>([&] { TensorMailbox::create(unique_name("gpu"), options); });
  EXPECT(said == "backend is pinned, expected host or shm");
}

}  // namespace

}  // namespace sage::mailbox::test

int main()
{
  using namespace sage::mailbox::test;
  each_failure_has_a_type();
  what_is_no_failure_is_not_raised();
  messages_name_field_value_and_what_was_expected();
  operations_that_throw_say_what_failed();
  std::puts("error_cases: ok");
  return 0;
}
