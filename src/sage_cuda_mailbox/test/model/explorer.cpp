#include "explorer.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <vector>

#include "engine.hpp"

namespace model
{

namespace
{

/// States that were seen, and with how many preemptions left. Open addressing: 8 bytes a state.
class Seen
{
public:
  /// False if the state was seen with as many preemptions left, or more.
  bool add(std::uint64_t hash, std::uint64_t preemptions_left)
  {
    if (2 * (count_ + 1) > table_.size()) {
      grow();
    }
    std::uint64_t & entry = find(hash | kLeft);
    if (entry == 0) {
      entry = (hash & ~kLeft) | (preemptions_left + 1);
      ++count_;
      return true;
    }
    if ((entry & kLeft) >= preemptions_left + 1) {
      return false;
    }
    entry = (entry & ~kLeft) | (preemptions_left + 1);
    return true;
  }
  std::uint64_t count() const { return count_; }

private:
  static constexpr std::uint64_t kLeft = 0xF;

  std::uint64_t & find(std::uint64_t key)
  {
    std::size_t at = (key >> 4) & (table_.size() - 1);
    while (table_[at] != 0 && (table_[at] | kLeft) != key) {
      at = (at + 1) & (table_.size() - 1);
    }
    return table_[at];
  }

  void grow()
  {
    std::vector<std::uint64_t> before(table_.size() * 2);
    before.swap(table_);
    for (const std::uint64_t entry : before) {
      if (entry != 0) {
        find(entry | kLeft) = entry;
      }
    }
  }

  std::vector<std::uint64_t> table_ = std::vector<std::uint64_t>(1 << 16);
  std::uint64_t count_ = 0;
};

struct Choice {
  std::int8_t participant;
  bool dies;
  bool preempts;
};

struct Branching {
  std::array<Choice, 2 * kMostParticipants> choices;
  int count = 0;
  int next = 0;
  std::int8_t last = -1;  // who went before
  std::int8_t preemptions_left = 0;
  std::size_t saved_at = 0;
};

void carry_out(const Choice & choice)
{
  if (choice.dies) {
    engine.kill(choice.participant);
  } else {
    engine.run(choice.participant);
  }
}

/// The search: a stack of states with what can happen in each.
class Search
{
public:
  Search(const Scenario & scenario, int preemptions, std::uint64_t most_states)
  : scenario_(scenario), is_bounded_(preemptions != kUnbounded), most_states_(most_states)
  {
    scenario_.set_up();
    engine.start();
    engine.save(origin_);
    push(-1, static_cast<std::int8_t>(is_bounded_ ? preemptions : 0));
  }

  Findings run()
  {
    while (!stack_.empty() && findings_.violation.empty() && findings_.is_complete) {
      Branching & top = stack_.back();
      if (top.next == top.count) {
        saved_.resize(top.saved_at);
        stack_.pop_back();
        continue;
      }
      engine.restore(saved_.data() + top.saved_at);
      step(top, top.choices[top.next++]);
    }
    findings_.states = seen_.count();
    return findings_;
  }

private:
  void step(const Branching & from, const Choice & choice)
  {
    const auto left = static_cast<std::int8_t>(from.preemptions_left - (choice.preempts ? 1 : 0));
    const std::int8_t last = choice.dies ? from.last : choice.participant;
    carry_out(choice);
    ++findings_.steps;
    if (scenario_.invariant != nullptr) {
      scenario_.invariant();
    }
    if (engine.violation().empty()) {
      // who went last matters only where it is counted how often the turn is taken from somebody
      const std::uint64_t who = is_bounded_ ? mixed(static_cast<std::uint64_t>(last + 2)) : 0;
      if (!seen_.add(engine.hash() ^ who, static_cast<std::uint64_t>(left))) {
        return;
      }
      findings_.is_complete = seen_.count() < most_states_;
      push(last, left);
      const Branching & top = stack_.back();
      findings_.longest =
          std::max(findings_.longest, static_cast<std::uint32_t>(stack_.size() - 1));
      if (std::none_of(top.choices.begin(), top.choices.begin() + top.count, is_a_turn)) {
        end();
      }
    }
    if (!engine.violation().empty()) {
      report();
    }
  }

  static bool is_a_turn(const Choice & choice) { return !choice.dies; }

  /// Nobody can go on.
  void end()
  {
    ++findings_.executions;
    for (int index = 0; index < engine.count(); ++index) {
      if (engine.participant(index).stage == Stage::waiting) {
        engine.violate("%s waits for ever", engine.name(index));
      }
    }
    if (engine.violation().empty() && scenario_.at_end != nullptr) {
      scenario_.at_end();
    }
  }

  void push(std::int8_t last, std::int8_t preemptions_left)
  {
    Branching & top = stack_.emplace_back();
    top.last = last;
    top.preemptions_left = preemptions_left;
    top.saved_at = saved_.size();
    engine.save(saved_);
    const bool could_go_on = is_bounded_ && last >= 0 && engine.can_run(last);
    for (int index = 0; index < engine.count(); ++index) {
      const bool preempts = could_go_on && index != last;
      if (engine.can_run(index) && (!preempts || preemptions_left > 0)) {
        top.choices[top.count++] = {static_cast<std::int8_t>(index), false, preempts};
      }
    }
    for (int index = 0; index < engine.count(); ++index) {
      if (engine.can_die(index)) {
        top.choices[top.count++] = {static_cast<std::int8_t>(index), true, false};
      }
    }
  }

  /// Goes the way to the violation once more, and prints it.
  void report()
  {
    findings_.violation = engine.violation();
    engine.forget_violation();
    std::vector<Choice> way;
    for (const Branching & branching : stack_) {
      if (branching.next > 0) {
        way.push_back(branching.choices[branching.next - 1]);
      }
    }
    std::printf("%s: %s\n", scenario_.name, findings_.violation.c_str());
    engine.restore(origin_.data());
    engine.set_tracing(true);
    for (const Choice & choice : way) {
      carry_out(choice);
    }
    engine.set_tracing(false);
    std::printf("  => %s\n", findings_.violation.c_str());
  }

  const Scenario & scenario_;
  bool is_bounded_;
  std::uint64_t most_states_;
  Seen seen_;
  std::vector<Branching> stack_;
  std::vector<std::byte> saved_;
  std::vector<std::byte> origin_;
  Findings findings_;
};

}  // namespace

Findings explore(const Scenario & scenario, int preemptions, std::uint64_t most_states)
{
  return Search(scenario, preemptions, most_states).run();
}

}  // namespace model
