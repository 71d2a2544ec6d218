#include "sage_mailbox/topic_mailbox.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace sage::mailbox
{

namespace
{

constexpr std::size_t kLongestName = 128;
constexpr std::size_t kHashCharacters = 16;

/// FNV-1a, 64 bits, as hexadecimal digits.
std::string fnv_hex(const std::string & text)
{
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char character : text) {
    hash = (hash ^ static_cast<unsigned char>(character)) * 0x100000001b3;
  }
  char digits[kHashCharacters + 1];
  std::snprintf(digits, sizeof(digits), "%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

}  // namespace

std::string mailbox_of_topic(const std::string & topic, std::size_t domain_id)
{
  std::string name = std::to_string(domain_id) + topic;
  std::replace(name.begin(), name.end(), '/', '.');
  if (name.size() <= kLongestName) {
    return name;
  }
  return name.substr(0, kLongestName - kHashCharacters - 1) + "." + fnv_hex(name);
}

}  // namespace sage::mailbox
