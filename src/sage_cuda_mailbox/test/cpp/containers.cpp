// Mailboxes of processes in another process id namespace, whom the kernel does not show.
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#include "expect.hpp"
#include "header.hpp"
#include "sage_mailbox/broadcast_mailbox.hpp"
#include "shared_file.hpp"

using namespace sage::mailbox;
using namespace sage::mailbox::test;

namespace
{

bool is_swept(const std::string & name)
{
  const std::vector<std::string> swept = sweep_stale();
  return std::count(swept.begin(), swept.end(), name) == 1;
}

/// What a process leaves that dies with a writer's place in a mailbox.
void leave_mailbox(const std::string & name)
{
  const BroadcastMailbox mailbox = BroadcastMailbox::create(name, {});
  const BroadcastWriter writer = mailbox.writer();
  std::_Exit(0);
}

/// Makes all processes that a mailbox names look as if they were in another namespace.
void move_elsewhere(const std::string & name)
{
  const std::shared_ptr<Segment> segment = BroadcastMailbox::attach(name).segment();
  Header & header = segment->header();
  header.creator_namespace ^= 1;
  header.checksum = checksum_of(header);
  for (std::uint32_t index = 0; index < segment->geometry().place_count; ++index) {
    segment->places()[index].process_namespace ^= 1;
  }
}

FileDescriptor file_of(const std::string & name)
{
  std::uint64_t bytes = 0;
  return open_existing(name, bytes);
}

void a_mailbox_that_nobody_has_open_is_swept()
{
  const std::string name = unique_name("elsewhere");
  EXPECT(ended_well(in_child([&] { leave_mailbox(name); })));
  move_elsewhere(name);
  {
    const FileDescriptor file = file_of(name);
    claim(file, Claim::attached);
    EXPECT(!is_swept(name));
  }
  EXPECT(is_swept(name));
}

void a_name_is_taken_while_its_creator_has_the_file_open()
{
  const std::string name = unique_name("restart");
  EXPECT(ended_well(in_child([&] { leave_mailbox(name); })));
  move_elsewhere(name);
  {
    const FileDescriptor file = file_of(name);
    claim(file, Claim::created);
    EXPECT(!is_swept(name));
    refusal<NameTaken>([&] { BroadcastMailbox::create(name, {}); });
    EXPECT(!BroadcastMailbox::attach(name).segment()->is_orphaned());
  }
  const BroadcastMailbox attached = BroadcastMailbox::attach(name);
  EXPECT(attached.segment()->is_orphaned());
  const BroadcastMailbox mailbox = BroadcastMailbox::create(name, {});
  EXPECT(attached.segment()->is_closed() && !mailbox.segment()->is_closed());
  EXPECT(!attached.segment()->is_orphaned() && !mailbox.segment()->is_orphaned());
}

/// The real thing: the creator is the first process of a namespace with its own /proc.
void a_container_ends()
{
  const std::string name = unique_name("container");
  EXPECT(ended_well(in_child([&] {
    if (unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) {
      std::printf("no real namespace is tested: %s\n", std::strerror(errno));
      return;
    }
    EXPECT(ended_well(in_child([&] {
      if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
          mount("proc", "/proc", "proc", 0, nullptr) != 0) {
        std::printf("no real namespace is tested: %s\n", std::strerror(errno));
        return;
      }
      EXPECT(getpid() == 1);
      const BroadcastMailbox mailbox = BroadcastMailbox::create(name, {});
      const BroadcastWriter writer = mailbox.writer();
      std::printf("a real namespace is tested\n");
      std::fflush(stdout);
      std::_Exit(0);
    })));
  })));
  const BroadcastMailbox mailbox = BroadcastMailbox::create(name, {});
}

}  // namespace

int main()
{
  a_mailbox_that_nobody_has_open_is_swept();
  a_name_is_taken_while_its_creator_has_the_file_open();
  a_container_ends();
}
