#include <rclcpp/rclcpp.hpp>
#include <rclcpp_components/register_node_macro.hpp>
#include <string>
#include <vector>

#include "conventions.hpp"
#include "diagnostics.hpp"
#include "sage_mailbox/mailbox_report.hpp"
#include "sage_mailbox/wakeup.hpp"

namespace sage::mailbox::components
{

/// Says in /diagnostics how all mailboxes of this user fare.
class MailboxStatistics : public rclcpp::Node
{
public:
  explicit MailboxStatistics(const rclcpp::NodeOptions & options)
  : Node("mailbox_statistics", in_one_process(options)),
    prefix_(text_parameter(*this, "prefix", "", "what names of mailboxes begin with; empty: all")),
    diagnostics_(
        *this, number_parameter(*this, "period_s", 1.0, 0.1, 3600.0, "from look to look [s]"),
        [this] { return statuses(); })
  {
  }

private:
  using DiagnosticStatus = diagnostic_msgs::msg::DiagnosticStatus;

  std::vector<DiagnosticStatus> statuses()
  {
    std::vector<DiagnosticStatus> statuses;
    for (const MailboxReport & report : reporter_.look(prefix_, monotonic_ns())) {
      const bool is_ok = report.level == MailboxReport::Level::ok;
      statuses.push_back(status_message(
          "mailbox: " + report.mailbox, is_ok ? DiagnosticStatus::OK : DiagnosticStatus::WARN,
          report.message, report.values));
    }
    return statuses;
  }

  std::string prefix_;
  MailboxReporter reporter_;
  Diagnostics diagnostics_;
};

}  // namespace sage::mailbox::components

RCLCPP_COMPONENTS_REGISTER_NODE(sage::mailbox::components::MailboxStatistics)
