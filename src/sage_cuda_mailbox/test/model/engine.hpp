// Runs the participants of a model as fibers that stop before each operation on a shared word.
#ifndef ENGINE_HPP_
#define ENGINE_HPP_

#include <setjmp.h>

#include <array>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "sage_mailbox/layout.hpp"

namespace model
{

namespace mailbox = sage::mailbox;

inline constexpr int kMostParticipants = 6;
inline constexpr std::size_t kStackBytes = 64 * 1024;
inline constexpr std::size_t kMemoryBytes = 2048;
inline constexpr std::size_t kGhostBytes = 256;

/// What others may notice of the operations on a word.
enum class Treatment : std::uint8_t {
  scheduled,  ///< anybody may come before each operation on it
  constant,   ///< nobody writes it in this scenario (checked): loads need no scheduling
  unread,     ///< nobody reads it in this scenario (checked): a counter
  bundled,    ///< accessed together with the word before it, as if both were one
};

enum class Stage : std::uint8_t { ready, waiting, finished, dead };

struct Participant {
  jmp_buf context;
  std::byte * lowest;     // of its stack, while it is stopped
  std::uint64_t history;  // hash of all that it has read: with the code, all that it is
  std::uint32_t steps;    // since it was quiet
  Stage stage;
  bool may_die;
  bool watches;  // it has begun to wait for changes
  bool changed;  // somebody changed something since it began to look
};

/// All that changes. With the used parts of the stacks it can be saved and put back.
struct State {
  alignas(64) std::array<std::byte, kMemoryBytes> memory;
  alignas(16) std::array<std::byte, kGhostBytes> ghost;
  std::array<Participant, kMostParticipants> participants;
  std::uint64_t memory_hash;
  std::int64_t now_ns;
};

/// The machine that the model runs on. All memory of the participants is in here: their code must
/// not allocate any.
///
/// Between two stops a participant is alone, so each operation is atomic and all are in one order:
/// sequential consistency. Weaker orders are what ThreadSanitizer looks at.
class Engine
{
public:
  using Body = void (*)(int participant);

  /// Begins a new model: zeroed memory of this geometry, nobody in it.
  void reset(const mailbox::Geometry & geometry);
  /// Adds a participant; its process id is its index + 1.
  int add(const char * name, Body body, bool may_die = false);
  void treat(const void * first, std::size_t bytes, Treatment treatment);
  /// Lets every participant run to its first operation.
  void start();

  // operations of participants, and of the set-up, where they do not stop
  std::uint64_t load(const void * word, unsigned bytes);
  std::uint64_t store(void * word, unsigned bytes, std::uint64_t value);
  std::uint64_t exchange(void * word, unsigned bytes, std::uint64_t value);
  std::uint64_t add(void * word, unsigned bytes, std::uint64_t value);
  bool replace(void * word, unsigned bytes, std::uint64_t & expected, std::uint64_t value);
  /// Whether a process lives: an operation like the others.
  bool is_alive(std::uint32_t pid);
  std::int64_t now_ns();
  void tick(std::int64_t later_ns);

  /// From here on, `wait` waits for changes.
  void look();
  /// Waits until somebody else changed something since `look`.
  void wait();
  /// Says that the caller goes on according to this, which it did not read from a word.
  void observe(std::uint64_t value) { remember(value); }
  /// True if all participants in [first, last) finished or died.
  bool are_over(int first, int last);
  /// Says that all that the caller still knows of the past is `summary`.
  void quiet(std::uint64_t summary);
  /// Ends the search: the model is wrong.
  [[gnu::format(printf, 2, 3)]] void violate(const char * format, ...);
  /// A line of the trace.
  [[gnu::format(printf, 2, 3)]] void note(const char * format, ...);

  mailbox::Header & header() { return *reinterpret_cast<mailbox::Header *>(state_.memory.data()); }
  const mailbox::Geometry & geometry() const { return geometry_; }
  template <class Ghost>
  Ghost & ghost()
  {
    static_assert(sizeof(Ghost) <= kGhostBytes && std::is_trivially_copyable_v<Ghost>);
    return *reinterpret_cast<Ghost *>(state_.ghost.data());
  }
  const Participant & participant(int index) const { return state_.participants[index]; }
  const char * name(int index) const { return names_[index]; }
  int count() const { return count_; }

  // for the explorer
  bool can_run(int index) const;
  bool can_die(int index) const;
  void run(int index);
  void kill(int index);
  std::uint64_t hash() const;
  void save(std::vector<std::byte> & to) const;
  /// Puts back what `save` appended at `from`.
  void restore(const std::byte * from);
  const std::string & violation() const { return violation_; }
  void forget_violation() { violation_.clear(); }
  void set_tracing(bool tracing) { tracing_ = tracing; }

private:
  static constexpr std::uint32_t kMostSteps = 600;
  static constexpr int kNobody = -1;

  struct Word {
    std::size_t offset;
    Treatment treatment;
  };

  Word word_at(const void * address);
  void write(std::size_t offset, unsigned bytes, std::uint64_t value, Treatment treatment);
  std::uint64_t read(std::size_t offset, unsigned bytes) const;
  void start(int index);
  void stop();
  void stop_unless_bundled(Treatment treatment);
  void remember(std::uint64_t value);
  void tell_watchers();
  [[gnu::format(printf, 2, 3)]] void trace(const char * format, ...);
  void print(const char * indent, const char * format, va_list arguments) const;
  std::string decoded(std::size_t offset, std::uint64_t value) const;
  static void enter();

  State state_{};
  std::array<const char *, kMostParticipants> names_{};
  std::array<Body, kMostParticipants> bodies_{};
  std::array<Treatment, kMemoryBytes / 8> treatments_{};
  mailbox::Geometry geometry_;
  int count_ = 0;
  int running_ = kNobody;
  jmp_buf explorer_{};
  bool tracing_ = false;
  std::string violation_;
};

extern Engine engine;

/// Spreads a number over 64 bits (the finaliser of SplitMix64; Steele, Lea and Flood, 2014).
constexpr std::uint64_t mixed(std::uint64_t number)
{
  number += 0x9E3779B97F4A7C15;
  number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9;
  number = (number ^ number >> 27) * 0x94D049BB133111EB;
  return number ^ number >> 31;
}

}  // namespace model

#endif  // ENGINE_HPP_
