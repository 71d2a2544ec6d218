// SHA-256 (FIPS 180-4), for names.
#ifndef SHA256_HPP_
#define SHA256_HPP_

#include <string>

namespace sage::mailbox
{

/// 64 hexadecimal digits.
std::string sha256_hex(const std::string & text);

}  // namespace sage::mailbox

#endif  // SHA256_HPP_
