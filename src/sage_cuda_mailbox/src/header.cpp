#include "header.hpp"

#include <sys/random.h>
#include <time.h>

#include <array>
#include <cstring>
#include <stdexcept>

#include "sage_mailbox/status.hpp"

namespace sage::mailbox
{

namespace
{

constexpr std::uint32_t kCastagnoli = 0x82F63B78;  // reversed polynomial of CRC-32C, RFC 3720
constexpr std::size_t kConstantBytes = offsetof(Header, closed);

/// CRC-32C of the fields that do not change, with the checksum itself taken as zero.
std::uint32_t checksum_of(const Header & header)
{
  std::array<unsigned char, kConstantBytes> bytes{};
  std::memcpy(bytes.data(), &header, kConstantBytes);
  std::memset(bytes.data() + offsetof(Header, checksum), 0, sizeof header.checksum);
  std::uint32_t rest = ~std::uint32_t{0};
  for (const unsigned char byte : bytes) {
    rest ^= byte;
    for (int bit = 0; bit < 8; ++bit) {
      rest = rest >> 1 ^ (rest & 1 ? kCastagnoli : 0);
    }
  }
  return ~rest;
}

std::uint64_t random_number()
{
  std::uint64_t number = 0;
  if (getrandom(&number, sizeof number, 0) != sizeof number) {
    throw MailboxError("the kernel gave no random number");
  }
  return number;
}

std::int64_t unix_ns()
{
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

[[noreturn]] void refuse(const std::string & where, const std::string & what)
{
  throw NotAMailbox(where + " is not a mailbox that can be used: " + what);
}

}  // namespace

void fill(
    Header & header, const Geometry & geometry, Backend backend, std::int32_t device,
    const Process & creator)
{
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.layout_version = kLayoutVersion;
  header.kind = static_cast<std::uint32_t>(geometry.kind);
  header.total_bytes = geometry.total_bytes();
  header.cell_bytes = geometry.cell_bytes;
  header.cell_count = geometry.cell_count;
  header.place_count = geometry.place_count;
  header.slot_count = geometry.slot_count;
  header.slot_bytes = geometry.slot_bytes;
  header.backend = static_cast<std::uint32_t>(backend);
  header.device = device;
  header.nonce = random_number();
  header.creator_pid = creator.pid;
  header.creator_started = creator.started;
  header.creator_namespace = creator.process_namespace;
  header.created_unix_ns = unix_ns();
  header.checksum = checksum_of(header);
}

Geometry believed(const Header & header, std::uint64_t bytes, const std::string & where)
{
  if (bytes < sizeof(Header)) {
    refuse(
        where, "it has " + std::to_string(bytes) + " bytes, a header has " +
                   std::to_string(sizeof(Header)));
  }
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) {
    refuse(where, "it does not begin with SAGEMBX");
  }
  if (header.layout_version != kLayoutVersion) {
    refuse(
        where, "layout_version is " + std::to_string(header.layout_version) + ", expected " +
                   std::to_string(kLayoutVersion));
  }
  if (header.checksum != checksum_of(header)) {
    refuse(where, "the header is damaged (checksum)");
  }
  if (header.backend > static_cast<std::uint32_t>(Backend::pinned)) {
    refuse(where, "backend is " + std::to_string(header.backend) + ", expected 0 to 4");
  }
  Geometry geometry;
  geometry.kind = static_cast<Kind>(header.kind);
  geometry.cell_bytes = header.cell_bytes;
  geometry.cell_count = header.cell_count;
  geometry.place_count = header.place_count;
  geometry.slot_count = header.slot_count;
  geometry.slot_bytes = header.slot_bytes;
  const auto backend = static_cast<Backend>(header.backend);
  geometry.payload_inside = backend != Backend::cuda_vmm && backend != Backend::cuda_ipc;
  try {
    check(geometry);
  } catch (const std::invalid_argument & error) {
    refuse(where, error.what());
  }
  if (header.total_bytes != geometry.total_bytes() || header.total_bytes > bytes) {
    refuse(
        where, "it has " + std::to_string(bytes) + " bytes and says " +
                   std::to_string(header.total_bytes) + ", expected " +
                   std::to_string(geometry.total_bytes()));
  }
  return geometry;
}

Process creator_of(const Header & header)
{
  return {header.creator_pid, header.creator_started, header.creator_namespace};
}

}  // namespace sage::mailbox
