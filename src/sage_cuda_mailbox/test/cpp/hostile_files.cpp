// Files that are no mailbox, or a damaged one, and names that are none, are refused.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <typeinfo>
#include <vector>

#include "expect.hpp"
#include "header.hpp"
#include "sage_mailbox/tensor_mailbox.hpp"
#include "shared_file.hpp"

using namespace sage::mailbox;
using namespace sage::mailbox::test;

namespace
{

/// A file in the mailboxes' folder, removed in the end.
class Planted
{
public:
  explicit Planted(const std::string & what) : name(unique_name(what)), path(path_of(name)) {}
  Planted(const Planted &) = delete;
  Planted & operator=(const Planted &) = delete;
  ~Planted()
  {
    unlink(path.c_str());
    rmdir(path.c_str());
  }

  void write(const std::vector<char> & bytes, mode_t mode = 0600) const
  {
    unlink(path.c_str());
    const int file = open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode);
    EXPECT(file >= 0 && fchmod(file, mode) == 0);
    EXPECT(::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    close(file);
  }

  /// How attaching is refused, by an error of this very type. Nor do others who meet the file touch
  /// it, or take it for a mailbox.
  template <class Error = NotAMailbox>
  std::string refused() const
  {
    sweep_stale();
    const std::vector<std::string> listed = list();
    EXPECT(std::count(listed.begin(), listed.end(), name) == 0);
    const std::string taken = refusal<NameTaken>([&] { BroadcastMailbox::create(name, {}); });
    EXPECT(contains(taken, "is no mailbox (" + path));
    EXPECT(contains(taken, "; if nobody needs it: rm " + path));
    struct stat found{};
    EXPECT(lstat(path.c_str(), &found) == 0);
    try {
      BroadcastMailbox::attach(name);
    } catch (const NotAMailbox & error) {
      EXPECT(typeid(error) == typeid(Error));
      EXPECT(contains(error.what(), path));
      return error.what();
    }
    EXPECT(false && "attached to");
    return {};
  }

