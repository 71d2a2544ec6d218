// The models that are checked.
#ifndef SCENARIOS_HPP_
#define SCENARIOS_HPP_

#include <vector>

#include "explorer.hpp"

namespace model
{

std::vector<Scenario> ring_scenarios();
std::vector<Scenario> participant_scenarios();
std::vector<Scenario> pool_scenarios();
std::vector<Scenario> handover_scenarios();

}  // namespace model

#endif  // SCENARIOS_HPP_
