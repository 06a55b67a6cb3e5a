/*
 * What this process holds (see holdings.h).
 *
 * Mappings are read from /proc/self/maps, which qemu-user answers itself: with the mappings of the guest, which are the
 * ones to count, and takes milliseconds for it. A glance asks the system how large all mappings are together.
 */
#include "holdings.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "encoding.h"
#include "process.h"

enum { BUFFER_BYTES = 64 * 1024, FREE_FDS = 8 };

/*
 * Descriptors are given out lowest first, so one that is kept moves the free numbers up: all that lie above it, but not
 * those below, which it may have left free for what a runtime opens and closes again. So the eighth is looked at.
 */
static uint64_t count_fds(void) {
  int free_fds[FREE_FDS];
  for (uint32_t i = 0; i < FREE_FDS; i++) free_fds[i] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
  for (uint32_t i = 0; i < FREE_FDS; i++) close(free_fds[i]);
  const int last = free_fds[FREE_FDS - 1];
  return last < 0 ? UINT64_MAX : (uint64_t)last - (FREE_FDS - 1);
}

#if defined(__SANITIZE_ADDRESS__) || !defined(__GLIBC__) || !__GLIBC_PREREQ(2, 33)

/* AddressSanitizer keeps what is freed, and other C libraries do not say how much is in use. */
struct lockstep_holdings lockstep_holdings_now(void) { return (struct lockstep_holdings){.fds = count_fds()}; }

struct lockstep_holdings lockstep_holdings_at_a_glance(void) { return lockstep_holdings_now(); }

#else

/* The size of the mapping that a line of maps tells of; 0 for the heap's. */
static uint64_t mapping_bytes(const char *line) {
  if (strstr(line, "[heap]")) return 0;
  char *rest;
  const uint64_t start = strtoull(line, &rest, 16);
  return *rest == '-' ? strtoull(rest + 1, NULL, 16) - start : 0;
}

static uint64_t sum_mappings(void) {
  static char buffer[BUFFER_BYTES + 1];
  const int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  uint64_t sum = 0;
  size_t kept = 0;
  for (ssize_t bytes; (bytes = read(fd, buffer + kept, BUFFER_BYTES - kept)) > 0;) {
    size_t filled = kept + (size_t)bytes;
    char *line = buffer;
    for (char *end; (end = memchr(line, '\n', filled - (size_t)(line - buffer))) != NULL; line = end + 1) {
      *end = 0;
      sum += mapping_bytes(line);
    }
    kept = filled - (size_t)(line - buffer);
    memmove(buffer, line, kept);
  }
  close(fd);
  return sum;
}

/* 0, as where nothing can be said of mappings, where the system did not say. */
static uint64_t without_heap(uint64_t mapped_bytes, uint64_t heap_bytes) {
  return mapped_bytes == 0 ? 0 : mapped_bytes - heap_bytes;
}

struct lockstep_holdings lockstep_holdings_now(void) {
  const struct mallinfo2 heap = mallinfo2();
  return (struct lockstep_holdings){
      .fds = count_fds(),
      .heap_bytes = heap.uordblks + heap.hblkhd,
      .mapped_bytes = without_heap(sum_mappings(), heap.hblkhd), /* large blocks of the heap are mappings of their own */
  };
}

struct lockstep_holdings lockstep_holdings_at_a_glance(void) {
  const struct mallinfo2 heap = mallinfo2();
  return (struct lockstep_holdings){
      .fds = count_fds(),
      .heap_bytes = heap.uordblks + heap.hblkhd,
      .mapped_bytes = without_heap(lockstep_mapped_bytes(getpid()), heap.arena + heap.hblkhd),
  };
}

#endif

uint32_t lockstep_holdings_grown(const struct lockstep_holdings *before, const struct lockstep_holdings *after,
                                 uint64_t slack_bytes) {
  uint32_t grown = 0;
  if (after->fds > before->fds) grown |= 1u << LOCKSTEP_LEAK_FDS_BIT;
  if (after->heap_bytes > before->heap_bytes + slack_bytes) grown |= 1u << LOCKSTEP_LEAK_HEAP_BIT;
  if (after->mapped_bytes > before->mapped_bytes + slack_bytes) grown |= 1u << LOCKSTEP_LEAK_MAPPINGS_BIT;
  return grown;
}
