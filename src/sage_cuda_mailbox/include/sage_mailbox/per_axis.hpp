// One value for each axis of a tensor.
#ifndef SAGE_MAILBOX__PER_AXIS_HPP_
#define SAGE_MAILBOX__PER_AXIS_HPP_

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "sage_mailbox/errors.hpp"
#include "sage_mailbox/layout.hpp"

namespace sage::mailbox
{

/// Up to 8 values, one for each axis, without memory of their own. Behaves as a std::vector.
template <class Value>
class PerAxis
{
public:
  PerAxis() = default;
  /// Throws InvalidArgument if there are more than 8.
  PerAxis(std::initializer_list<Value> values) : PerAxis(values.begin(), values.end()) {}
  template <class Iterator>
  PerAxis(Iterator first, Iterator last)
  {
    for (; first != last; ++first) {
      push_back(*first);
    }
  }
  /// Zeros for `count` axes. Throws InvalidArgument if there are more than 8.
  static PerAxis zeros(std::size_t count)
  {
    check(count);
    PerAxis axes;
    axes.count_ = static_cast<std::uint32_t>(count);
    return axes;
  }

  void push_back(Value value)
  {
    check(std::size_t{count_} + 1);
    values_[count_++] = value;
  }

  std::size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  Value & operator[](std::size_t axis) { return values_[axis]; }
  const Value & operator[](std::size_t axis) const { return values_[axis]; }
  const Value * data() const { return values_.data(); }
  const Value * begin() const { return values_.data(); }
  const Value * end() const { return values_.data() + count_; }

  /// Unused values are zero, so that all may be compared.
  bool operator==(const PerAxis & other) const
  {
    return count_ == other.count_ && values_ == other.values_;
  }
  bool operator!=(const PerAxis & other) const { return !(*this == other); }

private:
  static void check(std::size_t count)
  {
    if (count > kMostDimensions) {
      throw InvalidArgument(
          "number of dimensions", std::to_string(count),
          "at most " + std::to_string(kMostDimensions));
    }
  }

  std::array<Value, kMostDimensions> values_{};
  std::uint32_t count_ = 0;
};

using Shape = PerAxis<std::uint64_t>;
using Strides = PerAxis<std::int64_t>;

}  // namespace sage::mailbox

#endif  // SAGE_MAILBOX__PER_AXIS_HPP_
