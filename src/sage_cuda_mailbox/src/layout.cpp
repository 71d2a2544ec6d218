#include "sage_mailbox/layout.hpp"

#include <iterator>
#include <string>

#include "sage_mailbox/errors.hpp"

namespace sage::mailbox
{

namespace
{

void check_slot_count(std::uint32_t slot_count)
{
  require(slot_count >= 1 && slot_count <= kMostSlots, "slot_count", slot_count, "1 to 4096");
}

}  // namespace

Backend backend_named(const std::string & name)
{
  std::string names;
  for (std::uint32_t number = 0; number < std::size(kBackendNames); ++number) {
    if (name == kBackendNames[number]) {
      return static_cast<Backend>(number);
    }
    names += (number == 0 ? "" : ", ") + std::string(kBackendNames[number]);
  }
  throw InvalidArgument("backend", "'" + name + "'", "one of " + names);
}

void check(const Geometry & geometry)
{
  const auto kind = static_cast<std::uint32_t>(geometry.kind);
  require(kind == 1 || kind == 2, "kind", kind, "1 (broadcast) or 2 (tensor)");
  require(
      geometry.cell_bytes % 64 == 0 && geometry.cell_bytes >= 64 && geometry.cell_bytes <= 256,
      "cell_bytes", geometry.cell_bytes, "64, 128, 192 or 256");
  require(
      geometry.cell_count >= 2 && geometry.cell_count <= kMostCells &&
          (geometry.cell_count & (geometry.cell_count - 1)) == 0,
      "cell_count", geometry.cell_count, "a power of two from 2 to 16777216");
  require(
      geometry.place_count >= 1 && geometry.place_count <= kMostPlaces, "place_count",
      geometry.place_count, "1 to 256");
  if (geometry.kind == Kind::broadcast) {
    require(
        geometry.slot_count == 0, "slot_count", geometry.slot_count, "0 in a broadcast mailbox");
    require(
        geometry.slot_bytes == 0, "slot_bytes", geometry.slot_bytes, "0 in a broadcast mailbox");
    return;
  }
  check_slot_count(geometry.slot_count);
  require(
      geometry.slot_bytes >= kPageBytes && geometry.slot_bytes <= kMostSlotBytes &&
          geometry.slot_bytes % kPageBytes == 0,
      "slot_bytes", geometry.slot_bytes, "a multiple of 4096 up to 68719476736");
}

Geometry tensor_geometry(
    std::uint32_t slot_count, std::uint64_t slot_bytes, std::uint32_t place_count)
{
  check_slot_count(slot_count);
  require(
      slot_bytes >= 1 && slot_bytes <= kMostSlotBytes, "slot_bytes", slot_bytes,
      "1 to " + std::to_string(kMostSlotBytes));
  Geometry geometry;
  geometry.kind = Kind::tensor;
  // A reader that is given a tensor has at most slot_count announcements before it.
  geometry.cell_count = 2;
  while (geometry.cell_count < 2 * slot_count) {
    geometry.cell_count *= 2;
  }
  geometry.place_count = place_count;
  geometry.slot_count = slot_count;
  geometry.slot_bytes = (slot_bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  return geometry;
}

}  // namespace sage::mailbox
