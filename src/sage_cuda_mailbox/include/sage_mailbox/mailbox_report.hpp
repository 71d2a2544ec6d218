// The state of mailboxes in words, for people and for /diagnostics.
#ifndef SAGE_MAILBOX__MAILBOX_REPORT_HPP_
#define SAGE_MAILBOX__MAILBOX_REPORT_HPP_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sage_mailbox/statistics.hpp"

namespace sage::mailbox
{

struct MailboxReport {
  enum class Level { ok, warn };

  std::string mailbox;
  Level level = Level::ok;
  std::string message;
  std::vector<std::pair<std::string, std::string>> values;
};

/// Looks at mailboxes from time to time, and says what became of them since it last looked. It
/// attaches to each only for the look, so it keeps none.
class MailboxReporter
{
public:
  /// On all of this user's mailboxes in shared memory whose name begins with `prefix`, and on what
  /// is no mailbox under such a name.
  /// `now_ns`: of a clock that never goes back.
  std::vector<MailboxReport> look(const std::string & prefix, std::int64_t now_ns);

private:
  struct Earlier {
    std::uint64_t nonce = 0;
    Statistics statistics{};
    std::int64_t seen_ns = 0;
  };

  MailboxReport look_at(const std::string & mailbox, std::int64_t now_ns);

  std::map<std::string, Earlier> earlier_;
};

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__MAILBOX_REPORT_HPP_
