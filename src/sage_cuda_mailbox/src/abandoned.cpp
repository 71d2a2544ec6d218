#include "abandoned.hpp"

#include <sys/mman.h>

#include "sage_mailbox/atomics.hpp"
#include "sage_mailbox/errors.hpp"
#include "sage_mailbox/participant_table.hpp"
#include "sage_mailbox/process.hpp"
#include "sage_mailbox/wakeup.hpp"

namespace sage::mailbox
{

namespace
{

/// What the kernel knows of the processes in this process id namespace; there are no others.
struct VisibleProcesses {
  static bool exists(std::uint32_t pid, std::uint32_t mark)
  {
    return mark == namespace_mark(SystemProcesses::own_namespace()) &&
           SystemProcesses::exists(pid, mark);
  }
  static bool is_alive(const Process & process)
  {
    return process.process_namespace == SystemProcesses::own_namespace() &&
           SystemProcesses::is_alive(process);
  }
};

/// The tables of a mailbox, mapped for as long as a look at them takes.
class MappedHeader
{
public:
  MappedHeader(const FileDescriptor & file, const Geometry & geometry)
  : base_(map(file, geometry.payload_at())), geometry_(geometry)
  {
  }
  MappedHeader(const MappedHeader &) = delete;
  MappedHeader & operator=(const MappedHeader &) = delete;
  ~MappedHeader() { munmap(base_, geometry_.payload_at()); }

  Header & header() const { return *reinterpret_cast<Header *>(base_); }
  bool is_closed() const { return SystemAtomics::load(&header().closed) != 0; }
  /// True if a participant is alive, as far as `Processes` can tell.
  template <class Processes>
  bool has_participants() const
  {
    auto * table = reinterpret_cast<Place *>(base_ + geometry_.places_at());
    return ParticipantTable<SystemAtomics, Processes>(&header(), table, geometry_.place_count)
        .any_alive();
  }

private:
  std::byte * base_;
  Geometry geometry_;
};

/// Of processes that cannot be looked at, the claims on the file tell whether any is left.
bool has_participants(const FileDescriptor & file, const MappedHeader & mapped)
{
  return mapped.has_participants<VisibleProcesses>() ||
         (mapped.has_participants<SystemProcesses>() && is_claimed(file, Claim::attached));
}

}  // namespace

Identity identity_in(const FileDescriptor & file, std::uint64_t bytes, const std::string & name)
{
  Header copy;
  read_start(file, &copy, sizeof copy, name);
  return believed(copy, bytes, path_of(name));
}

bool has_creator(const FileDescriptor & file, const Process & creator)
{
  return VisibleProcesses::is_alive(creator) ||
         (SystemProcesses::is_alive(creator) && is_claimed(file, Claim::created));
}

void say_closed(Header & header)
{
  SystemAtomics::exchange(&header.closed, std::uint32_t{1});
  wake_sleepers(header);
}

bool remove_if_abandoned(const std::string & name, bool even_if_others_live)
{
  try {
    std::uint64_t bytes = 0;
    const FileDescriptor file = open_existing(name, bytes);
    if (!file.is_open()) {
      return false;
    }
    const Identity identity = identity_in(file, bytes, name);
    const MappedHeader mapped(file, identity.geometry);
    if (!mapped.is_closed()) {
      if (has_creator(file, identity.creator) ||
          (!even_if_others_live && has_participants(file, mapped))) {
        return false;
      }
      say_closed(mapped.header());
    }
    return remove_name(name, file);
  } catch (const NotAMailbox &) {
    return false;
  }
}

}  // namespace sage::mailbox
