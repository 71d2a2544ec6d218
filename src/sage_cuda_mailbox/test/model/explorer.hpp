// Tries all orders in which the operations of a model can happen.
#ifndef EXPLORER_HPP_
#define EXPLORER_HPP_

#include <cstdint>
#include <string>

namespace model
{

inline constexpr int kUnbounded = -1;

/// One model: who takes part, and what must hold.
struct Scenario {
  const char * name;
  const char * what;
  void (*set_up)();      ///< resets the engine and adds the participants
  void (*invariant)();   ///< called after each operation; nullptr: none
  void (*at_end)();      ///< called when nobody can go on; nullptr: nothing
  int preemptions;       ///< most of them in one execution; kUnbounded: any number
  int more_preemptions;  ///< the same in the thorough search
};

struct Findings {
  std::uint64_t states = 0;      ///< different ones
  std::uint64_t steps = 0;       ///< operations carried out, deaths included
  std::uint64_t executions = 0;  ///< that came to an end nobody had come to before
  std::uint32_t longest = 0;     ///< steps of the longest execution
  bool is_complete = true;       ///< false: given up at `most_states`
  std::string violation;         ///< empty: all is well
};

/// Depth-first search over all choices of who goes next, and of who dies when.
///
/// A state that was seen before, with at least as many preemptions left, is not searched again
/// (stateful search). A preemption takes the turn from a participant that could have gone on; most
/// bugs need few of them (M. Musuvathi and S. Qadeer, Iterative context bounding for systematic
/// testing of multithreaded programs, PLDI 2007). States are told apart by a hash of 64 bits, of
/// which one participant's part is that of all that it has read.
///
/// On a violation, prints the way to it.
Findings explore(const Scenario & scenario, int preemptions, std::uint64_t most_states);

}  // namespace model

#endif  // EXPLORER_HPP_