  const std::string name;
  const std::string path;
};

/// The bytes of a good mailbox that was closed by nobody.
std::vector<char> good_bytes(Backend backend = Backend::shm)
{
  Geometry geometry;
  geometry.kind = Kind::broadcast;
  geometry.cell_bytes = 64;
  geometry.cell_count = 64;
  geometry.place_count = 4;
  std::vector<char> bytes(geometry.total_bytes());
  Header header{};
  fill(header, geometry, backend, -1, SystemProcesses::current());
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

/// The same with one field of the header changed, and a checksum that fits if `is_signed`.
template <class Value>
std::vector<char> changed(std::size_t offset, Value value, bool is_signed = true)
{
  std::vector<char> bytes = good_bytes();
  std::memcpy(bytes.data() + offset, &value, sizeof value);
  if (is_signed) {
    Header header;
    std::memcpy(&header, bytes.data(), sizeof header);
    header.checksum = checksum_of(header);
    std::memcpy(bytes.data(), &header, sizeof header);
  }
  return bytes;
}

void a_good_file_is_believed()
{
  const Planted file("good");
  file.write(good_bytes());
  EXPECT(BroadcastMailbox::attach(file.name).segment()->geometry().cell_count == 64);
  refusal<WrongKind>([&] { TensorMailbox::attach(file.name); });
}

template <class Error = DamagedHeader>
void refused(const std::vector<char> & bytes, const char * reason)
{
  const Planted file("field");
  file.write(bytes);
  EXPECT(contains(file.refused<Error>(), reason));
}

void every_field_is_checked()
{
  using u32 = std::uint32_t;
  using u64 = std::uint64_t;
  refused<NotAMailbox>(changed(offsetof(Header, magic), 'X'), "does not begin with SAGEMBX");
  refused<WrongVersion>(
      changed(offsetof(Header, layout_version), u32{2}), "layout_version is 2, expected 1");
  refused(changed(offsetof(Header, kind), u32{0}), "kind is 0");
  refused(changed(offsetof(Header, kind), u32{2}), "slot_count is 0, expected 1 to 4096");
  refused<WrongSize>(changed(offsetof(Header, total_bytes), u64{1} << 40), "says 1099511627776");
  refused<WrongSize>(changed(offsetof(Header, total_bytes), u64{0}), "says 0");
  refused(changed(offsetof(Header, cell_bytes), u32{0}), "cell_bytes is 0");
  refused(changed(offsetof(Header, cell_bytes), u32{65}), "cell_bytes is 65");
  refused<WrongSize>(changed(offsetof(Header, cell_bytes), u32{128}), "expected 12288");
  refused(changed(offsetof(Header, cell_count), u32{0}), "cell_count is 0");
  refused(changed(offsetof(Header, cell_count), u32{7}), "cell_count is 7");
  refused<WrongSize>(changed(offsetof(Header, cell_count), u32{1} << 24), "expected 107");
  refused(changed(offsetof(Header, cell_count), u32{1} << 31), "cell_count is 2147483648");
  refused(changed(offsetof(Header, place_count), u32{0}), "place_count is 0");
  refused(changed(offsetof(Header, place_count), ~u32{0}), "place_count is 4294967295");
  refused(changed(offsetof(Header, slot_count), u32{1}), "slot_count is 1, expected 0");
  refused(changed(offsetof(Header, slot_bytes), u64{4096}), "slot_bytes is 4096, expected 0");
  refused(changed(offsetof(Header, backend), u32{5}), "backend is 5, expected 0 to 4");
}

void every_byte_that_should_not_change_is_under_the_checksum()
{
  const Planted file("byte");
  const std::vector<char> good = good_bytes();
  for (std::size_t at = 0; at < offsetof(Header, closed); ++at) {
    std::vector<char> bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    file.write(bytes);
    refusal<NotAMailbox>([&] { BroadcastMailbox::attach(file.name); });
  }
}

void files_of_a_wrong_size_are_refused()
{
  const Planted file("size");
  const std::vector<char> good = good_bytes();
  const std::size_t sizes[] = {
      0, 1, 7, 63, 64, 127, 128, 383, 384, 385, 4095, 4096, good.size() - 1};
  for (const std::size_t size : sizes) {
    std::vector<char> bytes(
        good.begin(), good.begin() + static_cast<long>(std::min(size, good.size() - 1)));
    file.write(bytes);
    EXPECT(contains(
        file.refused<WrongSize>(), size < sizeof(Header) ? "shorter than a header" : "it has"));
  }
  std::vector<char> longer = good;
  longer.push_back(0);
  file.write(longer);
  file.refused<WrongSize>();
  EXPECT(truncate(file.path.c_str(), 1L << 50) == 0);  // a hole larger than any address space
  EXPECT(contains(file.refused<WrongSize>(), "1125899906842624 bytes"));
}

void files_of_others_or_open_to_others_are_refused()
{
  const Planted file("mode");
  for (const mode_t mode : {0640, 0604, 0622, 0666, 0777, 0601}) {
    file.write(good_bytes(), mode);
    EXPECT(contains(file.refused<WrongOwner>(), ", expected 0600"));
  }
  if (geteuid() != 0) {
    std::printf("the owner is not tested: only root can give files away\n");
    return;
  }
  file.write(good_bytes());
  EXPECT(chown(file.path.c_str(), 65534, 65534) == 0);
  EXPECT(contains(file.refused<WrongOwner>(), "belongs to user 65534, expected 0"));
}

void what_is_no_file_is_refused()
{
  const Planted good("target");
  good.write(good_bytes());
  {
    const Planted link("link");
    EXPECT(symlink(good.path.c_str(), link.path.c_str()) == 0);
    EXPECT(contains(link.refused(), "cannot be opened"));
  }
  {
    const Planted loop("loop");
    EXPECT(symlink(loop.path.c_str(), loop.path.c_str()) == 0);
    loop.refused();
  }
  {
    const Planted folder("folder");
    EXPECT(mkdir(folder.path.c_str(), 0700) == 0);
    EXPECT(contains(folder.refused(), "cannot be opened"));
  }
  {
    const Planted pipe("fifo");
    EXPECT(mkfifo(pipe.path.c_str(), 0600) == 0);
    EXPECT(contains(pipe.refused(), "no regular file"));
  }
  {
    const Planted socket_file("socket");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    EXPECT(socket_file.path.size() < sizeof address.sun_path);
    std::strcpy(address.sun_path, socket_file.path.c_str());
    const int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT(bind(listening, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0);
    socket_file.refused();
    close(listening);
  }
}

void names_that_are_none_are_refused()
{
  const std::string bad[] = {
      "",
      ".",
      "..",
      "../x",
      "a/b",
      "/etc/passwd",
      "/dev/shm/x",
      ".hidden",
      "-x",
      "a b",
      "a\nb",
      "a%n",
      "é",
      "a\\b",
      "a:b",
      "*",
      "..\\..",
      "x/../../y",
      "~",
      "$HOME",
      "a;b",
      std::string("a\0b", 3),
      std::string(129, 'x'),
      std::string(100000, 'x')};
  for (const std::string & name : bad) {
    const auto is_refused = [&](auto action) {
      EXPECT(contains(refusal<InvalidArgument>(action), "expected 1 to 128 letters"));
    };
    is_refused([&] { BroadcastMailbox::create(name, {}); });
    is_refused([&] { BroadcastMailbox::attach(name); });
    is_refused([&] { TensorMailbox::create(name, {2, 64, 4, 0, Backend::host}); });
    is_refused([&] { TensorMailbox::attach(name); });
  }
  const std::string longest(100, 'x');
  BroadcastMailbox::create(unique_name(longest), {});
  refusal<NoSuchMailbox>([&] { BroadcastMailbox::attach(unique_name(longest)); });
  EXPECT(contains(
      refusal<NoSuchMailbox>([] { TensorMailbox::attach("lock"); }), "there is no mailbox"));
}

/// A file of this user whose name no mailbox can have does not stop the sweep of the others.
void a_strange_name_does_not_stop_the_sweep()
{
  const Planted stale("stale");
  const std::string strange = path_of(unique_name("strange")) + " #";
  std::ofstream(strange.c_str()) << "x";
  EXPECT(ended_well(in_child([&] {
    const BroadcastMailbox mailbox = BroadcastMailbox::create(stale.name, {});
    std::_Exit(0);
  })));
  const std::vector<std::string> before = list();
  EXPECT(std::count(before.begin(), before.end(), stale.name) == 1);
  const std::vector<std::string> swept = sweep_stale();
  EXPECT(std::count(swept.begin(), swept.end(), stale.name) == 1);
  EXPECT(access(stale.path.c_str(), F_OK) != 0);
  EXPECT(unlink(strange.c_str()) == 0);
}

/// A name that turns into something else while the mailbox lives is left alone at its end.
void a_name_that_was_taken_over_is_left_alone()
{
  const Planted file("taken");
  {
    const BroadcastMailbox mailbox = BroadcastMailbox::create(file.name, {});
    EXPECT(unlink(file.path.c_str()) == 0 && mkdir(file.path.c_str(), 0700) == 0);
  }
  struct stat found{};
  EXPECT(lstat(file.path.c_str(), &found) == 0 && S_ISDIR(found.st_mode));
}

/// What the kernel refuses is neither a file of a wrong size nor want of room.
void what_the_kernel_refuses_is_said_to_be_that()
{
  char start[8];
  const FileDescriptor folder(open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::string unread =
      refusal<SystemCallError>([&] { read_start(folder, start, sizeof start, "a"); });
  EXPECT(contains(unread, "cannot be read: Is a directory"));
  EXPECT(contains(refusal<SystemCallError>([] { make_nameless(0); }), "cannot be extended"));
}

void files_are_for_their_user_only()
{
  const std::string name = unique_name("own");
  const mode_t before = umask(0);
  const BroadcastMailbox mailbox = BroadcastMailbox::create(name, {});
  umask(before);
  struct stat found{};
  EXPECT(stat(path_of(name).c_str(), &found) == 0);
  EXPECT((found.st_mode & 07777) == 0600 && found.st_uid == geteuid());
  EXPECT(
      static_cast<std::uint64_t>(found.st_blocks) * 512 >=
      mailbox.segment()->geometry().total_bytes());
  const std::string taken = refusal<NameTaken>([&] { BroadcastMailbox::create(name, {}); });
  EXPECT(contains(taken, "its creator is alive: process " + std::to_string(getpid())));
  EXPECT(!contains(taken, "rm "));
}

}  // namespace

int main()
{
  a_good_file_is_believed();
  every_field_is_checked();
  every_byte_that_should_not_change_is_under_the_checksum();
  files_of_a_wrong_size_are_refused();
  files_of_others_or_open_to_others_are_refused();
  what_is_no_file_is_refused();
  names_that_are_none_are_refused();
  a_strange_name_does_not_stop_the_sweep();
  a_name_that_was_taken_over_is_left_alone();
  what_the_kernel_refuses_is_said_to_be_that();
  files_are_for_their_user_only();
}
