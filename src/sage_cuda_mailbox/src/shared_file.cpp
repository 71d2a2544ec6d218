#include "shared_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <iomanip>
#include <memory>
#include <sstream>

#include "sage_mailbox/errors.hpp"

namespace sage::mailbox
{

namespace
{

constexpr char kFolder[] = "/dev/shm";
constexpr char kLockName[] = ".lock";  // no mailbox's name begins with a point
constexpr std::size_t kLongestName = 128;

std::string prefix() { return "sage-mailbox." + std::to_string(geteuid()) + "."; }

bool is_in_name(char letter)
{
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9') || letter == '_' || letter == '-' || letter == '.';
}

bool is_name(const std::string & name)
{
  return !name.empty() && name.size() <= kLongestName && name[0] != '.' && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), is_in_name);
}

/// A name in an error's text, whatever is in it.
std::string printable(const std::string & name)
{
  std::string text = name.substr(0, kLongestName);
  std::replace_if(
      text.begin(), text.end(), [](unsigned char letter) { return std::isprint(letter) == 0; },
      '?');
  return text + (name.size() > kLongestName ? "..." : "");
}

/// A lock on one byte: the first for who created the file, the second for those attached.
struct flock lock_for(Claim what, short type)
{
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = what == Claim::created ? 0 : 1;
  lock.l_len = 1;
  return lock;
}

constexpr char kLock[] = "the lock of the names in /dev/shm";

}  // namespace

FileDescriptor::~FileDescriptor()
{
  if (number_ >= 0) {
    ::close(number_);
  }
}

NameLock::NameLock()
: file_(open(
      (std::string(kFolder) + "/" + prefix() + kLockName).c_str(),
      O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR))
{
  struct stat found{};
  if (!file_.is_open() || fstat(file_.number(), &found) != 0) {
    throw SystemCallError(kLock, errno);
  }
  if (found.st_uid != geteuid() || !S_ISREG(found.st_mode)) {
    throw WrongOwner(std::string(kLock) + " is another user's");
  }
  while (flock(file_.number(), LOCK_EX) != 0) {
    if (errno != EINTR) {
      throw SystemCallError(kLock, errno);
    }
  }
}

void check_name(const std::string & name)
{
  if (!is_name(name)) {
    throw InvalidArgument(
        "name", "'" + printable(name) + "'",
        "1 to 128 letters, digits, '_', '-' or '.', beginning with none of '-' and '.'");
  }
}

std::string path_of(const std::string & name)
{
  check_name(name);
  return std::string(kFolder) + "/" + prefix() + name;
}

FileDescriptor make_nameless(std::uint64_t bytes)
{
  FileDescriptor file(open(kFolder, O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!file.is_open()) {
    throw SystemCallError(std::string("no file can be made in ") + kFolder, errno);
  }
  int error = EINTR;
  while (error == EINTR) {
    error = posix_fallocate(file.number(), 0, static_cast<off_t>(bytes));
  }
  if (error != 0 && error != ENOSPC && error != ENOMEM && error != EFBIG) {
    throw SystemCallError(std::string("a file in ") + kFolder + " cannot be extended", error);
  }
  if (error != 0) {
    throw OutOfMemory(
        std::string(kFolder) + " has no room for a mailbox of " + std::to_string(bytes) +
        " bytes: " + std::strerror(error) + " (docker: --shm-size)");
  }
  return file;
}

bool give_name(const FileDescriptor & file, const std::string & name)
{
  const std::string own = "/proc/self/fd/" + std::to_string(file.number());
  if (linkat(AT_FDCWD, own.c_str(), AT_FDCWD, path_of(name).c_str(), AT_SYMLINK_FOLLOW) == 0) {
    return true;
  }
  if (errno != EEXIST) {
    throw SystemCallError(path_of(name) + " cannot be made", errno);
  }
  return false;
}

FileDescriptor open_existing(const std::string & name, std::uint64_t & bytes)
{
  const std::string path = path_of(name);
  FileDescriptor file(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.is_open()) {
    if (errno == ENOENT) {
      return file;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == EINTR) {
      throw SystemCallError(path + " cannot be opened now", errno);
    }
    const std::string refusal = path + " cannot be opened: " + std::strerror(errno);
    if (errno == EACCES || errno == EPERM) {
      throw WrongOwner(refusal);
    }
    throw NotAMailbox(refusal);
  }
  struct stat found{};
  if (fstat(file.number(), &found) != 0) {
    throw SystemCallError(path + " cannot be looked at", errno);
  }
  if (!S_ISREG(found.st_mode)) {
    throw NotAMailbox(path + " is no regular file");
  }
  if (found.st_uid != geteuid()) {
    throw WrongOwner(
        path + " belongs to user " + std::to_string(found.st_uid) + ", expected " +
        std::to_string(geteuid()));
  }
  if ((found.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    std::ostringstream mode;
    mode << std::oct << std::setfill('0') << std::setw(4) << (found.st_mode & 07777);
    throw WrongOwner(path + " is open to other users: " + mismatch("mode", mode.str(), "0600"));
  }
  bytes = static_cast<std::uint64_t>(found.st_size);
  return file;
}

void read_start(const FileDescriptor & file, void * to, std::size_t count, const std::string & name)
{
  const ssize_t length = pread(file.number(), to, count, 0);
  if (length < 0) {
    throw SystemCallError(path_of(name) + " cannot be read", errno);
  }
  if (static_cast<std::size_t>(length) != count) {
    throw WrongSize(
        path_of(name) + " is not a mailbox that can be used: it is shorter than a header of " +
        std::to_string(count) + " bytes");
  }
}

std::byte * map(const FileDescriptor & file, std::uint64_t bytes)
{
  void * base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.number(), 0);
  if (base == MAP_FAILED && errno == ENOMEM) {
    throw OutOfMemory(
        "this process has no room for a mailbox of " + std::to_string(bytes) +
        " bytes: " + std::strerror(ENOMEM));
  }
  if (base == MAP_FAILED) {
    throw SystemCallError("shared memory cannot be mapped", errno);
  }
  return static_cast<std::byte *>(base);
}

void claim(const FileDescriptor & file, Claim what)
{
  struct flock lock = lock_for(what, what == Claim::created ? F_WRLCK : F_RDLCK);
  if (fcntl(file.number(), F_OFD_SETLK, &lock) != 0) {
    throw SystemCallError(std::string("a file in ") + kFolder + " cannot be locked", errno);
  }
}

bool is_claimed(const FileDescriptor & file, Claim what)
{
  struct flock lock = lock_for(what, F_WRLCK);
  return fcntl(file.number(), F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

bool remove_name(const std::string & name, const FileDescriptor & file)
{
  struct stat named{};
  struct stat opened{};
  const std::string path = path_of(name);
  if (lstat(path.c_str(), &named) != 0 || fstat(file.number(), &opened) != 0 ||
      named.st_ino != opened.st_ino || named.st_dev != opened.st_dev) {
    return false;
  }
  return unlink(path.c_str()) == 0;
}

std::vector<std::string> names()
{
  const std::unique_ptr<DIR, int (*)(DIR *)> folder(opendir(kFolder), closedir);
  std::vector<std::string> found;
  while (const dirent * entry = folder ? readdir(folder.get()) : nullptr) {
    const std::string file = entry->d_name;
    if (file.rfind(prefix(), 0) == 0 && is_name(file.substr(prefix().size()))) {
      found.push_back(file.substr(prefix().size()));
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace sage::mailbox
