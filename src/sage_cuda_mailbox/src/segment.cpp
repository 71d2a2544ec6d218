#include "sage_mailbox/segment.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "abandoned.hpp"
#include "header.hpp"
#include "sage_mailbox/errors.hpp"
#include "sage_mailbox/process.hpp"
#include "sage_mailbox/ring.hpp"
#include "shared_file.hpp"

namespace sage::mailbox
{

namespace
{

/// Mailboxes in the memory of this process, by name.
class Registry
{
public:
  static Registry & instance()
  {
    static Registry registry;
    return registry;
  }

  bool add(const std::string & name, const std::shared_ptr<Segment> & segment)
  {
    std::shared_ptr<Segment> earlier;  // may end here, which must not be while the lock is held
    const std::lock_guard<std::mutex> lock(mutex_);
    Known & known = segments_[name];
    earlier = known.segment.lock();
    if (earlier && !earlier->is_closed()) {
      return false;
    }
    known = {segment, segment.get()};
    return true;
  }

  std::shared_ptr<Segment> find(const std::string & name)
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto known = segments_.find(name);
    return known == segments_.end() ? nullptr : known->second.segment.lock();
  }

  void remove(const std::string & name, const Segment * segment)
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto known = segments_.find(name);
    if (known != segments_.end() && known->second.address == segment) {
      segments_.erase(known);
    }
  }

private:
  struct Known {
    std::weak_ptr<Segment> segment;
    const Segment * address = nullptr;
  };

  std::mutex mutex_;
  std::map<std::string, Known> segments_;
};

std::byte * map_private(std::uint64_t bytes)
{
  void * base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) {
    throw OutOfMemory("no memory for a mailbox of " + std::to_string(bytes) + " bytes");
  }
  return static_cast<std::byte *>(base);
}

/// Everything that a mailbox is before anybody knows of it.
void initialise(Segment & segment)
{
  const Geometry & geometry = segment.geometry();
  fill(segment.header(), geometry, segment.backend(), segment.device(), SystemProcesses::current());
  const auto never = [](Holder) { return false; };
  Ring<SystemAtomics, decltype(never)>(
      &segment.header(), segment.cells(), geometry.cell_bytes, geometry.cell_count, never)
      .clear();
}

/// True if a mailbox lies under this name now, by its header.
bool is_mailbox(const std::string & name)
{
  try {
    std::uint64_t bytes = 0;
    const FileDescriptor file = open_existing(name, bytes);
    if (file.is_open()) {
      identity_in(file, bytes, name);
    }
    return file.is_open();
  } catch (const NotAMailbox &) {
    return false;
  }
}

/// Why a name cannot be had, and what fixes it.
std::string who_has(const std::string & name)
{
  const std::string path = path_of(name);
  try {
    std::uint64_t bytes = 0;
    const FileDescriptor file = open_existing(name, bytes);
    if (!file.is_open()) {
      return path + " was there already, and is gone now: try again";
    }
    const Process creator = identity_in(file, bytes, name).creator;
    return path + " is there already, and its creator is alive: process " +
           std::to_string(creator.pid);
  } catch (const NotAMailbox & error) {
    return path + " is there already, and is no mailbox (" + error.what() +
           "); if nobody needs it: rm " + path;
  }
}

/// Gives the file its name, after removing a mailbox whose creator died. Throws NameTaken.
void claim_name(const FileDescriptor & file, const std::string & name)
{
  const NameLock lock;
  if (give_name(file, name) || (remove_if_abandoned(name, true) && give_name(file, name))) {
    return;
  }
  throw NameTaken(who_has(name));
}

}  // namespace

std::shared_ptr<Segment> Segment::create(
    const std::string & name, const Geometry & geometry, Backend backend, std::int32_t device)
{
  check_name(name);
  check(geometry);
  const std::uint64_t bytes = geometry.total_bytes();
  if (backend == Backend::host) {
    std::shared_ptr<Segment> segment(
        new Segment(name, geometry, backend, device, map_private(bytes)));
    initialise(*segment);
    segment->nonce_ = segment->header().nonce;
    segment->creator_ = SystemProcesses::current();
    if (!Registry::instance().add(name, segment)) {
      throw NameTaken("mailbox '" + name + "' is there already in this process");
    }
    segment->creator_pid_ = getpid();
    return segment;
  }
  FileDescriptor file = make_nameless(bytes);
  claim(file, Claim::created);
  claim(file, Claim::attached);
  std::shared_ptr<Segment> segment(new Segment(name, geometry, backend, device, map(file, bytes)));
  initialise(*segment);
  segment->nonce_ = segment->header().nonce;
  segment->creator_ = SystemProcesses::current();
  claim_name(file, name);
  segment->file_ = std::make_unique<FileDescriptor>(std::move(file));
  segment->creator_pid_ = getpid();
  return segment;
}

std::shared_ptr<Segment> Segment::attach(const std::string & name)
{
  check_name(name);
  if (auto segment = Registry::instance().find(name); segment && !segment->is_closed()) {
    return segment;
  }
  std::uint64_t bytes = 0;
  FileDescriptor file = open_existing(name, bytes);
  if (!file.is_open()) {
    throw NoSuchMailbox("there is no mailbox " + path_of(name));
  }
  const Identity identity = identity_in(file, bytes, name);
  claim(file, Claim::attached);
  std::shared_ptr<Segment> segment(
      new Segment(name, identity.geometry, identity.backend, identity.device, map(file, bytes)));
  segment->file_ = std::make_unique<FileDescriptor>(std::move(file));
  segment->nonce_ = identity.nonce;
  segment->creator_ = identity.creator;
  return segment;
}

Segment::Segment(
    std::string name, const Geometry & geometry, Backend backend, std::int32_t device,
    std::byte * base)
: name_(std::move(name)), geometry_(geometry), backend_(backend), device_(device), base_(base)
{
}

Segment::~Segment()
{
  close_at_end();
  munmap(base_, geometry_.total_bytes());
}

void Segment::close()
{
  if (creator_pid_ != getpid() || is_closed()) {
    return;  // another's, or inherited by a fork
  }
  say_closed(header());
  if (backend_ == Backend::host) {
    Registry::instance().remove(name_, this);
  } else {
    free_name();
  }
}

void Segment::close_at_end() noexcept
{
  try {
    close();
  } catch (const std::exception &) {
    // closed it is; the name goes with the next sweep_stale(), or when somebody wants it
  }
}

void Segment::free_name()
{
  const NameLock lock;
  std::uint64_t bytes = 0;
  const FileDescriptor file = open_existing(name_, bytes);
  if (file.is_open() && identity_in(file, bytes, name_).nonce == nonce_) {
    remove_name(name_, file);
  }
}

bool Segment::is_closed() const { return SystemAtomics::load(&header().closed) != 0; }

bool Segment::is_orphaned() const
{
  if (is_closed()) {
    return false;
  }
  return file_ ? !has_creator(*file_, creator_) : !SystemProcesses::is_alive(creator_);
}

std::vector<std::string> sweep_stale()
{
  std::vector<std::string> removed;
  const NameLock lock;
  for (const std::string & name : names()) {
    if (remove_if_abandoned(name, false)) {
      removed.push_back(name);
    }
  }
  return removed;
}

std::vector<std::string> list()
{
  std::vector<std::string> found;
  for (const std::string & name : names()) {
    if (is_mailbox(name)) {
      found.push_back(name);
    }
  }
  return found;
}

}  // namespace sage::mailbox
