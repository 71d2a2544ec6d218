// The protocols of the mailboxes, on the model's machine in place of a real one.
#ifndef PROTOCOL_HPP_
#define PROTOCOL_HPP_

#include <cstdint>

#include "engine.hpp"
#include "sage_mailbox/participant_table.hpp"
#include "sage_mailbox/pool.hpp"
#include "sage_mailbox/process.hpp"
#include "sage_mailbox/ring.hpp"

namespace model
{

/// Atomic operations: each is a point where others may come first. Memory orders have no meaning
/// here, and fences are nothing.
struct Atomics {
  template <class T>
  static T load(const T * word)
  {
    return static_cast<T>(engine.load(word, sizeof(T)));
  }
  template <class T>
  static T load_relaxed(const T * word)
  {
    return load(word);
  }
  template <class T>
  static void store(T * word, T value)
  {
    engine.store(word, sizeof(T), static_cast<std::uint64_t>(value));
  }
  template <class T>
  static void store_relaxed(T * word, T value)
  {
    store(word, value);
  }
  template <class T>
  static T exchange(T * word, T value)
  {
    return static_cast<T>(engine.exchange(word, sizeof(T), static_cast<std::uint64_t>(value)));
  }
  template <class T>
  static T add(T * word, T value)
  {
    return static_cast<T>(engine.add(word, sizeof(T), static_cast<std::uint64_t>(value)));
  }
  template <class T>
  static bool replace(T * word, T & expected, T value)
  {
    std::uint64_t found = static_cast<std::uint64_t>(expected);
    const bool done = engine.replace(word, sizeof(T), found, static_cast<std::uint64_t>(value));
    expected = static_cast<T>(found);
    return done;
  }
  static void acquire_fence() {}
  static void release_fence() {}
};

/// Processes are the participants of the model.
struct Processes {
  static mailbox::Process of(int participant)
  {
    const auto pid = static_cast<std::uint32_t>(participant) + 1;
    return {pid, 100 + pid, 1};
  }
  static bool exists(std::uint32_t pid, std::uint32_t /*namespace_mark*/ = 0)
  {
    return engine.is_alive(pid);
  }
  static bool is_alive(const mailbox::Process & process)
  {
    const mailbox::Process expected = of(static_cast<int>(process.pid) - 1);
    if (process.started != expected.started) {
      return false;  // the process with this id is another one
    }
    return engine.is_alive(process.pid);
  }
};

using ParticipantTable = mailbox::ParticipantTable<Atomics, Processes>;
using Pool = mailbox::Pool<Atomics, Processes>;

/// Whether a writer ended. The library asks the kernel only after some patience: it may say `no`
/// of one that just died, as if it had been asked before.
class Gone
{
public:
  explicit Gone(const ParticipantTable & places) : places_(&places) {}
  bool operator()(mailbox::Holder writer) const { return places_->is_gone(writer); }

private:
  const ParticipantTable * places_;
};

using Ring = mailbox::Ring<Atomics, Gone>;

inline mailbox::Place * place_table()
{
  auto * base = reinterpret_cast<std::byte *>(&engine.header());
  return reinterpret_cast<mailbox::Place *>(base + engine.geometry().places_at());
}

inline ParticipantTable places()
{
  return {&engine.header(), place_table(), engine.geometry().place_count};
}

inline void * cells()
{
  return reinterpret_cast<std::byte *>(&engine.header()) + engine.geometry().cells_at();
}

inline Ring ring(const ParticipantTable & places)
{
  const mailbox::Geometry & geometry = engine.geometry();
  return {&engine.header(), cells(), geometry.cell_bytes, geometry.cell_count, Gone(places)};
}

inline mailbox::Slot * slots()
{
  auto * base = reinterpret_cast<std::byte *>(&engine.header());
  return reinterpret_cast<mailbox::Slot *>(base + engine.geometry().slots_at());
}

inline std::uint64_t * leases()
{
  auto * base = reinterpret_cast<std::byte *>(&engine.header());
  return reinterpret_cast<std::uint64_t *>(base + engine.geometry().leases_at());
}

inline Pool pool(ParticipantTable & places)
{
  return {&engine.header(), slots(), leases(), engine.geometry().slot_count, places};
}

/// Counters that only statistics read.
inline void treat_counters()
{
  mailbox::Header & header = engine.header();
  engine.treat(&header.skipped, 16, Treatment::unread);    // and refused
  engine.treat(&header.reclaimed, 24, Treatment::unread);  // and expired, overwritten
}

}  // namespace model

#endif  // PROTOCOL_HPP_
