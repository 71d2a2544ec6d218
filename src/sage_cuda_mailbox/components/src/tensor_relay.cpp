#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <rclcpp/rclcpp.hpp>
#include <rclcpp_components/register_node_macro.hpp>
#include <sage_msgs/msg/tensor_handle.hpp>
#include <thread>
#include <utility>

#include "conventions.hpp"
#include "diagnostics.hpp"
#include "handle_message.hpp"
#include "sage_mailbox/dense_copy.hpp"
#include "sage_mailbox/handle.hpp"
#include "sage_mailbox/wakeup.hpp"
#include "sage_mailbox_components/tensor_publisher.hpp"

namespace sage::mailbox::components
{

namespace
{

constexpr std::int64_t kLookNs = 100'000'000;
constexpr std::chrono::milliseconds kRetry{250};
constexpr double kMostHz = 1e6;
constexpr double kNsPerS = 1e9;

}  // namespace

/// Hands the tensors of one mailbox on in another, by one copy: those of a process that knows
/// nothing of ROS, to a topic; or those of a topic to another topic, at most so many a second, so
/// that slow readers hold slots of the relay's and none of the camera's.
class TensorRelay : public rclcpp::Node
{
public:
  explicit TensorRelay(const rclcpp::NodeOptions & options)
  : Node("tensor_relay", in_one_process(options)),
    mailbox_(text_parameter(
        *this, "mailbox", "", "whose tensors are handed on; empty: those of topic tensor_in")),
    frame_id_(
        text_parameter(*this, "frame_id", "", "of the header, for tensors that come without one")),
    period_ns_(period_parameter()),
    reader_(mailbox_behind(*this, "tensor_in")),
    tensors_(*this, "tensor_out", source_options(*this), [this] { follow_readers(); }),
    diagnostics_(*this, [this] { return facts(); })
  {
    if (!mailbox_.empty()) {
      follower_ = std::thread([this] { follow_mailbox(); });
    }
  }

  ~TensorRelay() override
  {
    is_ending_ = true;
    if (follower_.joinable()) {
      follower_.join();
    }
  }

private:
  using TensorHandle = sage_msgs::msg::TensorHandle;

  std::int64_t period_parameter()
  {
    const double rate_hz = number_parameter(
        *this, "max_rate_hz", 0.0, 0.0, kMostHz, "tensors handed on a second; 0: all");
    return rate_hz > 0 ? static_cast<std::int64_t>(kNsPerS / rate_hz) : 0;
  }

  void follow_readers()
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!tensors_.is_wanted()) {
      handles_.reset();
      reader_.close();
      tensors_.close();
    } else if (mailbox_.empty() && !handles_) {
      handles_ = create_subscription<TensorHandle>(
          "tensor_in", bulk_qos(), [this](TensorHandle::ConstSharedPtr handle) { take(*handle); });
    }
  }

  void take(const TensorHandle & message)
  {
    try {
      ReadLease lease;
      if (reader_.open(handle_in(message), lease) == Status::ok) {
        hand_on(lease, message.header);
      }
    } catch (const InvalidArgument & error) {
      complain(error.what());
    } catch (const MailboxError & error) {
      complain(error.what());
    }
  }

  /// Runs in a thread of its own until the node ends.
  void follow_mailbox()
  {
    while (!is_ending_) {
      try {
        if (tensors_.is_wanted()) {
          read_all(TensorMailbox::attach(mailbox_).reader());
        }
      } catch (const MailboxError & error) {
        complain(error.what());
      } catch (const InvalidArgument & error) {
        complain(error.what());
      }
      std::this_thread::sleep_for(kRetry);
    }
  }

  /// Returns when the mailbox closes, or nobody wants its tensors.
  void read_all(TensorReader reader)
  {
    while (!is_ending_ && tensors_.is_wanted()) {
      ReadLease lease;
      const Status status = reader.next(lease);
      if (status == Status::ok) {
        std_msgs::msg::Header header;
        header.stamp = stamp_of(lease.tensor().stamp_ns);
        header.frame_id = frame_id_;
        hand_on(lease, header);
      } else if (status == Status::empty || status == Status::pending) {
        reader.wait(kLookNs);
      } else {
        return;
      }
    }
  }

  void hand_on(const ReadLease & lease, const std_msgs::msg::Header & header)
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const std::int64_t now_ns = monotonic_ns();
    if (now_ns < next_ns_) {
      return;
    }
    Tensor dense = lease.tensor();
    WriteLease copy;
    if (!tensors_.acquire(dense_bytes(dense), copy)) {
      return;
    }
    copy_dense(dense, lease.data(), copy.data());
    copy.count_copy();
    if (lease.check() != Status::ok) {
      ++torn_;
      return;
    }
    dense.offset_bytes = 0;
    dense.strides_bytes = dense_strides(dense.shape, dense.type);
    if (tensors_.publish(copy, dense, header)) {
      next_ns_ = std::max(next_ns_, now_ns - period_ns_) + period_ns_;
    }
  }

  void complain(const char * what)
  {
    RCLCPP_WARN_THROTTLE(
        get_logger(), *get_clock(), kWarningPeriodMs, "nothing handed on: %s", what);
  }

  Facts facts()
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    Facts facts = tensors_.facts();
    facts.emplace_back("taken back while they were copied", std::to_string(torn_));
    return facts;
  }

  std::string mailbox_;
  std::string frame_id_;
  std::int64_t period_ns_;
  HandleReader reader_;
  std::mutex mutex_;  // of what both the executor and the follower use
  TensorPublisher tensors_;
  rclcpp::Subscription<TensorHandle>::SharedPtr handles_;
  std::int64_t next_ns_ = 0;
  std::uint64_t torn_ = 0;
  std::atomic<bool> is_ending_{false};
  std::thread follower_;
  Diagnostics diagnostics_;
};

}  // namespace sage::mailbox::components

RCLCPP_COMPONENTS_REGISTER_NODE(sage::mailbox::components::TensorRelay)
