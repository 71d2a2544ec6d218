// How a process gets at device memory that another one allocated.
#ifndef HANDLE_EXCHANGE_HPP_
#define HANDLE_EXCHANGE_HPP_

#include <array>
#include <cstdint>
#include <string>
#include <thread>

#include "sage_mailbox_cuda/device_traits.hpp"
#include "shared_file.hpp"

namespace sage::mailbox::cuda_backend
{

/// What the creator says of its memory. For cuda_vmm a file descriptor comes with it.
struct MemoryOffer {
  std::uint64_t nonce = 0;  ///< of the mailbox
  std::uint64_t bytes = 0;
  std::uint32_t backend = 0;
  std::uint32_t reserved = 0;
  DeviceUuid uuid{};
  std::array<std::uint8_t, 64> ipc_handle{};  ///< for cuda_ipc
};

/// Answers with the offer, as long as it lives, whoever of the same user asks.
///
/// On a UNIX socket of mode 0600 in the user's runtime folder ($XDG_RUNTIME_DIR, otherwise
/// /tmp/sage-mailbox-<user>, mode 0700), named after the mailbox's nonce. Both sides look at the
/// other's user (SO_PEERCRED), so neither a socket nor a folder of somebody else is believed.
class HandleServer
{
public:
  /// Throws SystemCallError, WrongOwner.
  HandleServer(const MemoryOffer & offer, FileDescriptor memory);
  HandleServer(const HandleServer &) = delete;
  HandleServer & operator=(const HandleServer &) = delete;
  ~HandleServer();

private:
  void serve();
  void answer(const FileDescriptor & peer) const;

  MemoryOffer offer_;
  FileDescriptor memory_;  // not open for cuda_ipc
  std::string path_;
  FileDescriptor listening_;
  FileDescriptor ending_;  // an eventfd
  std::thread thread_;
};

struct ReceivedOffer {
  MemoryOffer offer;
  FileDescriptor memory;
};

/// Asks the creator of the mailbox. Throws SystemCallError if it is gone, or silent for two
/// seconds; WrongOwner if it is another user's; NotAMailbox if it is the creator of another
/// mailbox.
ReceivedOffer receive_offer(std::uint64_t nonce);

}  // namespace sage::mailbox::cuda_backend

#endif  // HANDLE_EXCHANGE_HPP_
