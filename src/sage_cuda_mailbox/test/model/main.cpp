// Checks the models: model_check [--thorough] [--preemptions N] [--most-states N] [NAME ...]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "scenarios.hpp"

namespace
{

struct Options {
  bool thorough = false;
  int preemptions = -2;  // as the scenario says
  std::uint64_t most_states = 40'000'000;
  std::vector<std::string> names;  // empty: all
};

Options parsed(int count, char ** arguments)
{
  Options options;
  for (int index = 1; index < count; ++index) {
    const std::string argument = arguments[index];
    if (argument == "--thorough") {
      options.thorough = true;
    } else if (argument == "--preemptions" && index + 1 < count) {
      options.preemptions = std::atoi(arguments[++index]);
    } else if (argument == "--most-states" && index + 1 < count) {
      options.most_states = std::strtoull(arguments[++index], nullptr, 10);
    } else {
      options.names.push_back(argument);
    }
  }
  return options;
}

/// Checks one scenario and says what was found. False if the model is wrong, or too large.
bool check(const model::Scenario & scenario, const Options & options)
{
  int preemptions = options.thorough ? scenario.more_preemptions : scenario.preemptions;
  if (options.preemptions > -2) {
    preemptions = options.preemptions;
  }
  const auto begin = std::chrono::steady_clock::now();
  const model::Findings found = model::explore(scenario, preemptions, options.most_states);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const std::string bound = preemptions == model::kUnbounded
                                ? "every interleaving"
                                : "up to " + std::to_string(preemptions) + " preemptions";
  const char * verdict = !found.violation.empty() ? "WRONG"
                         : !found.is_complete     ? "GIVEN UP"
                                                  : "holds";
  std::printf(
      "%s: %s; %s: %llu states, %llu steps, %llu executions, the longest of %u steps, %.1f s; %s\n",
      scenario.name, verdict, bound.c_str(), static_cast<unsigned long long>(found.states),
      static_cast<unsigned long long>(found.steps),
      static_cast<unsigned long long>(found.executions), found.longest, seconds, scenario.what);
  std::fflush(stdout);
  return found.violation.empty() && found.is_complete;
}

}  // namespace

int main(int count, char ** arguments)
{
  const Options options = parsed(count, arguments);
  std::vector<model::Scenario> scenarios = model::ring_scenarios();
  for (const auto & more :
       {model::participant_scenarios(), model::pool_scenarios(), model::handover_scenarios()}) {
    scenarios.insert(scenarios.end(), more.begin(), more.end());
  }
  bool all_hold = true;
  std::size_t checked = 0;
  for (const model::Scenario & scenario : scenarios) {
    const auto & names = options.names;
    if (names.empty() || std::find(names.begin(), names.end(), scenario.name) != names.end()) {
      all_hold = check(scenario, options) && all_hold;
      ++checked;
    }
  }
  if (checked < std::max<std::size_t>(options.names.size(), 1)) {
    std::fprintf(stderr, "no such scenario\n");
    return 2;
  }
  return all_hold ? 0 : 1;
}
