// Tensors on a GPU, in each backend that the GPU has: one suite for all of them, in one process and
// across two. Needs a GPU; ends with status 77 where there is none.
#include <spawn.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "../cpp/expect.hpp"
#include "device.hpp"
#include "sage_mailbox_cuda/device_mailbox.hpp"

using namespace sage::mailbox;
using namespace sage::mailbox::cuda_backend;
using namespace sage::mailbox::test;

extern char ** environ;

namespace
{

constexpr std::uint32_t kSlots = 3;
constexpr std::uint64_t kNumbers = 1 << 16;
constexpr std::int64_t kPatienceNs = 20'000'000'000;
constexpr std::uint32_t kAcrossProcesses = 200;

__global__ void fill(std::uint32_t * numbers, std::uint64_t count, std::uint32_t value)
{
  const std::uint64_t index = blockIdx.x * std::uint64_t{blockDim.x} + threadIdx.x;
  if (index < count) {
    numbers[index] = value + static_cast<std::uint32_t>(index);
  }
}

__global__ void count_wrong(
    const std::uint32_t * numbers, std::uint64_t count, std::uint32_t value, std::uint32_t * wrong)
{
  const std::uint64_t index = blockIdx.x * std::uint64_t{blockDim.x} + threadIdx.x;
  if (index < count && numbers[index] != value + static_cast<std::uint32_t>(index)) {
    atomicAdd(wrong, 1u);
  }
}

unsigned blocks() { return static_cast<unsigned>((kNumbers + 255) / 256); }

DeviceTensorMailbox mailbox_in(Backend backend, const std::string & name)
{
  DeviceOptions options;
  options.slot_count = kSlots;
  options.slot_bytes = kNumbers * sizeof(std::uint32_t);
  options.backend = backend;
  return DeviceTensorMailbox::create(name, options);
}

Tensor numbers(std::uint64_t tag)
{
  Tensor tensor;
  tensor.type = data_type("uint32");
  tensor.shape = {kNumbers};
  tensor.tag = tag;
  return tensor;
}

/// Queues the kernel that fills a slot, and publishes without waiting for it.
void write_one(TensorWriter & writer, Readiness & ready, std::uint32_t value, cudaStream_t stream)
{
  WriteLease lease;
  while (writer.acquire(lease) == Status::full) {
  }
  EXPECT(lease.is_open());
  fill<<<blocks(), 256, 0, stream>>>(
      reinterpret_cast<std::uint32_t *>(lease.data()), kNumbers, value);
  checked(cudaGetLastError(), "fill");
  std::uint32_t readers = 0;
  EXPECT(ready.publish(lease, numbers(value), stream, 0, &readers) == Status::ok);
  EXPECT(readers >= 1);
}

/// Takes the next tensor, queues the kernel that looks at it, and gives it back after that.
void read_one(
    TensorReader & reader, Readiness & ready, std::uint32_t value, cudaStream_t stream,
    DeviceArray<std::uint32_t> & wrong)
{
  EXPECT(reader.wait(kPatienceNs) == Status::ok);
  ReadLease lease;
  EXPECT(reader.next(lease) == Status::ok);
  EXPECT(lease.tensor().tag == value);
  EXPECT(ready.wait(lease, stream) == Status::ok);
  count_wrong<<<blocks(), 256, 0, stream>>>(
      reinterpret_cast<const std::uint32_t *>(lease.data()), kNumbers, value, wrong.data());
  checked(cudaGetLastError(), "count_wrong");
  ready.release(std::move(lease), stream);
}

void kernels_hand_over_in_order_of_streams(Backend backend)
{
  const auto mailbox = mailbox_in(backend, unique_name("streams"));
  EXPECT(mailbox.payload().backend() == backend && mailbox.payload().device() == 0);
  TensorReader reader = mailbox.reader();
  TensorWriter writer = mailbox.writer();
  const auto written = mailbox.readiness();
  const auto read = mailbox.readiness();
  const Stream writing;
  const Stream reading;
  DeviceArray<std::uint32_t> wrong(1);
  for (std::uint32_t value = 0; value < 100; ++value) {
    write_one(writer, *written, value, writing);
    read_one(reader, *read, value, reading, wrong);
  }
  reading.wait();
  EXPECT(wrong.values()[0] == 0);
  EXPECT(reader.missed() == 0);
}

void leases_keep_slots(Backend backend)
{
  const auto mailbox = mailbox_in(backend, unique_name("leases"));
  TensorReader reader = mailbox.reader();
  TensorWriter writer = mailbox.writer();
  const auto ready = mailbox.readiness();
  const Stream stream;
  for (std::uint32_t value = 0; value < kSlots; ++value) {
    write_one(writer, *ready, value, stream);
  }
  WriteLease none;
  EXPECT(writer.acquire(none) == Status::full);
  ReadLease lease;
  EXPECT(reader.next(lease) == Status::ok);
  const TensorId first = lease.id();
  EXPECT(lease.release() == Status::ok);
  WriteLease again;
  EXPECT(writer.acquire(again) == Status::ok);
  EXPECT(again.id().slot == first.slot && again.id().generation == first.generation + 1);
  EXPECT(reader.open(first, lease) == Status::not_leased && !lease.is_open());
  stream.wait();
}

void wrong_wishes_are_refused()
{
  DeviceOptions options;
  options.slot_bytes = 4096;
  options.backend = Backend::shm;
  const std::string why =
      refusal<InvalidArgument>([&] { DeviceTensorMailbox::create(unique_name("wrong"), options); });
  EXPECT(contains(why, "backend is shm"));
  options.backend = Backend::pinned;
  options.slot_count = 0;
  refusal<InvalidArgument>([&] { DeviceTensorMailbox::create(unique_name("wrong"), options); });
  options.slot_count = 1;
  options.device = 4711;
  refusal<CudaError>([&] { DeviceTensorMailbox::create(unique_name("wrong"), options); });
  refusal<NoSuchMailbox>([&] { DeviceTensorMailbox::attach(unique_name("nowhere")); });
}

/// What the other process does: CUDA does not survive a fork, so it is this program anew.
int read_in_another_process(const std::string & name)
{
  const auto mailbox = DeviceTensorMailbox::attach(name);
  TensorReader reader = mailbox.reader();
  const auto ready = mailbox.readiness();
  const Stream stream;
  DeviceArray<std::uint32_t> wrong(1);
  for (std::uint32_t value = 0; value < kAcrossProcesses; ++value) {
    read_one(reader, *ready, value, stream, wrong);
  }
  stream.wait();
  EXPECT(wrong.values()[0] == 0);
  EXPECT(reader.missed() == 0);
  return 0;
}

void another_process_reads_in_place(Backend backend, const char * program)
{
  const std::string name = unique_name("processes");
  auto mailbox = mailbox_in(backend, name);
  TensorWriter writer = mailbox.writer();
  const auto ready = mailbox.readiness();
  const Stream stream;
  std::string command = program;
  std::string option = "--reader";
  std::string argument = name;
  char * arguments[] = {command.data(), option.data(), argument.data(), nullptr};
  pid_t child = 0;
  EXPECT(posix_spawn(&child, program, nullptr, nullptr, arguments, environ) == 0);
  while (mailbox.statistics().readers == 0) {
    EXPECT(waitpid(child, nullptr, WNOHANG) == 0);
  }
  for (std::uint32_t value = 0; value < kAcrossProcesses; ++value) {
    write_one(writer, *ready, value, stream);
  }
  EXPECT(ended_well(child));
  stream.wait();
}

bool can(const DeviceTraits & traits, Backend backend)
{
  switch (backend) {
    case Backend::cuda_vmm:
      return traits.has_virtual_memory && traits.exports_descriptors;
    case Backend::cuda_ipc:
      return !traits.is_integrated;
    default:
      return true;
  }
}

}  // namespace

int main(int argc, char ** argv)
{
  need_a_device();
  if (argc == 3 && std::string(argv[1]) == "--reader") {
    return read_in_another_process(argv[2]);
  }
  const DeviceTraits traits = traits_of(0);
  std::printf("chosen: %s\n", explained(traits, chosen_backend(traits)).c_str());
  wrong_wishes_are_refused();
  for (const Backend backend : {Backend::cuda_vmm, Backend::cuda_ipc, Backend::pinned}) {
    if (!can(traits, backend)) {
      std::printf("skipped, this GPU has it not: %s\n", explained(traits, backend).c_str());
      continue;
    }
    kernels_hand_over_in_order_of_streams(backend);
    leases_keep_slots(backend);
    another_process_reads_in_place(backend, "/proc/self/exe");
    std::printf("holds: %s\n", explained(traits, backend).c_str());
  }
  std::printf("device_mailbox_cases: all is well\n");
  return 0;
}
