/*
 * readiness_epoll.c: the readiness queue on Linux (I1, I2, I3, C5).
 *
 * EPOLLONESHOT only disables a registration when it fires. The caller therefore removes each fd that fired, or a later
 * block on it would fail with EEXIST.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "context.h"
#include "defects.h"
#include "must.h"
#include "readiness.h"

const char sched_runtime_name[] = "sched-c " SCHED_ARCH_NAME "-" SCHED_SYSTEM_NAME " epoll";
const char sched_readiness_add_failed[] = "sched: epoll_ctl() failed to register fd %" PRId64 " for read readiness";
const char sched_readiness_wait_failed[] = "sched: epoll_wait() failed while blocking on fd readiness";

_Static_assert(SCHED_READINESS_CLOSED == -1, "epoll_create1 reports failure as a closed queue");

int sched_readiness_open(void) { return epoll_create1(EPOLL_CLOEXEC); }

bool sched_readiness_add(int queue, int32_t fd) {
  LOCKSTEP_MUST(queue != SCHED_READINESS_CLOSED, "an fd is registered with an open queue");
  struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.fd = fd};
  if (SCHED_DEFECT(REGISTRATION_NOT_ONESHOT)) event.events = EPOLLIN;
  return epoll_ctl(queue, EPOLL_CTL_ADD, fd, &event) == 0;
}

void sched_readiness_remove(int queue, int32_t fd) {
  LOCKSTEP_MUST(queue != SCHED_READINESS_CLOSED, "an fd is removed from an open queue");
  /* Fails when the fd has been closed, and then the kernel has removed it already. */
  (void)epoll_ctl(queue, EPOLL_CTL_DEL, fd, NULL);
}

int sched_readiness_wait(int queue, int32_t fds[SCHED_READINESS_EVENTS_MAX]) {
  LOCKSTEP_MUST(queue != SCHED_READINESS_CLOSED, "a wait is on an open queue");
  struct epoll_event events[SCHED_READINESS_EVENTS_MAX];
  int count;
  do {
    count = epoll_wait(queue, events, SCHED_READINESS_EVENTS_MAX - SCHED_DEFECT(BATCH_ONE_SHORT), -1);
  } while (count < 0 && errno == EINTR && !SCHED_DEFECT(C5)); /* C5: a signal is no failure */
  for (int i = 0; i < count; i++) fds[i] = events[i].data.fd;
  return count;
}

void sched_readiness_close(int queue) {
  LOCKSTEP_MUST(queue != SCHED_READINESS_CLOSED, "an open queue is closed");
  close(queue);
}
