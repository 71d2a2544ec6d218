// Figures of the mailboxes on a GPU, as JSON. Needs a GPU; ends with status 77 where there is none.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "../cpp/expect.hpp"
#include "device.hpp"
#include "sage_mailbox_cuda/device_mailbox.hpp"
#include "sage_mailbox_cuda/device_ring.hpp"

using namespace sage::mailbox;
using namespace sage::mailbox::cuda_backend;
using namespace sage::mailbox::test;

namespace
{

constexpr std::uint32_t kRecords = 200'000;
constexpr int kHandOvers = 1000;
constexpr int kWarmUp = 50;

/// Nanoseconds of the GPU's clock, the same for all its kernels.
__device__ std::uint64_t gpu_clock_ns()
{
  std::uint64_t now = 0;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  return now;
}

__global__ void push_own(RingView view, std::uint32_t count)
{
  for (std::uint32_t index = 0; index < count; ++index) {
    RecordHead head;
    head.length = 8;
    const std::uint64_t payload = index;
    push(view, Holder{blockIdx.x, 0}, head, &payload);
  }
}

__global__ void pop_all(RingView view, std::uint32_t count, std::uint64_t * sum)
{
  Cursor cursor = view.ring().begin();
  std::uint64_t found = 0;
  for (std::uint32_t index = 0; index < count; ++index) {
    RecordHead head;
    unsigned char payload[64];
    found += pop(view, cursor, 1, &head, payload, sizeof payload);
  }
  *sum = found;
}

/// Fills the tensor; its first number is when that was done.
__global__ void fill_and_stamp(std::uint64_t * numbers, std::uint64_t count)
{
  for (std::uint64_t index = threadIdx.x; index < count; index += blockDim.x) {
    numbers[index] = index;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    numbers[0] = gpu_clock_ns();
  }
}

__global__ void age(const std::uint64_t * numbers, std::uint64_t * age_ns)
{
  *age_ns = gpu_clock_ns() - *numbers;
}

/// Seconds that a stream takes for what an action queues.
template <class Action>
double seconds(cudaStream_t stream, Action action)
{
  cudaEvent_t begin = nullptr;
  cudaEvent_t end = nullptr;
  checked(cudaEventCreate(&begin), "cudaEventCreate");
  checked(cudaEventCreate(&end), "cudaEventCreate");
  checked(cudaEventRecord(begin, stream), "cudaEventRecord");
  action();
  checked(cudaEventRecord(end, stream), "cudaEventRecord");
  checked(cudaEventSynchronize(end), "cudaEventSynchronize");
  float milliseconds = 0;
  checked(cudaEventElapsedTime(&milliseconds, begin, end), "cudaEventElapsedTime");
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  return milliseconds / 1e3;
}

/// Rows of the result, in the form of `sage bench`.
class Rows
{
public:
  void add(const std::string & name, double value, const char * unit, const char * better)
  {
    begin(name, value, unit, better);
    text_ += ", \"samples\": 1}";
  }
  void add_times_us(const std::string & name, std::vector<double> times_us)
  {
    std::sort(times_us.begin(), times_us.end());
    const double p50 = times_us[times_us.size() / 2];
    const double p99 = times_us[times_us.size() * 99 / 100];
    begin(name, p50, "us", "lower");
    text_ += ", \"samples\": " + std::to_string(times_us.size()) +
             ", \"p50\": " + std::to_string(p50) + ", \"p99\": " + std::to_string(p99) + "}";
  }
  const std::string & text() const { return text_; }

private:
  void begin(const std::string & name, double value, const char * unit, const char * better)
  {
    text_ += (text_.empty() ? "" : ",") + std::string("\n  {\"name\": \"") + name +
             "\", \"value\": " + std::to_string(value) + ", \"unit\": \"" + unit +
             "\", \"better\": \"" + better + "\"";
  }

