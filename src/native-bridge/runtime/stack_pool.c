/*
 * stack_pool.c: guarded stacks carved from large mappings (F1, C7, M1).
 *
 * Invariants: a stack leaves the pool only with its guard armed, and a guard is never disarmed. Chunks are not carved
 * ahead, so a guard that cannot be armed costs the fiber that asked, not the stacks already there.
 *
 * Guards are page table markers where the kernel has them (MADV_GUARD_INSTALL, Linux 6.13): 100,000 of them live in a
 * few dozen mappings. Elsewhere mprotect splits a mapping in two for each stack, and vm.max_map_count ends it at
 * about 32,750 stacks a process (docs/troubleshooting.md). Both survive a fork.
 */
#include "stack_pool.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "annotate.h"
#include "defects.h"
#include "must.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef MAP_STACK
#define MAP_STACK 0 /* macOS has no huge pages to ask against */
#endif

enum { chunk_stacks_min = 64, chunk_stacks_max = 256, colors = 16, color_bytes = 256 };

static struct {
  size_t guard_bytes; /* 0 until the page size is known */
  enum { GUARD_UNPROBED, GUARD_MADVISE, GUARD_MPROTECT } guard_method;
  size_t carved;    /* stacks there are */
  char *chunk_next; /* the next stack to carve, its guard first */
  size_t chunk_left;
  size_t chunk_stacks; /* how many stacks the next chunk has */
} pool = {.chunk_stacks = chunk_stacks_min};

#if SCHED_DEFECT(C7)
static char *chunk_base; /* stands for a page boundary */
#endif

static size_t page_bytes(void) { return SCHED_DEFECT(C7) ? 65536 : (size_t)sysconf(_SC_PAGESIZE); }

static size_t guard_bytes(void) {
  if (pool.guard_bytes == 0) {
    size_t page = page_bytes();
    LOCKSTEP_MUST(page > 0 && (page & (page - 1)) == 0, "the page size is a power of two");
    LOCKSTEP_MUST(SCHED_STACK_USABLE_BYTES % page == 0, "the usable stack is whole pages");
    pool.guard_bytes = SCHED_DEFECT(C7) ? SCHED_STACK_GUARD_BYTES_MIN : (SCHED_STACK_GUARD_BYTES_MIN + page - 1) & ~(page - 1);
  }
  return pool.guard_bytes;
}

size_t sched_stack_total_bytes(void) { return guard_bytes() + SCHED_STACK_USABLE_BYTES; }

/* Colors take a page of 4 KiB. Where pages are larger, so would that be which each stack has for them, and there is one color. */
static size_t colors_room_bytes(void) {
  size_t room = (size_t)colors * color_bytes;
  return room % page_bytes() == 0 ? room : 0;
}

/* From one stack of a chunk to the next: what it must have, and room for its color. */
static size_t stride_bytes(void) { return sched_stack_total_bytes() + colors_room_bytes(); }

static size_t color_of(size_t stack) { return colors_room_bytes() == 0 ? 0 : stack % colors * color_bytes; }

/*
 * MAP_NORESERVE, since few fibers use all of their stack. MAP_STACK asks for no huge pages, which would make a fiber
 * that touches 4 KiB resident with 2 MiB.
 */
static void *map_stacks(size_t count) {
  return mmap(NULL, count * stride_bytes(), PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
}

/* A new chunk to carve, twice the size of the last one up to the maximum; a single stack where that much is not left. */
static bool map_chunk(void) {
  LOCKSTEP_MUST(pool.chunk_left == 0, "a chunk is carved to its end before the next one is mapped");
  size_t count = pool.chunk_stacks;
  void *base = map_stacks(count);
  if (base == MAP_FAILED) {
    count = 1;
    base = map_stacks(count);
  }
  if (base == MAP_FAILED) return false;
#if SCHED_DEFECT(C7)
  chunk_base = base;
#endif
  pool.chunk_next = base;
  pool.chunk_left = count;
  if (pool.chunk_stacks < chunk_stacks_max) pool.chunk_stacks *= 2;
  return true;
}

/* Whether the kernel refuses to read this address. A system call reports in EFAULT what would be a SIGSEGV here. */
static bool is_unreadable(const void *address) {
  int ends[2];
  if (pipe(ends) != 0) return false;
  bool unreadable = write(ends[1], address, 1) < 0 && errno == EFAULT;
  close(ends[0]);
  close(ends[1]);
  return unreadable;
}

/*
 * Arms one guard. The method is probed on the first guard of the process, by its effect and not by its result:
 * qemu-user 7.2 answers 0 to an madvise that it does not know, and does nothing.
 */
static bool arm_guard(void *guard) {
  size_t bytes = guard_bytes();
#if SCHED_DEFECT(C7)
  /* 16 KiB are whole pages where a page is 4 or 16 KiB. So this build has pages of 64 KiB: no kernel protects a part of one. */
  if ((size_t)((char *)guard - chunk_base) % page_bytes() != 0) return false;
#endif
  if (pool.guard_method == GUARD_UNPROBED) {
    bool works = madvise(guard, bytes, MADV_GUARD_INSTALL) == 0 && is_unreadable(guard);
    pool.guard_method = works ? GUARD_MADVISE : GUARD_MPROTECT;
  }
  if (pool.guard_method == GUARD_MADVISE && madvise(guard, bytes, MADV_GUARD_INSTALL) == 0) return true;
  return mprotect(guard, bytes, PROT_NONE) == 0;
}

enum sched_stack_result sched_stack_carve(void **top) {
  LOCKSTEP_MUST(top != NULL, "a stack is taken by someone");
  if (pool.chunk_left == 0 && !map_chunk()) return SCHED_STACK_NO_MEMORY;
  if (!SCHED_DEFECT(GUARD_NOT_ARMED) && !arm_guard(pool.chunk_next)) return SCHED_STACK_NO_GUARD;

  pool.chunk_next += stride_bytes();
  pool.chunk_left--;
  *top = pool.chunk_next - color_of(pool.carved) - 8 * SCHED_DEFECT(STACK_TOP_MISALIGNED);
  pool.carved++;
  SCHED_ANNOTATE_STACK_NEW((char *)*top - SCHED_STACK_USABLE_BYTES, SCHED_STACK_USABLE_BYTES);
  LOCKSTEP_MUST((uintptr_t)*top % 16 == 0, "the top of a stack is a multiple of 16");
  return SCHED_STACK_OK;
}
