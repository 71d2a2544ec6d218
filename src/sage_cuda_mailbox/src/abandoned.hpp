// Mailboxes in shared memory whose creators are gone.
#ifndef ABANDONED_HPP_
#define ABANDONED_HPP_

#include <cstdint>
#include <string>

#include "header.hpp"
#include "shared_file.hpp"

namespace sage::mailbox
{

/// Reads who the mailbox in a file of `bytes` bytes is. Throws NotAMailbox.
Identity identity_in(const FileDescriptor & file, std::uint64_t bytes, const std::string & name);

/// Marks a mailbox as closed, and wakes all who wait for it.
void say_closed(Header & header);

/// False if the process that made the mailbox in `file` has ended. One in another process id
/// namespace, which cannot be looked at, is known by its claim on the file.
bool has_creator(const FileDescriptor & file, const Process & creator);

/// Closes a mailbox whose creator is gone, and removes its name; false if it was left alone. A file
/// that is no mailbox is left alone. Hold a NameLock.
bool remove_if_abandoned(const std::string & name, bool even_if_others_live);

}  // namespace sage::mailbox

#endif  // ABANDONED_HPP_
