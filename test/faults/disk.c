/*
 * What disks, clocks and file systems do to programs, for one process: built with
 *   gcc -shared -fPIC -O2 -o disk.so disk.c -ldl
 * and loaded by LD_PRELOAD. Everything is set by the environment:
 *
 *   FAULT_WRITE=ERRNO    every write into a file below FAULT_BELOW fails so, as with a quota that is used up
 *   FAULT_AFTER=BYTES    ... but only after so many bytes were written there
 *   FAULT_READ=ERRNO     every read from the file FAULT_FILE fails so, as with a bad sector
 *   FAULT_LOCK=ERRNO     every lock is refused so, as on a file system that has none
 *   FAULT_DELAY=MS       every read and write below FAULT_BELOW takes so much longer
 *   FAULT_CLOCK=SECONDS  the clock is ahead by so much; the monotonic one is not touched
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static long number(const char *name) {
  const char *text = getenv(name);
  return text ? atol(text) : 0;
}

static int path_of(int fd, char *path, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, size - 1);
  if (n < 0) return 0;
  path[n] = 0;
  return path[0] == '/';
}

static int below(int fd) {
  const char *folder = getenv("FAULT_BELOW");
  char path[4096];
  if (!folder || !path_of(fd, path, sizeof path)) return 0;
  size_t n = strlen(folder);
  return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == 0);
}

static atomic_long written;

/* Errno, or 0 where the operation is to go on. */
static int before_write(int fd, size_t bytes) {
  int failure = (int)number("FAULT_WRITE");
  long delay = number("FAULT_DELAY");
  if ((!failure && !delay) || !below(fd)) return 0;
  if (delay) usleep((useconds_t)delay * 1000);
  if (!failure) return 0;
  return atomic_fetch_add(&written, (long)bytes) + (long)bytes > number("FAULT_AFTER") ? failure : 0;
}

static int before_read(int fd) {
  int failure = (int)number("FAULT_READ");
  const char *file = getenv("FAULT_FILE");
  if (number("FAULT_DELAY") && below(fd)) usleep((useconds_t)number("FAULT_DELAY") * 1000);
  if (!failure || !file) return 0;
  char path[4096];
  return path_of(fd, path, sizeof path) && strcmp(path, file) == 0 ? failure : 0;
}

#define REAL(type, name, ...) \
  static type (*real)(__VA_ARGS__); \
  if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)
#define REFUSE(reason) \
  do { int why = (reason); if (why) { errno = why; return -1; } } while (0)

#define TRANSFER(name, pointer, before) \
  ssize_t name(int fd, pointer data, size_t n) { \
    REAL(ssize_t, #name, int, pointer, size_t); \
    REFUSE(before); \
    return real(fd, data, n); \
  }
#define TRANSFER_AT(name, pointer, offset, before) \
  ssize_t name(int fd, pointer data, size_t n, offset at) { \
    REAL(ssize_t, #name, int, pointer, size_t, offset); \
    REFUSE(before); \
    return real(fd, data, n, at); \
  }
TRANSFER(write, const void *, before_write(fd, n))
TRANSFER_AT(pwrite, const void *, off_t, before_write(fd, n))
TRANSFER_AT(pwrite64, const void *, off64_t, before_write(fd, n))
TRANSFER(read, void *, before_read(fd))
TRANSFER_AT(pread, void *, off_t, before_read(fd))
TRANSFER_AT(pread64, void *, off64_t, before_read(fd))

int flock(int fd, int operation) {
  REAL(int, "flock", int, int);
  REFUSE((operation & LOCK_UN) ? 0 : (int)number("FAULT_LOCK"));
  return real(fd, operation);
}
static int is_lock(int command) {
  return command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK || command == F_OFD_SETLKW;
}
#define CONTROL(name) \
  int name(int fd, int command, ...) { \
    REAL(int, #name, int, int, ...); \
    va_list rest; \
    va_start(rest, command); \
    void *argument = va_arg(rest, void *); \
    va_end(rest); \
    if (is_lock(command)) REFUSE((int)number("FAULT_LOCK")); \
    return real(fd, command, argument); \
  }
CONTROL(fcntl)
CONTROL(fcntl64)

int clock_gettime(clockid_t clock, struct timespec *now) {
  REAL(int, "clock_gettime", clockid_t, struct timespec *);
  int result = real(clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += number("FAULT_CLOCK");
  return result;
}
int gettimeofday(struct timeval *now, void *zone) {
  REAL(int, "gettimeofday", struct timeval *, void *);
  int result = real(now, zone);
  if (result == 0) now->tv_sec += number("FAULT_CLOCK");
  return result;
}
time_t time(time_t *into) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (into) *into = now.tv_sec;
  return now.tv_sec;
}