  std::string text_;
};

void measure_records(Rows & rows)
{
  const Stream stream;
  DeviceRing ring(0, 64, 1 << 20);
  push_own<<<1, 1, 0, stream>>>(ring.view(), 1000);  // loads the kernel
  for (const unsigned writers : {1u, 8u, 64u}) {
    const double taken_s = seconds(
        stream, [&] { push_own<<<writers, 1, 0, stream>>>(ring.view(), kRecords / writers); });
    rows.add(
        "device push, " + std::to_string(writers) + " writers", kRecords / taken_s, "records/s",
        "higher");
  }
  const DeviceArray<std::uint64_t> sum(1);
  pop_all<<<1, 1, 0, stream>>>(ring.view(), 1000, sum.data());
  const double taken_s =
      seconds(stream, [&] { pop_all<<<1, 1, 0, stream>>>(ring.view(), kRecords, sum.data()); });
  EXPECT(sum.values()[0] == kRecords);
  rows.add("device pop", kRecords / taken_s, "records/s", "higher");
}

/// From the end of the kernel that fills a tensor to the begin of the one that looks at it, on the
/// GPU's clock; and how long the host takes for both sides.
void measure_hand_over(Rows & rows, Backend backend, std::uint64_t bytes)
{
  DeviceOptions options;
  options.slot_bytes = bytes;
  options.backend = backend;
  const auto mailbox = DeviceTensorMailbox::create(unique_name("figures"), options);
  TensorReader reader = mailbox.reader();
  TensorWriter writer = mailbox.writer();
  const auto ready = mailbox.readiness();
  const Stream writing;
  const Stream reading;
  Tensor tensor;
  tensor.type = data_type("uint64");
  tensor.shape = {bytes / 8};
  const DeviceArray<std::uint64_t> ages(kHandOvers + kWarmUp);
  std::vector<double> host_us;
  for (int turn = 0; turn < kHandOvers + kWarmUp; ++turn) {
    WriteLease filled;
    while (writer.acquire(filled) == Status::full) {
    }
    fill_and_stamp<<<1, 256, 0, writing>>>(
        reinterpret_cast<std::uint64_t *>(filled.data()), bytes / 8);
    const auto begin = std::chrono::steady_clock::now();
    EXPECT(ready->publish(filled, tensor, writing) == Status::ok);
    ReadLease taken;
    EXPECT(reader.next(taken) == Status::ok);
    EXPECT(ready->wait(taken, reading) == Status::ok);
    const auto end = std::chrono::steady_clock::now();
    age<<<1, 1, 0, reading>>>(
        reinterpret_cast<const std::uint64_t *>(taken.data()), ages.data() + turn);
    ready->release(std::move(taken), reading);
    if (turn >= kWarmUp) {
      host_us.push_back(std::chrono::duration<double, std::micro>(end - begin).count());
    }
  }
  std::vector<double> kernel_us;
  for (const std::uint64_t age_ns : ages.values()) {
    kernel_us.push_back(static_cast<double>(age_ns) / 1e3);
  }
  kernel_us.erase(kernel_us.begin(), kernel_us.begin() + kWarmUp);
  const char * name = backend == Backend::pinned     ? "pinned"
                      : backend == Backend::cuda_vmm ? "cuda_vmm"
                                                     : "cuda_ipc";
  const std::string what = std::string(name) + ", " + std::to_string(bytes) + " bytes";
  rows.add_times_us("kernel to kernel, " + what, kernel_us);
  rows.add_times_us("publish and take on the host, " + what, host_us);
}

}  // namespace

int main()
{
  need_a_device();
  const DeviceTraits traits = traits_of(0);
  const Backend chosen = chosen_backend(traits);
  Rows rows;
  measure_records(rows);
  for (const std::uint64_t bytes : {4096ull, 65536ull, 1ull << 20, 8ull << 20}) {
    measure_hand_over(rows, chosen, bytes);
    if (chosen != Backend::pinned) {
      measure_hand_over(rows, Backend::pinned, bytes);
    }
  }
  std::printf(
      "{\"bench\": \"mailbox_gpu\", \"device\": \"%s\", \"backend\": \"%s\", \"rows\": [%s\n]}\n",
      traits.name.c_str(), explained(traits, chosen).c_str(), rows.text().c_str());
  return 0;
}
