#include <chrono>
#include <memory>
#include <optional>
#include <rclcpp/rclcpp.hpp>
#include <rclcpp_components/register_node_macro.hpp>
#include <std_msgs/msg/u_int8_multi_array.hpp>
#include <utility>

#include "conventions.hpp"
#include "diagnostics.hpp"
#include "sage_mailbox/broadcast_mailbox.hpp"
#include "sage_mailbox/record_batch.hpp"

namespace sage::mailbox::components
{

namespace
{

using Batch = std_msgs::msg::UInt8MultiArray;

constexpr std::size_t kMostRows = 4096;  // of a batch: 1 MB at most
constexpr std::size_t kMostRecordBytes = 256;

void describe(Batch & batch, std::uint32_t row_bytes)
{
  batch.layout.dim.resize(2);
  batch.layout.dim[0].label = "records";
  batch.layout.dim[0].size = static_cast<std::uint32_t>(batch.data.size() / row_bytes);
  batch.layout.dim[0].stride = static_cast<std::uint32_t>(batch.data.size());
  batch.layout.dim[1].label = "bytes";
  batch.layout.dim[1].size = row_bytes;
  batch.layout.dim[1].stride = row_bytes;
}

/// Throws InvalidArgument unless the batch says how long its rows are.
std::uint32_t row_bytes_in(const Batch & batch)
{
  if (batch.layout.dim.size() != 2 || batch.layout.data_offset != 0) {
    throw InvalidArgument(
        "layout", "of " + std::to_string(batch.layout.dim.size()) + " dimensions",
        "[records, bytes] without an offset");
  }
  return batch.layout.dim[1].size;
}

}  // namespace

/// Publishes the records of a broadcast mailbox on topic `records_out`, in batches, and writes into
/// it what comes on `records_in`: to look at records from afar, and to join the mailboxes of two
/// machines. What came in does not go out again.
class BroadcastRelay : public rclcpp::Node
{
public:
  explicit BroadcastRelay(const rclcpp::NodeOptions & options)
  : Node("broadcast_relay", in_one_process(options)),
    name_(text_parameter(*this, "mailbox", "", "whose records are handed on")),
    options_(mailbox_options())
  {
    if (name_.empty()) {
      throw InvalidArgument("mailbox", "''", "the name of a broadcast mailbox");
    }
    const std::int64_t period_ms = integer_parameter(
        *this, "period_ms", 20, 1, 10'000, "how often records are handed on [ms]");
    batches_out_ = create_publisher<Batch>("records_out", standard_qos());
    batches_in_ = create_subscription<Batch>(
        "records_in", standard_qos(), [this](Batch::ConstSharedPtr batch) { take(*batch); });
    timer_ = create_wall_timer(std::chrono::milliseconds(period_ms), [this] { hand_on(); });
    diagnostics_.emplace(*this, [this] { return facts(); });
  }

private:
  BroadcastOptions mailbox_options()
  {
    BroadcastOptions options;
    options.cell_bytes = static_cast<std::uint32_t>(integer_parameter(
        *this, "cell_bytes", 0, 0, 256,
        "64, 128, 192 or 256: the relay makes the mailbox; 0: it is there"));
    options.cell_count = static_cast<std::uint32_t>(integer_parameter(
        *this, "cell_count", options.cell_count, 2, kMostCells,
        "records in the mailbox, if the relay makes it; a power of two"));
    return options;
  }

  /// True if there is a mailbox, and this node is a writer of it.
  bool is_attached()
  {
    if (mailbox_ && !mailbox_->segment()->is_closed()) {
      return true;
    }
    leave();
    try {
      mailbox_.emplace(
          options_.cell_bytes > 0 ? BroadcastMailbox::create(name_, options_)
                                  : BroadcastMailbox::attach(name_));
      writer_.emplace(mailbox_->writer());
    } catch (const MailboxError & error) {
      leave();
      RCLCPP_WARN_THROTTLE(
          get_logger(), *get_clock(), kWarningPeriodMs, "nothing handed on: %s", error.what());
      return false;
    }
    return true;
  }

  void leave()
  {
    reader_.reset();
    writer_.reset();
    mailbox_.reset();
  }

  void hand_on()
  {
    if (!is_attached()) {
      return;
    }
    if (batches_out_->get_subscription_count() == 0) {
      reader_.reset();
      return;
    }
    if (!reader_) {
      reader_.emplace(mailbox_->reader());
      lost_earlier_ = lost_;
    }
    const std::uint32_t cells = mailbox_->segment()->geometry().cell_count;
    for (std::size_t handed_on = 0; handed_on < cells; handed_on += kMostRows) {
      if (!send_batch()) {
        break;
      }
    }
    lost_ = lost_earlier_ + reader_->lost();
  }

  /// False if nothing is left.
  bool send_batch()
  {
    const std::uint32_t row_bytes = mailbox_->segment()->geometry().cell_bytes;
    auto batch = std::make_unique<Batch>();
    RecordHead head;
    unsigned char payload[kMostRecordBytes];
    Status status = Status::ok;
    for (std::size_t row = 0; row < kMostRows && status == Status::ok; ++row) {
      status = reader_->pop(head, payload);
      if (status == Status::ok && head.producer != writer_->producer()) {
        add_row(batch->data, row_bytes, head, payload);
      }
    }
    if (!batch->data.empty()) {
      describe(*batch, row_bytes);
      records_out_ += batch->layout.dim[0].size;
      batches_out_->publish(std::move(batch));
    }
    return status == Status::ok;
  }

  void take(const Batch & batch)
  {
    try {
      const std::uint32_t row_bytes = row_bytes_in(batch);
      const std::size_t count = count_rows(batch.data, row_bytes);
      if (!is_attached()) {
        return;
      }
      for (std::size_t index = 0; index < count; ++index) {
        const RecordRow row = row_at(batch.data, row_bytes, index);
        const Status status =
            writer_->push(row.payload, row.head.length, row.head.type, row.head.stamp_ns);
        ++(status == Status::ok ? records_in_ : records_refused_);
      }
    } catch (const InvalidArgument & error) {
      ++batches_rejected_;
      RCLCPP_WARN_THROTTLE(
          get_logger(), *get_clock(), kWarningPeriodMs, "records dropped: %s", error.what());
    }
  }

  Facts facts() const
  {
    return {
        {"mailbox", mailbox_ ? name_ : name_ + ": not there"},
        {"records out", std::to_string(records_out_)},
        {"records lost before they could go out", std::to_string(lost_)},
        {"records in", std::to_string(records_in_)},
        {"records in that were refused", std::to_string(records_refused_)},
        {"batches rejected", std::to_string(batches_rejected_)}};
  }

  std::string name_;
  BroadcastOptions options_;
  std::optional<BroadcastMailbox> mailbox_;
  std::optional<BroadcastWriter> writer_;
  std::optional<BroadcastReader> reader_;
  rclcpp::Publisher<Batch>::SharedPtr batches_out_;
  rclcpp::Subscription<Batch>::SharedPtr batches_in_;
  rclcpp::TimerBase::SharedPtr timer_;
  std::uint64_t records_out_ = 0;
  std::uint64_t records_in_ = 0;
  std::uint64_t records_refused_ = 0;
  std::uint64_t batches_rejected_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t lost_earlier_ = 0;
  std::optional<Diagnostics> diagnostics_;
};

}  // namespace sage::mailbox::components

RCLCPP_COMPONENTS_REGISTER_NODE(sage::mailbox::components::BroadcastRelay)
