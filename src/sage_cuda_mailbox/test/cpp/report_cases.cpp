// What is told of mailboxes, and batches of their records, case by case.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "expect.hpp"
#include "sage_mailbox/broadcast_mailbox.hpp"
#include "sage_mailbox/mailbox_report.hpp"
#include "sage_mailbox/record_batch.hpp"
#include "sage_mailbox/tensor_source.hpp"
#include "shared_file.hpp"

using namespace sage::mailbox;
using namespace sage::mailbox::test;

namespace
{

constexpr std::int64_t kSecondNs = 1'000'000'000;

std::string value(const MailboxReport & report, const std::string & key)
{
  for (const auto & [found, text] : report.values) {
    if (found == key) {
      return text;
    }
  }
  return "none";
}

void publish(TensorSource & source, bool is_copied = false)
{
  WriteLease lease;
  EXPECT(source.acquire(64, lease) == Status::ok);
  if (is_copied) {
    lease.count_copy();
  }
  Tensor tensor;
  tensor.shape = {64};
  Handle handle;
  EXPECT(source.publish(lease, tensor, handle) == Status::ok);
}

void tensors_are_told_of()
{
  const std::string prefix = unique_name("told");
  TensorSource source(prefix + ".tensor", {2, 0});
  publish(source);
  TensorReader reader = source.mailbox()->reader();
  MailboxReporter reporter;
  const auto first = reporter.look(prefix, 0);
  EXPECT(first.size() == 1 && first[0].mailbox == source.name() && first[0].message == "in use");
  EXPECT(value(first[0], "kind") == "tensors" && value(first[0], "backend") == "shm");
  EXPECT(value(first[0], "published") == "1" && value(first[0], "free slots") == "2 of 2");
  EXPECT(value(first[0], "copied") == "0");
  EXPECT(value(first[0], "readers") == "1" && value(first[0], "writers") == "1");
  EXPECT(value(first[0], "rate [Hz]") == "none");  // not before the second look
  for (int tensor = 0; tensor < 2; ++tensor) {
    publish(source, tensor == 0);
  }
  const auto second = reporter.look(prefix, 2 * kSecondNs);
  EXPECT(value(second[0], "published") == "3" && value(second[0], "copied") == "1");
  EXPECT(value(second[0], "rate [Hz]") == "1.0" && value(second[0], "free slots") == "0 of 2");
  EXPECT(second[0].level == MailboxReport::Level::ok);
}

void trouble_is_told_once()
{
  const std::string prefix = unique_name("trouble");
  TensorSource source(prefix, {1, 0});
  publish(source);
  TensorReader reader = source.mailbox()->reader();
  MailboxReporter reporter;
  reporter.look(prefix, 0);
  publish(source);
  ReadLease held;
  EXPECT(reader.next(held) == Status::ok);
  WriteLease none;
  EXPECT(source.acquire(64, none) == Status::full);
  const auto reports = reporter.look(prefix, kSecondNs);
  EXPECT(reports[0].level == MailboxReport::Level::warn);
  EXPECT(reports[0].message == "1 refused in the last 1.0 s");
  EXPECT(reporter.look(prefix, 2 * kSecondNs)[0].level == MailboxReport::Level::ok);
  held.release();
  source.close();
  EXPECT(reporter.look(prefix, 3 * kSecondNs).empty());
}

void records_are_told_of_and_a_new_mailbox_of_the_name_is_not_its_forerunner()
{
  const std::string prefix = unique_name("records");
  MailboxReporter reporter;
  for (int life = 0; life < 2; ++life) {
    const auto mailbox = BroadcastMailbox::create(prefix);
    EXPECT(reporter.look(prefix, life * kSecondNs)[0].message == "no writer");
    BroadcastWriter writer = mailbox.writer();
    EXPECT(writer.push("x", 1) == Status::ok);
    const auto reports = reporter.look(prefix, life * kSecondNs + kSecondNs / 2);
    EXPECT(value(reports[0], "records") == "1" && value(reports[0], "rate [Hz]") == "2.0");
    EXPECT(value(reports[0], "kind") == "records" && value(reports[0], "readers") == "none");
  }
  EXPECT(reporter.look(unique_name("nobody"), 0).empty());
}

void what_nobody_will_close_and_what_is_no_mailbox_is_told_of()
{
  const std::string orphan = unique_name("orphan");
  EXPECT(ended_well(in_child([&] {
    const auto mailbox = BroadcastMailbox::create(orphan);
    std::_Exit(0);
  })));
  MailboxReporter reporter;
  const auto orphans = reporter.look(orphan, 0);
  EXPECT(orphans.size() == 1 && orphans[0].level == MailboxReport::Level::warn);
  EXPECT(orphans[0].message == "its creator ended without closing it");
  sweep_stale();
  EXPECT(reporter.look(orphan, kSecondNs).empty());
  const std::string junk = path_of(unique_name("junk"));
  std::ofstream(junk.c_str()) << "x";
  const auto strange = reporter.look(unique_name("junk"), 0);
  EXPECT(unlink(junk.c_str()) == 0);
  EXPECT(strange.size() == 1 && strange[0].level == MailboxReport::Level::warn);
}

void records_come_out_of_a_batch_as_they_went_in()
{
  std::vector<std::uint8_t> rows;
  const RecordHead head{3, 5, 70000, -9, std::uint64_t{1} << 40};
  add_row(rows, 64, head, "hello");
  add_row(rows, 64, {1, 0, 2, 4, 6}, "");
  EXPECT(count_rows(rows, 64) == 2 && rows.size() == 128);
  const RecordRow first = row_at(rows, 64, 0);
  EXPECT(first.head.type == 3 && first.head.length == 5 && first.head.producer == 70000);
  EXPECT(first.head.stamp_ns == -9 && first.head.sequence == std::uint64_t{1} << 40);
  EXPECT(std::string(first.payload, first.payload + 5) == "hello" && first.payload[5] == 0);
  EXPECT(row_at(rows, 64, 1).head.length == 0 && row_at(rows, 64, 1).head.sequence == 6);
  // the layout that docs/mailbox.md states
  EXPECT(rows[5] == 1 && rows[8] == 5 && rows[10] == 3 && rows[16] == 0xF7 && rows[24] == 'h');
}

void batches_that_lie_are_refused()
{
  const auto refused = [](std::size_t bytes, std::uint32_t row_bytes, std::uint8_t length) {
    std::vector<std::uint8_t> rows(bytes);
    rows[8] = length;
    return refusal<InvalidArgument>([&] { row_at(rows, row_bytes, 0); });
  };
  EXPECT(contains(refused(64, 64, 41), "length is 41, expected at most 40 bytes"));
  EXPECT(contains(refused(65, 64, 0), "data is 65"));
  EXPECT(contains(refused(64, 0, 0), "row_bytes is 0"));
  EXPECT(contains(refused(320, 320, 0), "row_bytes is 320"));
  const std::vector<std::uint8_t> none;
  EXPECT(contains(refusal<InvalidArgument>([&] { row_at(none, 64, 0); }), "row is 0"));
}

}  // namespace

int main()
{
  tensors_are_told_of();
  trouble_is_told_once();
  records_are_told_of_and_a_new_mailbox_of_the_name_is_not_its_forerunner();
  what_nobody_will_close_and_what_is_no_mailbox_is_told_of();
  records_come_out_of_a_batch_as_they_went_in();
  batches_that_lie_are_refused();
}
