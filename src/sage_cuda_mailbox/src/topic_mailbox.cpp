#include "sage_mailbox/topic_mailbox.hpp"

#include <algorithm>

#include "sha256.hpp"

namespace sage::mailbox
{

namespace
{

constexpr std::size_t kLongestName = 128;
constexpr std::size_t kHashCharacters = 16;

}  // namespace

std::string mailbox_of_topic(const std::string & topic, std::size_t domain_id)
{
  std::string name = std::to_string(domain_id) + topic;
  std::replace(name.begin(), name.end(), '/', '.');
  if (name.size() <= kLongestName) {
    return name;
  }
  return name.substr(0, kLongestName - kHashCharacters - 1) + "." +
         sha256_hex(name).substr(0, kHashCharacters);
}

}  // namespace sage::mailbox
