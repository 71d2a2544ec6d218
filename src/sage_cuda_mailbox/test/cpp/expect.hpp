// What the test programs share: ending with a message at the first breach.
#ifndef EXPECT_HPP_
#define EXPECT_HPP_

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace sage::mailbox::test
{

/// Ends the program with a message unless `holds`.
inline void expect(bool holds, const char * what, const char * file, int line)
{
  if (!holds) {
    std::fprintf(stderr, "%s:%d: %s\n", file, line, what);
    std::fflush(nullptr);
    std::_Exit(1);
  }
}
#define EXPECT(condition) ::sage::mailbox::test::expect(condition, #condition, __FILE__, __LINE__)

/// The text of the error that an action throws; ends the program if it throws none of this type.
template <class Error, class Action>
std::string refusal(Action action)
{
  try {
    action();
  } catch (const Error & error) {
    return error.what();
  }
  expect(false, "an error was expected", __FILE__, __LINE__);
  return {};
}

inline bool contains(const std::string & text, const std::string & part)
{
  return text.find(part) != std::string::npos;
}

/// A name that no other run of these programs has.
inline std::string unique_name(const std::string & what)
{
  return "test-" + what + "-" + std::to_string(getpid());
}

/// Runs an action in a forked process, which ends with it.
template <class Action>
pid_t in_child(Action action)
{
  std::fflush(nullptr);
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    action();
    std::fflush(nullptr);
    std::_Exit(0);
  }
  return child;
}

/// Waits for a child's end; true if it ended well.
inline bool ended_well(pid_t child)
{
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// A count from the command line.
inline std::uint64_t count_in(int argc, char ** argv, int at, std::uint64_t otherwise)
{
  return argc > at ? std::strtoull(argv[at], nullptr, 10) : otherwise;
}

}  // namespace sage::mailbox::test

#endif  // EXPECT_HPP_
