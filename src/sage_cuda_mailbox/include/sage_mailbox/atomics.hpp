// Atomic words in memory that several processes, and a GPU, share.
#ifndef SAGE_MAILBOX__ATOMICS_HPP_
#define SAGE_MAILBOX__ATOMICS_HPP_

#include <cstdint>

#if defined(__CUDACC__)
#include <cuda/atomic>
#define SAGE_HOST_DEVICE __host__ __device__
#else
#define SAGE_HOST_DEVICE
#endif

// The first of two expressions in a kernel, the second elsewhere.
#if defined(__CUDA_ARCH__)
#define SAGE_ON_DEVICE_OR_HOST(device, host) device
#else
#define SAGE_ON_DEVICE_OR_HOST(device, host) host
#endif

namespace sage::mailbox
{

/// Has this core fetch a cache line that it is about to write, as its own, while it does other
/// things: lines that readers looked at last are otherwise waited for one after the other.
inline void prefetch_to_write(const void * line)
{
#if defined(__x86_64__)
  // GCC's builtin fetches for reading unless told that the CPU has this; without it, it is a no-op.
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char *>(line)));
#else
  __builtin_prefetch(line, 1);
#endif
}

/// Atomic operations on words of 32 and 64 bits, on the host and in CUDA kernels.
///
/// The protocols (participant_table.hpp, ring.hpp, lease_table.hpp, pool.hpp) take this as a
/// parameter, so that the model checker can put itself in its place and choose the order of all
/// operations.
struct SystemAtomics {
  template <class T>
  SAGE_HOST_DEVICE static T load(const T * word)
  {
    return SAGE_ON_DEVICE_OR_HOST(
        reference(word).load(cuda::std::memory_order_acquire),
        __atomic_load_n(word, __ATOMIC_ACQUIRE));
  }

  template <class T>
  SAGE_HOST_DEVICE static T load_relaxed(const T * word)
  {
    return SAGE_ON_DEVICE_OR_HOST(
        reference(word).load(cuda::std::memory_order_relaxed),
        __atomic_load_n(word, __ATOMIC_RELAXED));
  }

  /// Release: what was written before is seen by whoever loads the new value.
  template <class T>
  SAGE_HOST_DEVICE static void store(T * word, T value)
  {
    SAGE_ON_DEVICE_OR_HOST(
        reference(word).store(value, cuda::std::memory_order_release),
        __atomic_store_n(word, value, __ATOMIC_RELEASE));
  }

  template <class T>
  SAGE_HOST_DEVICE static void store_relaxed(T * word, T value)
  {
    SAGE_ON_DEVICE_OR_HOST(
        reference(word).store(value, cuda::std::memory_order_relaxed),
        __atomic_store_n(word, value, __ATOMIC_RELAXED));
  }

  /// Sequentially consistent: a later load by this thread sees what was stored before by others.
  template <class T>
  SAGE_HOST_DEVICE static T exchange(T * word, T value)
  {
    return SAGE_ON_DEVICE_OR_HOST(
        reference(word).exchange(value, cuda::std::memory_order_seq_cst),
        __atomic_exchange_n(word, value, __ATOMIC_SEQ_CST));
  }

  template <class T>
  SAGE_HOST_DEVICE static T add(T * word, T value)
  {
    return SAGE_ON_DEVICE_OR_HOST(
        reference(word).fetch_add(value, cuda::std::memory_order_relaxed),
        __atomic_fetch_add(word, value, __ATOMIC_RELAXED));
  }

  /// True if `word` held `expected` and now holds `value`; else `expected` becomes what it holds.
  template <class T>
  SAGE_HOST_DEVICE static bool replace(T * word, T & expected, T value)
  {
    return SAGE_ON_DEVICE_OR_HOST(
        reference(word).compare_exchange_strong(
            expected, value, cuda::std::memory_order_acq_rel, cuda::std::memory_order_acquire),
        __atomic_compare_exchange_n(
            word, &expected, value, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
  }

  /// Relaxed loads before it stay before it.
  SAGE_HOST_DEVICE static void acquire_fence()
  {
    SAGE_ON_DEVICE_OR_HOST(
        cuda::atomic_thread_fence(cuda::std::memory_order_acquire, cuda::thread_scope_system),
        __atomic_thread_fence(__ATOMIC_ACQUIRE));
  }

  /// Relaxed stores after it stay after it.
  SAGE_HOST_DEVICE static void release_fence()
  {
    SAGE_ON_DEVICE_OR_HOST(
        cuda::atomic_thread_fence(cuda::std::memory_order_release, cuda::thread_scope_system),
        __atomic_thread_fence(__ATOMIC_RELEASE));
  }

#if defined(__CUDA_ARCH__)
private:
  template <class T>
  __device__ static cuda::atomic_ref<T, cuda::thread_scope_system> reference(const T * word)
  {
    return cuda::atomic_ref<T, cuda::thread_scope_system>(*const_cast<T *>(word));
  }
#endif
};

}  // namespace sage::mailbox

#undef SAGE_ON_DEVICE_OR_HOST

#endif  // SAGE_MAILBOX__ATOMICS_HPP_
