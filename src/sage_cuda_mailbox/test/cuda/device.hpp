// What the programs that need a GPU share.
#ifndef DEVICE_HPP_
#define DEVICE_HPP_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "sage_mailbox_cuda/checked.hpp"
#include "sage_mailbox_cuda/device_traits.hpp"

namespace sage::mailbox::test
{

using cuda_backend::checked;

/// Exit status that says "skipped" (as in CTest and Automake).
inline constexpr int kSkipped = 77;

/// Ends the program, saying why, where there is no GPU.
inline void need_a_device()
{
  std::string why;
  if (cuda_backend::device_count(why) == 0) {
    std::printf("there is no GPU here: %s\n", why.c_str());
    std::exit(kSkipped);
  }
}

/// Memory of the device, as an array.
template <class T>
class DeviceArray
{
public:
  explicit DeviceArray(std::size_t count) : count_(count)
  {
    void * memory = nullptr;
    checked(cudaMalloc(&memory, count * sizeof(T)), "cudaMalloc");
    checked(cudaMemset(memory, 0, count * sizeof(T)), "cudaMemset");
    checked(cudaDeviceSynchronize(), "cudaDeviceSynchronize");  // streams here wait for no other
    data_ = static_cast<T *>(memory);
  }
  explicit DeviceArray(const std::vector<T> & values) : DeviceArray(values.size())
  {
    checked(
        cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice), "cudaMemcpy");
    checked(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  }
  DeviceArray(const DeviceArray &) = delete;
  DeviceArray & operator=(const DeviceArray &) = delete;
  ~DeviceArray() { cudaFree(data_); }

  T * data() const { return data_; }
  /// Waits for all that was queued, and copies.
  std::vector<T> values() const
  {
    std::vector<T> copied(count_);
    checked(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    checked(
        cudaMemcpy(copied.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost), "cudaMemcpy");
    return copied;
  }

private:
  std::size_t count_;
  T * data_ = nullptr;
};

/// A stream of its own, which waits for no other.
class Stream
{
public:
  Stream()
  {
    checked(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
  }
  Stream(const Stream &) = delete;
  Stream & operator=(const Stream &) = delete;
  ~Stream() { cudaStreamDestroy(stream_); }

  operator cudaStream_t() const { return stream_; }
  void wait() const { checked(cudaStreamSynchronize(stream_), "cudaStreamSynchronize"); }

private:
  cudaStream_t stream_ = nullptr;
};

}  // namespace sage::mailbox::test

#endif  // DEVICE_HPP_
