// The ring of records, used by kernels. Needs a GPU; ends with status 77 where there is none.
#include <cstdint>
#include <cstring>
#include <vector>

#include "../cpp/expect.hpp"
#include "device.hpp"
#include "sage_mailbox_cuda/device_ring.hpp"
#include "sage_mailbox_cuda/mapped_ring.hpp"

using namespace sage::mailbox;
using namespace sage::mailbox::cuda_backend;
using namespace sage::mailbox::test;

namespace
{

constexpr std::uint32_t kCellBytes = 64;
constexpr Holder kWriter{0, 0};

/// Pops `count` and returns the numbers that were the payloads.
std::vector<std::uint64_t> pop_numbers(
    DeviceRing & ring, DeviceArray<PopResult> & result, std::uint32_t count)
{
  const Stream stream;
  DeviceArray<RecordHead> heads(count);
  DeviceArray<unsigned char> payloads(std::size_t{count} * ring.payload_bytes());
  ring.pop(count, heads.data(), payloads.data(), result.data(), stream);
  stream.wait();
  const std::vector<unsigned char> bytes = payloads.values();
  const std::vector<RecordHead> described = heads.values();
  std::vector<std::uint64_t> numbers(result.values()[0].popped);
  for (std::size_t index = 0; index < numbers.size(); ++index) {
    std::memcpy(&numbers[index], bytes.data() + index * ring.payload_bytes(), 8);
    EXPECT(described[index].length == 8);
  }
  return numbers;
}

void push_numbers(DeviceRing & ring, std::uint64_t first, std::uint32_t count)
{
  std::vector<std::uint64_t> numbers(count);
  for (std::uint32_t index = 0; index < count; ++index) {
    numbers[index] = first + index;
  }
  const Stream stream;
  const DeviceArray<std::uint64_t> payloads(numbers);
  const DeviceArray<std::uint32_t> written(1);
  ring.push(kWriter, 1, payloads.data(), 8, count, written.data(), stream);
  stream.wait();
  EXPECT(written.values()[0] == count);
}

void expect_numbers(
    DeviceRing & ring, DeviceArray<PopResult> & result, std::uint32_t asked, std::uint64_t first,
    std::uint32_t expected)
{
  const std::vector<std::uint64_t> numbers = pop_numbers(ring, result, asked);
  EXPECT(numbers.size() == expected);
  for (std::size_t index = 0; index < numbers.size(); ++index) {
    EXPECT(numbers[index] == first + index);
  }
}

/// 10 in, 5 out, three times: 0-4, 5-9, 10-14; then 15-29; then nothing.
void counted_pops_interleave_with_pushes()
{
  DeviceRing ring(0, kCellBytes, 64);
  DeviceArray<PopResult> result(1);
  for (std::uint64_t turn = 0; turn < 3; ++turn) {
    push_numbers(ring, 10 * turn, 10);
    expect_numbers(ring, result, 5, 5 * turn, 5);
  }
  expect_numbers(ring, result, 100, 15, 15);
  expect_numbers(ring, result, 100, 0, 0);
}

void a_slow_reader_loses_the_oldest_and_knows_how_many()
{
  DeviceRing ring(0, kCellBytes, 16);
  DeviceArray<PopResult> result(1);
  push_numbers(ring, 0, 40);
  expect_numbers(ring, result, 100, 24, 16);
  EXPECT(result.values()[0].cursor.lost == 24);
}

/// `gridDim.x` writers of `each` records: (writer, number), numbers from `first` on.
__global__ void write_many(
    RingView view, std::uint32_t first, std::uint32_t each, std::uint32_t * written)
{
  std::uint32_t done = 0;
  for (std::uint32_t number = first; number < first + each; ++number) {
    RecordHead head;
    head.length = 8;
    head.producer = blockIdx.x;
    const std::uint64_t payload = std::uint64_t{blockIdx.x} << 32 | number;
    done += push(view, Holder{blockIdx.x, 0}, head, &payload) == Status::ok;
  }
  atomicAdd(written, done);
}

struct Seen {
  std::uint64_t popped;
  std::uint64_t lost;
  std::uint32_t torn;
  std::uint32_t out_of_order;
};

/// Reads until sequence `end`, while others write.
__global__ void read_many(RingView view, std::uint64_t end, std::uint32_t writers, Seen * seen)
{
  constexpr std::uint32_t kMostWriters = 32;
  std::uint32_t next[kMostWriters] = {};
  Cursor cursor;
  std::uint64_t last = 0;
  Seen found{};
  while (cursor.next < end) {
    RecordHead head;
    unsigned char payload[kCellBytes];
    if (pop(view, cursor, 1, &head, payload, kCellBytes) == 0) {
      continue;
    }
    std::uint64_t value = 0;
    __builtin_memcpy(&value, payload, 8);
    const std::uint32_t writer = value >> 32;
    const std::uint32_t number = static_cast<std::uint32_t>(value);
    const bool is_whole = writer < writers && writer == head.producer && head.length == 8;
    found.torn += !is_whole;
    if (is_whole) {
      found.out_of_order += number < next[writer] || (found.popped > 0 && head.sequence <= last);
      next[writer] = number + 1;
    }
    last = head.sequence;
    ++found.popped;
  }
  found.lost = cursor.lost;
  *seen = found;
}

void many_blocks_write_while_one_reads()
{
  constexpr std::uint32_t kWriters = 8;
  constexpr std::uint32_t kEach = 20000;
  DeviceRing ring(0, kCellBytes, 1024);
  const DeviceArray<std::uint32_t> written(1);
  const DeviceArray<Seen> seen(1);
  const Stream writing;
  const Stream reading;
  write_many<<<kWriters, 1, 0, writing>>>(ring.view(), 0, kEach, written.data());
  checked(cudaGetLastError(), "write_many");
  writing.wait();
  Header header{};
  checked(
      cudaMemcpy(&header, ring.view().header, sizeof header, cudaMemcpyDeviceToHost), "cudaMemcpy");
  EXPECT(written.values()[0] + header.refused == kWriters * kEach);
  EXPECT(header.head >= written.values()[0]);
  const std::uint64_t first_end = header.head;
  write_many<<<kWriters, 1, 0, writing>>>(ring.view(), kEach, kEach, written.data());
  checked(cudaGetLastError(), "write_many");
  // runs at the same time: nine blocks fit any GPU
  read_many<<<1, 1, 0, reading>>>(ring.view(), first_end + kEach, kWriters, seen.data());
  checked(cudaGetLastError(), "read_many");
  const Seen found = seen.values()[0];
  std::printf(
      "  %llu records read, %llu lost, while %u blocks wrote\n",
      static_cast<unsigned long long>(found.popped), static_cast<unsigned long long>(found.lost),
      kWriters);
  EXPECT(found.torn == 0 && found.out_of_order == 0);
  EXPECT(found.popped + found.lost >= first_end + kEach && found.popped > 0);
}

__global__ void write_from_kernel(RingView view, Holder writer, std::uint32_t count)
{
  for (std::uint64_t number = 0; number < count; ++number) {
    RecordHead head;
    head.length = 8;
    head.producer = writer.place;
    push(view, writer, head, &number);
  }
}

/// A mailbox of the host, written to by a kernel: only where atomic operations hold for both.
void a_process_reads_what_a_kernel_writes()
{
  constexpr std::uint32_t kCount = 1000;
  const auto mailbox = BroadcastMailbox::create(unique_name("kernel"));
  if (!traits_of(0).has_host_atomics) {
    const std::string why = refusal<WrongBackend>([&] { MappedRing(mailbox.segment(), 0); });
    std::printf("  refused, as it must be here: %s\n", why.c_str());
    EXPECT(contains(why, "atomic operations"));
    return;
  }
  BroadcastReader reader = mailbox.reader();
  MappedRing ring(mailbox.segment(), 0);
  const Stream stream;
  write_from_kernel<<<1, 1, 0, stream>>>(ring.view(), ring.writer(), kCount);
  checked(cudaGetLastError(), "write_from_kernel");
  stream.wait();
  ring.wake();
  for (std::uint64_t expected = 0; expected < kCount; ++expected) {
    RecordHead head;
    std::uint64_t payload[5] = {};
    EXPECT(reader.pop(head, payload) == Status::ok && payload[0] == expected);
    EXPECT(head.producer == ring.writer().place);
  }
  EXPECT(reader.lost() == 0);
}

}  // namespace

int main()
{
  need_a_device();
  a_process_reads_what_a_kernel_writes();
  counted_pops_interleave_with_pushes();
  a_slow_reader_loses_the_oldest_and_knows_how_many();
  many_blocks_write_while_one_reads();
  std::printf("device_ring_cases: all is well\n");
  return 0;
}
