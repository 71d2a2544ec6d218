#include "sha256.hpp"

#include <array>
#include <cstdint>

namespace sage::mailbox
{

namespace
{

using Block = std::array<std::uint32_t, 64>;
using State = std::array<std::uint32_t, 8>;

constexpr std::size_t kBlockBytes = 64;

// First 32 bits of the fractional parts of the cube roots of the first 64 primes.
constexpr Block kRound{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

constexpr std::uint32_t turned(std::uint32_t word, unsigned by)
{
  return word >> by | word << (32 - by);
}

Block schedule(const char * bytes)
{
  Block words{};
  for (std::size_t at = 0; at < kBlockBytes; ++at) {
    words[at / 4] = words[at / 4] << 8 | static_cast<unsigned char>(bytes[at]);
  }
  for (std::size_t at = 16; at < words.size(); ++at) {
    const std::uint32_t early = words[at - 15];
    const std::uint32_t late = words[at - 2];
    words[at] = words[at - 16] + (turned(early, 7) ^ turned(early, 18) ^ early >> 3) +
                words[at - 7] + (turned(late, 17) ^ turned(late, 19) ^ late >> 10);
  }
  return words;
}

void compress(State & state, const char * bytes)
{
  const Block words = schedule(bytes);
  State s = state;
  for (std::size_t at = 0; at < words.size(); ++at) {
    const std::uint32_t chosen = (s[4] & s[5]) ^ (~s[4] & s[6]);
    const std::uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    const std::uint32_t one = s[7] + (turned(s[4], 6) ^ turned(s[4], 11) ^ turned(s[4], 25)) +
                              chosen + kRound[at] + words[at];
    const std::uint32_t two = (turned(s[0], 2) ^ turned(s[0], 13) ^ turned(s[0], 22)) + majority;
    s = {one + two, s[0], s[1], s[2], s[3] + one, s[4], s[5], s[6]};
  }
  for (std::size_t at = 0; at < s.size(); ++at) {
    state[at] += s[at];
  }
}

}  // namespace

std::string sha256_hex(const std::string & text)
{
  std::string padded = text + '\x80';
  padded.resize((padded.size() + 8 + kBlockBytes - 1) / kBlockBytes * kBlockBytes);
  const std::uint64_t bits = std::uint64_t{8} * text.size();
  for (unsigned byte = 0; byte < 8; ++byte) {
    padded[padded.size() - 1 - byte] = static_cast<char>(bits >> 8 * byte);
  }
  State state{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
              0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  for (std::size_t at = 0; at < padded.size(); at += kBlockBytes) {
    compress(state, padded.data() + at);
  }
  std::string digits;
  for (const std::uint32_t word : state) {
    for (int shift = 28; shift >= 0; shift -= 4) {
      digits += "0123456789abcdef"[word >> shift & 15];
    }
  }
  return digits;
}

}  // namespace sage::mailbox
