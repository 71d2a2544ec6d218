#include "colour.hpp"

#include <algorithm>
#include <cstring>

namespace sage::mailbox
{

namespace
{

// ITU-R BT.601, limited range, in units of 2^-20, as OpenCV has them.
constexpr int kShift = 20;
constexpr int kHalf = 1 << (kShift - 1);
constexpr int kLuma = 1220542;
constexpr int kBlueOfU = 2116026;
constexpr int kGreenOfU = -409993;
constexpr int kGreenOfV = -852492;
constexpr int kRedOfV = 1673527;

/// Takes three of each `Channels` bytes.
template <int Channels, int Red, int Green, int Blue>
void pick(const std::byte * from, std::uint32_t width, std::byte * rgb)
{
  for (std::uint32_t pixel = 0; pixel < width; ++pixel, from += Channels, rgb += 3) {
    rgb[0] = from[Red];
    rgb[1] = from[Green];
    rgb[2] = from[Blue];
  }
}

std::byte shifted(int colour)
{
  return static_cast<std::byte>(std::clamp(colour >> kShift, 0, 255));
}

}  // namespace

void rgb_to_rgb(const std::byte * from, std::uint32_t width, std::byte * rgb)
{
  std::memcpy(rgb, from, std::size_t{3} * width);
}

void bgr_to_rgb(const std::byte * from, std::uint32_t width, std::byte * rgb)
{
  pick<3, 2, 1, 0>(from, width, rgb);
}

void rgba_to_rgb(const std::byte * from, std::uint32_t width, std::byte * rgb)
{
  pick<4, 0, 1, 2>(from, width, rgb);
}

void bgra_to_rgb(const std::byte * from, std::uint32_t width, std::byte * rgb)
{
  pick<4, 2, 1, 0>(from, width, rgb);
}

void grey_to_rgb(const std::byte * from, std::uint32_t width, std::byte * rgb)
{
  pick<1, 0, 0, 0>(from, width, rgb);
}

void yuy2_to_rgb(const std::byte * from, std::uint32_t width, std::byte * rgb)
{
  for (std::uint32_t pair = 0; pair < width / 2; ++pair, from += 4) {
    const int u = std::to_integer<int>(from[1]) - 128;
    const int v = std::to_integer<int>(from[3]) - 128;
    for (const int at : {0, 2}) {
      const int luma = std::max(std::to_integer<int>(from[at]) - 16, 0) * kLuma + kHalf;
      *rgb++ = shifted(luma + kRedOfV * v);
      *rgb++ = shifted(luma + kGreenOfU * u + kGreenOfV * v);
      *rgb++ = shifted(luma + kBlueOfU * u);
    }
  }
}

}  // namespace sage::mailbox
