// Rows of pixels, made RGB.
#ifndef COLOUR_HPP_
#define COLOUR_HPP_

#include <cstddef>
#include <cstdint>

namespace sage::mailbox
{

/// Writes `width` pixels of 3 bytes.
using RowToRgb = void (*)(const std::byte * from, std::uint32_t width, std::byte * rgb);

void rgb_to_rgb(const std::byte * from, std::uint32_t width, std::byte * rgb);
void bgr_to_rgb(const std::byte * from, std::uint32_t width, std::byte * rgb);
void rgba_to_rgb(const std::byte * from, std::uint32_t width, std::byte * rgb);
void bgra_to_rgb(const std::byte * from, std::uint32_t width, std::byte * rgb);
void grey_to_rgb(const std::byte * from, std::uint32_t width, std::byte * rgb);
/// Y0 U Y1 V, two pixels in four bytes; `width` is even.
void yuy2_to_rgb(const std::byte * from, std::uint32_t width, std::byte * rgb);

}  // namespace sage::mailbox

#endif  // COLOUR_HPP_
