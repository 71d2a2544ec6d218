/* Makes system calls of one process fail, or be slow, or tell another time: loaded by LD_PRELOAD.
 *
 * What is to happen stands in a file that SAGE_BENCH_FAULT names and all processes map; it may be
 * changed at any time. Only calls of the process `pid` are touched, of all if that is 0. `effects`
 * counts those that were. What glibc calls inside itself (fwrite, for instance) does not come this
 * way.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { NONE, SLOW_DISK, FULL_DISK, CLOCK };

/* As `Order` in injection.py has it. */
struct order {
  _Atomic int64_t pid;
  _Atomic int64_t kind;
  _Atomic int64_t amount; /* of a slow disk: microseconds a call; of the clock: seconds */
  _Atomic int64_t effects;
  char folder[PATH_MAX]; /* below which the disk is at fault */
};

static struct order * order;

__attribute__((constructor)) static void load(void)
{
  const char * path = getenv("SAGE_BENCH_FAULT");
  int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) {
    return;
  }
  void * mapped = mmap(NULL, sizeof(struct order), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  order = mapped == MAP_FAILED ? NULL : mapped;
}

static int is_ordered(int64_t kind)
{
  return order && order->kind == kind && (!order->pid || order->pid == getpid());
}

static void * next(const char * name) { return dlsym(RTLD_NEXT, name); }

/* ---- the disk ---- */

static int is_below(int file)
{
  char link[64];
  char path[PATH_MAX];
  size_t length = strlen(order->folder);
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t read = readlink(link, path, sizeof path);
  return read > (ssize_t)length && !strncmp(path, order->folder, length);
}

/* Whether a call that writes to `file` is to fail; it is held up first where that is ordered. */
static int is_refused(int file)
{
  int kept = errno;
  int slow = is_ordered(SLOW_DISK);
  int refused = 0;
  if ((slow || is_ordered(FULL_DISK)) && is_below(file)) {
    order->effects++;
    refused = !slow;
    if (slow) {
      usleep((useconds_t)order->amount);
    }
  }
  errno = refused ? ENOSPC : kept;
  return refused;
}

#define WRITING(type, name, parameters, arguments)         \
  type name parameters                                     \
  {                                                        \
    static type(*call) parameters;                         \
    if (!call) {                                           \
      call = (type(*) parameters)next(#name);              \
    }                                                      \
    return is_refused(file) ? (type) - 1 : call arguments; \
  }

WRITING(ssize_t, write, (int file, const void * data, size_t size), (file, data, size))
WRITING(
    ssize_t, pwrite, (int file, const void * data, size_t size, off_t at), (file, data, size, at))
WRITING(
    ssize_t, pwrite64, (int file, const void * data, size_t size, off64_t at),
    (file, data, size, at))
WRITING(ssize_t, writev, (int file, const struct iovec * parts, int count), (file, parts, count))

/* A full disk syncs what is on it. */
#define SYNCING(name)                   \
  int name(int file)                    \
  {                                     \
    static int (*call)(int);            \
    if (!call) {                        \
      call = (int (*)(int))next(#name); \
    }                                   \
    if (is_ordered(SLOW_DISK)) {        \
      is_refused(file);                 \
    }                                   \
    return call(file);                  \
  }

SYNCING(fsync)
SYNCING(fdatasync)

/* ---- the clock ---- */

static int64_t shift_s(void) { return is_ordered(CLOCK) ? order->amount : 0; }

int clock_gettime(clockid_t id, struct timespec * now)
{
  static int (*call)(clockid_t, struct timespec *);
  if (!call) {
    call = (int (*)(clockid_t, struct timespec *))next("clock_gettime");
  }
  int failed = call(id, now);
  if (!failed && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
    int64_t shift = shift_s();
    if (shift) {
      now->tv_sec += shift;
      order->effects++;
    }
  }
  return failed;
}

int gettimeofday(struct timeval * restrict now, void * restrict zone)
{
  struct timespec exact;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

time_t time(time_t * now)
{
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  if (now) {
    *now = exact.tv_sec;
  }
  return exact.tv_sec;
}

/* The kernel, whose clock is right, waits until what this process takes for a time. */
static struct timespec kernel_time(const struct timespec * until)
{
  struct timespec shifted = *until;
  shifted.tv_sec -= shift_s();
  return shifted;
}

int sem_timedwait(sem_t * restrict semaphore, const struct timespec * restrict until)
{
  static int (*call)(sem_t *, const struct timespec *);
  if (!call) {
    call = (int (*)(sem_t *, const struct timespec *))next("sem_timedwait");
  }
  struct timespec shifted = kernel_time(until);
  return call(semaphore, &shifted);
}

int pthread_mutex_timedlock(
    pthread_mutex_t * restrict mutex, const struct timespec * restrict until)
{
  static int (*call)(pthread_mutex_t *, const struct timespec *);
  if (!call) {
    call = (int (*)(pthread_mutex_t *, const struct timespec *))next("pthread_mutex_timedlock");
  }
  struct timespec shifted = kernel_time(until);
  return call(mutex, &shifted);
}

/* Of this one glibc has an older, incompatible version, too. One made for CLOCK_MONOTONIC, which
 * nobody here uses (they have pthread_cond_clockwait), cannot be told from the others: its time is
 * a small number. */
int pthread_cond_timedwait(
    pthread_cond_t * restrict condition, pthread_mutex_t * restrict mutex,
    const struct timespec * restrict until)
{
  static int (*call)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
  if (!call) {
    void * found = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    found = found ? found : next("pthread_cond_timedwait");
    call = (int (*)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *))found;
  }
  struct timespec shifted = kernel_time(until);
  return call(condition, mutex, until->tv_sec > 1000000000 ? &shifted : until);
}
