#include "header.hpp"

#include <sys/random.h>
#include <time.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "sage_mailbox/errors.hpp"

namespace sage::mailbox
{

namespace
{

constexpr std::uint32_t kCastagnoli = 0x82F63B78;  // reversed polynomial of CRC-32C, RFC 3720
constexpr std::size_t kConstantBytes = offsetof(Header, closed);

std::uint64_t random_number()
{
  std::uint64_t number = 0;
  if (getrandom(&number, sizeof number, 0) != sizeof number) {
    throw SystemCallError("no random number for a new mailbox", errno);
  }
  return number;
}

std::int64_t unix_ns()
{
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

template <class Error>
[[noreturn]] void refuse(const std::string & where, const std::string & what)
{
  throw Error(where + " is not a mailbox that can be used: " + what);
}

}  // namespace

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

Identity believed(const Header & copy, std::uint64_t bytes, const std::string & where)
{
  if (std::memcmp(copy.magic, kMagic, sizeof kMagic) != 0) {
    refuse<NotAMailbox>(where, "it does not begin with SAGEMBX");
  }
  if (copy.layout_version != kLayoutVersion) {
    refuse<WrongVersion>(
        where,
        mismatch(
            "layout_version", std::to_string(copy.layout_version), std::to_string(kLayoutVersion)));
  }
  if (copy.checksum != checksum_of(copy)) {
    refuse<DamagedHeader>(
        where, mismatch(
                   "the header's checksum", std::to_string(copy.checksum),
                   std::to_string(checksum_of(copy))));
  }
  if (copy.backend > static_cast<std::uint32_t>(Backend::pinned)) {
    refuse<DamagedHeader>(where, mismatch("backend", std::to_string(copy.backend), "0 to 4"));
  }
  Geometry geometry;
  geometry.kind = static_cast<Kind>(copy.kind);
  geometry.cell_bytes = copy.cell_bytes;
  geometry.cell_count = copy.cell_count;
  geometry.place_count = copy.place_count;
  geometry.slot_count = copy.slot_count;
  geometry.slot_bytes = copy.slot_bytes;
  const auto backend = static_cast<Backend>(copy.backend);
  geometry.payload_inside = backend != Backend::cuda_vmm && backend != Backend::cuda_ipc;
  try {
    check(geometry);
  } catch (const InvalidArgument & error) {
    refuse<DamagedHeader>(where, error.what());
  }
  if (copy.total_bytes != geometry.total_bytes() || copy.total_bytes != bytes) {
    refuse<WrongSize>(
        where, "it has " + std::to_string(bytes) + " bytes and says " +
                   std::to_string(copy.total_bytes) + ", expected " +
                   std::to_string(geometry.total_bytes()));
  }
  return {
      geometry,
      backend,
      copy.device,
      copy.nonce,
      {copy.creator_pid, copy.creator_started, copy.creator_namespace}};
}

}  // namespace sage::mailbox
