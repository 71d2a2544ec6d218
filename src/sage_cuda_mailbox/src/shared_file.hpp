// A mailbox's file in shared memory.
#ifndef SHARED_FILE_HPP_
#define SHARED_FILE_HPP_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sage::mailbox
{

/// An open file descriptor, closed with the object.
class FileDescriptor
{
public:
  explicit FileDescriptor(int number) : number_(number) {}
  FileDescriptor() = default;  ///< of no file
  FileDescriptor(FileDescriptor && other) noexcept : number_(other.number_) { other.number_ = -1; }
  FileDescriptor(const FileDescriptor &) = delete;
  FileDescriptor & operator=(const FileDescriptor &) = delete;
  FileDescriptor & operator=(FileDescriptor && other) noexcept
  {
    std::swap(number_, other.number_);
    return *this;
  }
  ~FileDescriptor();

  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }

private:
  int number_ = -1;
};

/// While one lives, no other process gives or removes names of this user's mailboxes.
class NameLock
{
public:
  /// Throws SystemCallError; WrongOwner.
  NameLock();

private:
  FileDescriptor file_;  // locked by flock: the kernel frees it when the process ends
};

/// Throws InvalidArgument unless `name` is letters, digits, '_', '-' and '.', does not begin
/// with '.' or '-', and is at most 128 long.
void check_name(const std::string & name);

/// Path of this user's mailbox `name`.
std::string path_of(const std::string & name);

/// A new file without a name, mode 0600, `bytes` long, all of them there. Throws OutOfMemory,
/// SystemCallError.
FileDescriptor make_nameless(std::uint64_t bytes);

/// Gives the file its name. False if the name is taken. Throws SystemCallError. For this and
/// `remove_name`, hold a NameLock.
bool give_name(const FileDescriptor & file, const std::string & name);

/// Opens a mailbox's file; not open if there is none. Throws NotAMailbox if it is a link or no
/// file, another user's, or open to others; SystemCallError if it cannot be opened for want of
/// something (descriptors, memory).
FileDescriptor open_existing(const std::string & name, std::uint64_t & bytes);

/// Copies the first bytes of the file. Throws WrongSize if there are fewer than `count`,
/// SystemCallError.
void read_start(
    const FileDescriptor & file, void * to, std::size_t count, const std::string & name);

/// Maps the file's first bytes. Throws OutOfMemory, SystemCallError.
std::byte * map(const FileDescriptor & file, std::uint64_t bytes);

/// What a process that has the file open says to all others, in whatever process id namespace. The
/// kernel takes it back when the process, and those that it forked, have closed the file or ended.
enum class Claim { created, attached };

/// Throws SystemCallError.
void claim(const FileDescriptor & file, Claim what);

/// True if any process claims this of the file; `file` is to be a descriptor without claims.
bool is_claimed(const FileDescriptor & file, Claim what);

/// Removes the name if it still stands for the open `file`. False if it does not.
bool remove_name(const std::string & name, const FileDescriptor & file);

/// Names of this user's mailboxes, and of what else lies under such names. A file whose name no
/// mailbox can have is left out.
std::vector<std::string> names();

}  // namespace sage::mailbox

#endif  // SHARED_FILE_HPP_
