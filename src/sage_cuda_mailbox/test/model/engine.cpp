#include "engine.hpp"

#include <ucontext.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace model
{

Engine engine;

namespace
{

alignas(64) std::array<std::array<std::byte, kStackBytes>, kMostParticipants> stacks;

std::byte * top_of(int participant) { return stacks[participant].data() + kStackBytes; }

}  // namespace

void Engine::reset(const mailbox::Geometry & geometry)
{
  if (geometry.leases_at() + geometry.slot_count * geometry.place_count * 8 > kMemoryBytes) {
    std::fprintf(stderr, "the model's memory is too small for this geometry\n");
    std::abort();
  }
  state_ = State{};
  treatments_.fill(Treatment::scheduled);
  geometry_ = geometry;
  count_ = 0;
  running_ = kNobody;
  violation_.clear();
}

int Engine::add(const char * name, Body body, bool may_die)
{
  names_[count_] = name;
  bodies_[count_] = body;
  state_.participants[count_].may_die = may_die;
  return count_++;
}

void Engine::treat(const void * first, std::size_t bytes, Treatment treatment)
{
  const std::size_t begin = word_at(first).offset / 8;
  for (std::size_t index = begin; index < begin + bytes / 8; ++index) {
    treatments_[index] = treatment;
  }
}

void Engine::enter()
{
  const int self = engine.running_;
  engine.bodies_[self](self);
  engine.state_.participants[self].stage = Stage::finished;
  engine.trace("is done");
  engine.tell_watchers();
  _longjmp(engine.explorer_, 1);
}

void Engine::start()
{
  for (int index = 0; index < count_; ++index) {
    start(index);
  }
}

void Engine::start(int index)
{
  static ucontext_t context;
  getcontext(&context);
  context.uc_stack.ss_sp = stacks[index].data();
  context.uc_stack.ss_size = kStackBytes;
  context.uc_link = nullptr;
  makecontext(&context, &Engine::enter, 0);
  running_ = index;
  if (_setjmp(explorer_) == 0) {
    setcontext(&context);
  }
  running_ = kNobody;
}

void Engine::run(int index)
{
  running_ = index;
  if (_setjmp(explorer_) == 0) {
    _longjmp(state_.participants[index].context, 1);
  }
  running_ = kNobody;
}

[[gnu::noinline]] void Engine::stop()
{
  constexpr std::size_t below_frame_bytes = 512;
  Participant & self = state_.participants[running_];
  self.lowest = static_cast<std::byte *>(__builtin_frame_address(0)) - below_frame_bytes;
  if (_setjmp(self.context) == 0) {
    _longjmp(explorer_, 1);
  }
}

void Engine::stop_unless_bundled(Treatment treatment)
{
  if (running_ == kNobody || treatment != Treatment::scheduled) {
    return;
  }
  stop();
  remember(0);  // that it came this far, though a store tells it nothing
  Participant & self = state_.participants[running_];
  if (++self.steps > kMostSteps) {
    violate("%s takes more than %u steps alone: it never ends", names_[running_], kMostSteps);
  }
}

bool Engine::can_run(int index) const
{
  const Participant & one = state_.participants[index];
  return one.stage == Stage::ready || (one.stage == Stage::waiting && one.changed);
}

bool Engine::can_die(int index) const
{
  const Participant & one = state_.participants[index];
  return one.may_die && (one.stage == Stage::ready || one.stage == Stage::waiting);
}

void Engine::kill(int index)
{
  state_.participants[index].stage = Stage::dead;
  if (tracing_) {
    std::printf("  %-10s | DIES\n", names_[index]);
  }
  tell_watchers();
}

void Engine::tell_watchers()
{
  for (int index = 0; index < count_; ++index) {
    Participant & one = state_.participants[index];
    one.changed = one.changed || (one.watches && index != running_);
  }
}

void Engine::remember(std::uint64_t value)
{
  if (running_ != kNobody) {
    std::uint64_t & history = state_.participants[running_].history;
    history = mixed(history ^ value);
  }
}

void Engine::look()
{
  state_.participants[running_].watches = true;
  state_.participants[running_].changed = false;
}

void Engine::wait()
{
  state_.participants[running_].stage = Stage::waiting;
  stop();
  state_.participants[running_].stage = Stage::ready;
}

bool Engine::are_over(int first, int last)
{
  bool over = true;
  for (int index = first; index < last; ++index) {
    const Stage stage = state_.participants[index].stage;
    over = over && (stage == Stage::finished || stage == Stage::dead);
  }
  remember(over ? 1 : 0);
  return over;
}

void Engine::quiet(std::uint64_t summary)
{
  if (running_ != kNobody) {
    state_.participants[running_].history = mixed(summary);
    state_.participants[running_].steps = 0;
  }
}

std::uint64_t Engine::hash() const
{
  std::uint64_t hash = mixed(state_.memory_hash ^ static_cast<std::uint64_t>(state_.now_ns));
  for (int index = 0; index < count_; ++index) {
    const Participant & one = state_.participants[index];
    const bool is_over = one.stage == Stage::finished || one.stage == Stage::dead;
    hash = mixed(hash ^ (is_over ? 0 : one.history));
    hash = mixed(hash ^ (static_cast<std::uint64_t>(one.stage) << 1 | (one.changed ? 1 : 0)));
  }
  for (std::size_t at = 0; at < kGhostBytes; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, state_.ghost.data() + at, 8);
    hash = mixed(hash ^ word);
  }
  return hash;
}

void Engine::save(std::vector<std::byte> & to) const
{
  std::size_t at = to.size();
  std::size_t bytes = sizeof state_;
  for (int index = 0; index < count_; ++index) {
    bytes += static_cast<std::size_t>(top_of(index) - state_.participants[index].lowest);
  }
  to.resize(at + bytes);
  std::memcpy(to.data() + at, &state_, sizeof state_);
  at += sizeof state_;
  for (int index = 0; index < count_; ++index) {
    const std::byte * lowest = state_.participants[index].lowest;
    const auto used = static_cast<std::size_t>(top_of(index) - lowest);
    std::memcpy(to.data() + at, lowest, used);
    at += used;
  }
}

void Engine::restore(const std::byte * from)
{
  std::memcpy(&state_, from, sizeof state_);
  from += sizeof state_;
  for (int index = 0; index < count_; ++index) {
    std::byte * lowest = state_.participants[index].lowest;
    const auto used = static_cast<std::size_t>(top_of(index) - lowest);
    std::memcpy(lowest, from, used);
    from += used;
  }
}

void Engine::violate(const char * format, ...)
{
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (violation_.empty()) {
    violation_ = text;
  }
}

void Engine::note(const char * format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  print("    ", format, arguments);
  va_end(arguments);
}

void Engine::trace(const char * format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  print("", format, arguments);
  va_end(arguments);
}

void Engine::print(const char * indent, const char * format, va_list arguments) const
{
  if (!tracing_) {
    return;
  }
  char text[512];
  std::vsnprintf(text, sizeof text, format, arguments);
  std::printf("  %-10s | %s%s\n", running_ == kNobody ? "" : names_[running_], indent, text);
}

}  // namespace model
