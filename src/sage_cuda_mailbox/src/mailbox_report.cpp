#include "sage_mailbox/mailbox_report.hpp"

#include <cstdio>
#include <optional>
#include <set>

#include "sage_mailbox/tensor_mailbox.hpp"
#include "shared_file.hpp"

namespace sage::mailbox
{

namespace
{

constexpr double kNsPerS = 1e9;
constexpr double kBytesPerMb = 1e6;

std::string rounded(double value)
{
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

/// What went wrong between two looks.
std::string complaint(const Statistics & before, const Statistics & now)
{
  std::string said;
  const auto add = [&said](std::uint64_t count, const char * what) {
    if (count > 0) {
      said += (said.empty() ? "" : ", ") + std::to_string(count) + " " + what;
    }
  };
  add(now.refused - before.refused, "refused");
  add(now.skipped - before.skipped, "skipped");
  add(now.reclaimed - before.reclaimed, "leases of dead readers");
  return said;
}

/// Slots that a writer would find free now; nothing where the tensors are not in host memory.
std::optional<std::uint32_t> free_slots(const Segment & segment)
{
  if (segment.backend() != Backend::host && segment.backend() != Backend::shm) {
    return std::nullopt;
  }
  return TensorMailbox::attach(segment.name()).free_slots();
}

void add_geometry(MailboxReport & report, const Segment & segment)
{
  const Geometry & geometry = segment.geometry();
  const bool is_tensor = geometry.kind == Kind::tensor;
  report.values.emplace_back("kind", is_tensor ? "tensors" : "records");
  report.values.emplace_back("backend", name_of(segment.backend()));
  report.values.emplace_back("device", std::to_string(segment.device()));
  report.values.emplace_back(
      "size [MB]", rounded(static_cast<double>(geometry.total_bytes()) / kBytesPerMb));
  if (!is_tensor) {
    return;
  }
  report.values.emplace_back("slot [bytes]", std::to_string(geometry.slot_bytes));
  const auto free = free_slots(segment);
  report.values.emplace_back(
      "free slots",
      (free ? std::to_string(*free) : "unknown") + " of " + std::to_string(geometry.slot_count));
}

void add_counts(MailboxReport & report, const Statistics & seen, bool is_tensor)
{
  const auto add = [&report](const char * key, std::uint64_t count) {
    report.values.emplace_back(key, std::to_string(count));
  };
  add(is_tensor ? "published" : "records", is_tensor ? seen.published : seen.records);
  add("refused", seen.refused);
  add("skipped", seen.skipped);
  if (is_tensor) {
    add("copied", seen.copied);
    add("expired", seen.expired);
    add("overwritten", seen.overwritten);
    add("leases of dead readers", seen.reclaimed);
    add("readers", seen.readers);
  }
  add("writers", seen.writers);
}

std::uint64_t handed_over(const Statistics & seen, bool is_tensor)
{
  return is_tensor ? seen.published : seen.records;
}

}  // namespace

std::vector<MailboxReport> MailboxReporter::look(const std::string & prefix, std::int64_t now_ns)
{
  std::vector<MailboxReport> reports;
  std::set<std::string> there;
  for (const std::string & mailbox : names()) {
    if (mailbox.compare(0, prefix.size(), prefix) != 0) {
      continue;
    }
    try {
      reports.push_back(look_at(mailbox, now_ns));
      there.insert(mailbox);
    } catch (const NoSuchMailbox &) {
      // closed since it was listed
    } catch (const MailboxError & error) {
      reports.push_back({mailbox, MailboxReport::Level::warn, error.what(), {}});
    }
  }
  for (auto known = earlier_.begin(); known != earlier_.end();) {
    known = there.count(known->first) == 0 ? earlier_.erase(known) : std::next(known);
  }
  return reports;
}

MailboxReport MailboxReporter::look_at(const std::string & mailbox, std::int64_t now_ns)
{
  const auto segment = Segment::attach(mailbox);
  const bool is_tensor = segment->geometry().kind == Kind::tensor;
  const Statistics seen = statistics_of(*segment);
  MailboxReport report{mailbox, MailboxReport::Level::ok, "in use", {}};
  add_geometry(report, *segment);
  add_counts(report, seen, is_tensor);
  Earlier & earlier = earlier_[mailbox];
  if (earlier.nonce == segment->nonce() && now_ns > earlier.seen_ns) {
    const std::uint64_t count =
        handed_over(seen, is_tensor) - handed_over(earlier.statistics, is_tensor);
    const double period_s = static_cast<double>(now_ns - earlier.seen_ns) / kNsPerS;
    report.values.emplace_back("rate [Hz]", rounded(static_cast<double>(count) / period_s));
    const std::string said = complaint(earlier.statistics, seen);
    if (!said.empty()) {
      report.level = MailboxReport::Level::warn;
      report.message = said + " in the last " + rounded(period_s) + " s";
    }
  }
  if (seen.closed) {
    report.message = "closed";
  } else if (segment->is_orphaned()) {
    report.level = MailboxReport::Level::warn;
    report.message = "its creator ended without closing it";
  } else if (seen.writers == 0 && report.level == MailboxReport::Level::ok) {
    report.message = "no writer";
  }
  earlier = {segment->nonce(), seen, now_ns};
  return report;
}

}  // namespace sage::mailbox
