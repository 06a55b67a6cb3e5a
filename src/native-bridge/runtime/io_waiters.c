/*
 * io_waiters.c: fibers parked on file descriptors (I1, I2, the io part of F4).
 *
 * Invariant: by_fd[fd] == f exactly when f->waiting_fd == fd, f is suspended (or about to be), and fd is registered
 * with the readiness queue. Finding a waiter by fd and evicting one by fiber are both O(1).
 */
#include <stdlib.h>

#include "defects.h"
#include "must.h"
#include "panic.h"
#include "readiness.h"
#include "sched.h"

enum { capacity_first = 64 };

static lockstep_fiber *waiter_of(const struct sched_io_waiters *io, int32_t fd) {
  return fd >= 0 && (size_t)fd < io->capacity ? io->by_fd[fd] : NULL;
}

/* The table is as large as the largest fd in use, which the kernel keeps small. */
static bool reserve(struct sched_io_waiters *io, int32_t fd) {
  if ((size_t)fd < io->capacity) return true;
  size_t capacity = io->capacity == 0 ? capacity_first : io->capacity;
  while (capacity <= (size_t)fd) capacity *= 2;
  lockstep_fiber **by_fd = realloc(io->by_fd, capacity * sizeof *by_fd);
  if (by_fd == NULL) return false;
  for (size_t i = io->capacity; i < capacity; i++) by_fd[i] = NULL;
  io->by_fd = by_fd;
  io->capacity = capacity;
  return true;
}

static void record(struct sched_io_waiters *io, int32_t fd, lockstep_fiber *fiber) {
  LOCKSTEP_MUST(io->by_fd[fd] == NULL && fiber->waiting_fd == SCHED_FD_NONE, "one waiter per fd, one fd per waiter");
  io->by_fd[fd] = fiber;
  fiber->waiting_fd = fd;
  io->count++;
}

static void forget(struct sched_io_waiters *io, lockstep_fiber *fiber) {
  LOCKSTEP_MUST(waiter_of(io, fiber->waiting_fd) == fiber, "an io waiter is recorded under its fd");
  LOCKSTEP_MUST(io->count > 0, "an io waiter is counted");
  io->by_fd[fiber->waiting_fd] = NULL;
  fiber->waiting_fd = SCHED_FD_NONE;
  if (!SCHED_DEFECT(FORGET_KEEPS_COUNT)) io->count--;
}

void sched_block_on_fd(lockstep_sched *sched, int32_t fd, bool want_read) {
  struct sched_io_waiters *io = &sched->io;
  lockstep_fiber *fiber = sched->current;
  /* The order of these checks is I1's. */
  if (SCHED_DEFECT(BLOCK_CHECKS_DIRECTION_FIRST) && !want_read) sched_panic(sched, SCHED_PANIC_BLOCK_WRITE, 0);
  if (fiber == NULL) sched_panic(sched, SCHED_PANIC_BLOCK_OUTSIDE, 0);
  if (!want_read && !SCHED_DEFECT(BLOCK_WRITE_ALLOWED)) sched_panic(sched, SCHED_PANIC_BLOCK_WRITE, 0);
  if (waiter_of(io, fd) != NULL && !SCHED_DEFECT(BLOCK_SECOND_ALLOWED)) sched_panic(sched, SCHED_PANIC_BLOCK_SECOND, fd);
  if (io->queue == SCHED_READINESS_CLOSED) {
    io->queue = sched_readiness_open();
    if (io->queue == SCHED_READINESS_CLOSED) sched_panic(sched, SCHED_PANIC_READINESS_OPEN, 0);
  }
  if (!sched_readiness_add(io->queue, fd)) sched_panic(sched, SCHED_PANIC_READINESS_ADD, fd);
  /* Only now: the kernel has accepted fd, so it is neither negative nor huge. */
  if (!reserve(io, fd)) sched_panic(sched, SCHED_PANIC_NO_MEMORY_WAITER, 0);
  record(io, fd, fiber);
  sched_suspend_self(sched);
}

/*
 * The early wake (F4). The registration must go with the waiter: it would fire with nobody to wake, and the next block
 * on the same fd would fail.
 */
void sched_io_evict(lockstep_sched *sched, lockstep_fiber *fiber) {
  int32_t fd = fiber->waiting_fd;
  if (fd == SCHED_FD_NONE) return;
  forget(&sched->io, fiber);
  if (SCHED_DEFECT(EVICT_KEEPS_REGISTRATION)) return;
  if (sched->io.queue != SCHED_READINESS_CLOSED) sched_readiness_remove(sched->io.queue, fd);
}

void sched_io_close(lockstep_sched *sched) {
  if (sched->io.queue == SCHED_READINESS_CLOSED) return;
  if (!SCHED_DEFECT(DEINIT_LEAKS_QUEUE)) sched_readiness_close(sched->io.queue);
  sched->io.queue = SCHED_READINESS_CLOSED;
}

/* One event (I2): the waiter leaves, the spent registration goes, the fiber is woken. */
static void fire(lockstep_sched *sched, int32_t fd) {
  lockstep_fiber *fiber = waiter_of(&sched->io, fd);
  if (fiber != NULL && !SCHED_DEFECT(FIRE_LEAVES_WAITER_TO_WAKE)) forget(&sched->io, fiber);
  if (!SCHED_DEFECT(FIRE_KEEPS_REGISTRATION)) sched_readiness_remove(sched->io.queue, fd);
  if (fiber == NULL) return; /* an event with no waiter is dropped */
  LOCKSTEP_MUST(fiber->state == SCHED_FIBER_SUSPENDED, "an io waiter is suspended");
  sched_wake(sched, fiber);
}

void sched_io_wait(lockstep_sched *sched) {
  LOCKSTEP_MUST(sched->ready_head == NULL && sched->timers.count == 0, "fds are waited for last (T3)");
  LOCKSTEP_MUST(sched->io.queue != SCHED_READINESS_CLOSED, "io waiters have a readiness queue");
  if (sched->idle_hook != NULL) {
    sched_hook_enter(sched);
    sched->idle_hook(sched->idle_hook_context);
    sched_hook_leave(sched);
  }
  int32_t fds[SCHED_READINESS_EVENTS_MAX];
  int count = sched_readiness_wait(sched->io.queue, fds);
  if (count < 0) sched_panic(sched, SCHED_PANIC_READINESS_WAIT, 0);
  if (SCHED_DEFECT(BATCH_TAIL_DROPPED) && count == SCHED_READINESS_EVENTS_MAX) count--;
  if (SCHED_DEFECT(BATCH_ONLY_FIRST) && count > 1) count = 1;
  for (int i = 0; i < count; i++) fire(sched, fds[SCHED_DEFECT(BATCH_IN_REVERSE) ? count - 1 - i : i]);
}
