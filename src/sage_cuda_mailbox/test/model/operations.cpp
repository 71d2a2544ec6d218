// The operations on words: each a point where others may come first.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "engine.hpp"
#include "naming.hpp"

namespace model
{

Engine::Word Engine::word_at(const void * address)
{
  const auto * byte = static_cast<const std::byte *>(address);
  const std::size_t offset = static_cast<std::size_t>(byte - state_.memory.data());
  if (byte < state_.memory.data() || offset >= kMemoryBytes) {
    std::fprintf(stderr, "an operation on a word outside the model's memory\n");
    std::abort();
  }
  return {offset, treatments_[offset / 8]};
}

std::uint64_t Engine::read(std::size_t offset, unsigned bytes) const
{
  std::uint64_t value = 0;
  std::memcpy(&value, state_.memory.data() + offset, bytes);
  return value;
}

void Engine::write(std::size_t offset, unsigned bytes, std::uint64_t value, Treatment treatment)
{
  if (running_ != kNobody && treatment == Treatment::constant) {
    violate("%s is written, the model says constant", word_name(geometry_, offset).c_str());
  }
  const std::size_t around = offset / 8 * 8;
  const std::uint64_t before = read(around, 8);
  std::memcpy(state_.memory.data() + offset, &value, bytes);
  const std::uint64_t after = read(around, 8);
  if (treatment == Treatment::unread || before == after) {
    return;
  }
  state_.memory_hash ^= mixed(mixed(around) ^ before) ^ mixed(mixed(around) ^ after);
  tell_watchers();
}

std::uint64_t Engine::load(const void * address, unsigned bytes)
{
  const Word word = word_at(address);
  stop_unless_bundled(word.treatment);
  if (running_ != kNobody && word.treatment == Treatment::unread) {
    violate("%s is read, the model says unread", word_name(geometry_, word.offset).c_str());
  }
  const std::uint64_t value = read(word.offset, bytes);
  remember(value);
  if (tracing_ && word.treatment == Treatment::scheduled) {
    trace(
        "load     %-28s = %s", word_name(geometry_, word.offset).c_str(),
        decoded(word.offset, value).c_str());
  }
  return value;
}

std::uint64_t Engine::store(void * address, unsigned bytes, std::uint64_t value)
{
  const Word word = word_at(address);
  stop_unless_bundled(word.treatment);
  const std::uint64_t before = read(word.offset, bytes);
  write(word.offset, bytes, value, word.treatment);
  if (tracing_ && word.treatment != Treatment::bundled) {
    trace(
        "store    %-28s : %s -> %s", word_name(geometry_, word.offset).c_str(),
        decoded(word.offset, before).c_str(), decoded(word.offset, value).c_str());
  }
  return before;
}

std::uint64_t Engine::exchange(void * address, unsigned bytes, std::uint64_t value)
{
  const std::uint64_t before = store(address, bytes, value);
  remember(before);
  return before;
}

std::uint64_t Engine::add(void * address, unsigned bytes, std::uint64_t value)
{
  const Word word = word_at(address);
  stop_unless_bundled(word.treatment);
  const std::uint64_t before = read(word.offset, bytes);
  write(word.offset, bytes, before + value, word.treatment);
  if (word.treatment != Treatment::unread) {
    remember(before);
  }
  if (tracing_) {
    trace(
        "add      %-28s : %llu + %llu", word_name(geometry_, word.offset).c_str(),
        static_cast<unsigned long long>(before), static_cast<unsigned long long>(value));
  }
  return before;
}

bool Engine::replace(void * address, unsigned bytes, std::uint64_t & expected, std::uint64_t value)
{
  const Word word = word_at(address);
  stop_unless_bundled(word.treatment);
  const std::uint64_t before = read(word.offset, bytes);
  const bool holds = before == expected;
  remember(before);
  if (holds) {
    write(word.offset, bytes, value, word.treatment);
  }
  if (tracing_) {
    trace(
        "replace  %-28s : %s -> %s%s%s", word_name(geometry_, word.offset).c_str(),
        decoded(word.offset, expected).c_str(), decoded(word.offset, value).c_str(),
        holds ? "" : ", not done: it is ", holds ? "" : decoded(word.offset, before).c_str());
  }
  expected = before;
  return holds;
}

bool Engine::is_alive(std::uint32_t pid)
{
  stop_unless_bundled(Treatment::scheduled);
  const bool alive = pid >= 1 && pid <= static_cast<std::uint32_t>(count_) &&
                     state_.participants[pid - 1].stage != Stage::dead;
  remember(alive ? 1 : 0);
  trace("ask      whether process %u lives        = %s", pid, alive ? "yes" : "no");
  return alive;
}

std::int64_t Engine::now_ns()
{
  // Read together with the operation before: advancing the clock commutes with all of those.
  remember(static_cast<std::uint64_t>(state_.now_ns));
  return state_.now_ns;
}

void Engine::tick(std::int64_t later_ns)
{
  stop_unless_bundled(Treatment::scheduled);
  state_.now_ns += later_ns;
  trace("clock    %lld ns", static_cast<long long>(state_.now_ns));
  tell_watchers();
}

std::string Engine::decoded(std::size_t offset, std::uint64_t value) const
{
  return word_meaning(geometry_, offset, value);
}

}  // namespace model
