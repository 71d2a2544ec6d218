// How long a tensor takes from a writer's hands to a reader's, and a bare word beside it.
#ifndef HAND_OVER_HPP_
#define HAND_OVER_HPP_

#include <cstdint>
#include <vector>

#include "stalls.hpp"

namespace sage::mailbox::bench
{

/// What changes hands.
enum class Via {
  tensor,  ///< a tensor in a mailbox
  queue,   ///< bare slots and one atomic word: the same bytes, taken in order, without a protocol
  word,    ///< one atomic word (and a futex to sleep on): no hand-over between cores costs less
};

struct HandOver {
  std::uint64_t payload_bytes = 64;
  std::uint32_t readers = 1;
  std::uint32_t count = 2000;
  std::uint32_t period_us = 500;  ///< from one hand-over to the next
  bool across_processes = true;   ///< else readers are threads
  bool polling = true;            ///< else readers sleep until woken
  bool busy_writer = true;        ///< else the writer sleeps between hand-overs, and its core idles
};

struct Times {
  std::vector<std::int64_t> latencies_ns;  ///< of all readers together
  std::vector<std::int64_t> filling_ns;    ///< how long writing all bytes of the slot took
  double writer_cpu_share = 0.0;           ///< of a core, without the wait between hand-overs
  double reader_cpu_share = 0.0;           ///< of a core, mean of the readers
  std::uint64_t missed = 0;
  Lateness lateness;                     ///< why some were late
  std::vector<std::int64_t> on_core_ns;  ///< latencies of those that met both sides on their cores

  void add(const Times & more);
  void add_reader(
      const Arrival * arrivals, std::size_t count, const StallList & reader,
      const StallList & writer);
};

/// From just before the writer commits (`publish`; a store of the word) to when the reader has the
/// view and has looked at its first and last byte. The slot is filled before, which is not counted.
///
/// With two cores for this process, the writer keeps to the first and a single reader to the
/// second. Throws MailboxError; std::runtime_error if a reader ended early.
Times measure(const HandOver & what, Via via);

}  // namespace sage::mailbox::bench

#endif  // HAND_OVER_HPP_
