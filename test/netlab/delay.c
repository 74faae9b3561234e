// Joins two TAP devices with a fixed one-way delay in each direction, for kernels without netem:
//   delay TAP0 TAP1 MICROSECONDS [BATCH_MICROSECONDS]
// Reads what arrives, stamps it, and writes it to the other device when its time has come. While there is traffic it
// wakes once per batch (250 us by default) and not for each frame, which would take a whole core.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define FRAMES 16384 // in flight each way: 24 MB of full frames, 100 ms at 2 Gbit/s
#define FRAME_BYTES 1600
#define BATCH_US 250
#define IDLE_MS 1000
#define TIMER_SLACK_NS 20000ul

struct frame {
  uint64_t due;
  uint16_t length;
  uint8_t bytes[FRAME_BYTES];
};

// A ring of frames on their way; head and tail only grow.
struct direction {
  int from, to;
  uint32_t head, tail;
  uint64_t delay;
  struct frame *ring;
};

static volatile sig_atomic_t stopped;

static void stop(int signal) {
  (void)signal;
  stopped = 1;
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int open_tap(const char *name) {
  struct ifreq request;
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  memset(&request, 0, sizeof request);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0) {
    perror(name);
    exit(1);
  }
  return fd;
}

static void take_in(struct direction *way, uint64_t time) {
  uint8_t surplus[FRAME_BYTES];
  for (;;) {
    int full = way->head - way->tail >= FRAMES;
    struct frame *frame = &way->ring[way->head % FRAMES];
    ssize_t length = read(way->from, full ? surplus : frame->bytes, FRAME_BYTES);
    if (length <= 0) return;
    if (full) continue; // lost, as in any queue that is full
    frame->length = (uint16_t)length;
    frame->due = time + way->delay;
    way->head++;
  }
}

// Returns when the next frame is due, or 0 when there is none.
static uint64_t let_out(struct direction *way, uint64_t time) {
  while (way->tail != way->head) {
    struct frame *frame = &way->ring[way->tail % FRAMES];
    if (frame->due > time) return frame->due;
    // A device that takes no more loses the frame.
    if (write(way->to, frame->bytes, frame->length) < 0 && errno != EAGAIN) perror("write");
    way->tail++;
  }
  return 0;
}

int main(int count, char **arguments) {
  if (count < 4) {
    fprintf(stderr, "usage: delay TAP0 TAP1 MICROSECONDS [BATCH_MICROSECONDS]\n");
    return 2;
  }
  int a = open_tap(arguments[1]), b = open_tap(arguments[2]);
  uint64_t delay = strtoull(arguments[3], NULL, 10) * 1000;
  uint64_t batch = (count > 4 ? strtoull(arguments[4], NULL, 10) : BATCH_US) * 1000;
  struct direction ways[2] = {{.from = a, .to = b, .delay = delay}, {.from = b, .to = a, .delay = delay}};
  for (int i = 0; i < 2; i++) {
    ways[i].ring = malloc(sizeof(struct frame) * FRAMES);
    if (!ways[i].ring) return 1;
  }
  signal(SIGTERM, stop);
  signal(SIGINT, stop);
  prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);

  struct pollfd both[2] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
  struct timespec rest = {0, (long)batch};
  while (!stopped) {
    uint64_t next = 0;
    for (int i = 0; i < 2; i++) {
      uint64_t time = now();
      take_in(&ways[i], time);
      uint64_t due = let_out(&ways[i], time);
      if (due && (!next || due < next)) next = due;
    }
    if (!next) {
      poll(both, 2, IDLE_MS);
      continue;
    }
    uint64_t time = now(), wait = next > time ? next - time : 0;
    if (wait < batch) wait = batch;
    struct timespec limit = {(time_t)(wait / 1000000000u), (long)(wait % 1000000000u)};
    if (ppoll(both, 2, &limit, NULL) > 0) nanosleep(&rest, NULL);
  }
  return 0;
}
