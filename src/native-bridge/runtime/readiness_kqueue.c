/*
 * readiness_kqueue.c: the readiness queue on macOS, and on Linux over a kqueue(2) of user space (I1, I2, I3, C5).
 *
 * EV_ONESHOT removes a registration when it fires, so nothing is left to remove then. After an early wake it lingers: the
 * next block on the fd takes it over, in the place that it has; else it fires once with nobody to wake, which takes one of
 * the events of that wait; else it goes with the fd, when that is closed. The model knows this order as its readiness
 * "kqueue". EV_EOF needs no care: an end of file is readable, with bytes before it or without.
 *
 * Source: kqueue(2) of macOS and FreeBSD; the darwin branches of the original scheduler.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <sys/event.h>
#include <unistd.h>

#include "context.h"
#include "defects.h"
#include "must.h"
#include "readiness.h"

const char sched_runtime_name[] = "sched-c " SCHED_ARCH_NAME "-" SCHED_SYSTEM_NAME " kqueue";
const char sched_readiness_add_failed[] = "sched: kevent() failed to register fd %" PRId64 " for read readiness";
const char sched_readiness_wait_failed[] = "sched: kevent() wait failed while blocking on fd readiness";

_Static_assert(SCHED_READINESS_CLOSED == -1, "kqueue reports failure as a closed queue");

static int change(int queue, int32_t fd, unsigned short flags) {
  struct kevent event;
  EV_SET(&event, fd, EVFILT_READ, flags, 0, 0, NULL);
  return kevent(queue, &event, 1, NULL, 0, NULL);
}

int sched_readiness_open(void) { return kqueue(); }

bool sched_readiness_add(int queue, int32_t fd) {
  LOCKSTEP_MUST(queue != SCHED_READINESS_CLOSED, "an fd is registered with an open queue");
  if (SCHED_DEFECT(KQUEUE_NOT_ONESHOT)) return change(queue, fd, EV_ADD | EV_ENABLE) == 0;
  /* libkqueue refuses to add what lingers, where kqueue(2) replaces it by its equal. */
  return change(queue, fd, EV_ADD | EV_ENABLE | EV_ONESHOT) == 0 || errno == EEXIST;
}

void sched_readiness_remove(int queue, int32_t fd) {
  LOCKSTEP_MUST(queue != SCHED_READINESS_CLOSED, "an fd is removed from an open queue");
  (void)fd; /* it has fired and is gone, or lingers */
  if (SCHED_DEFECT(KQUEUE_REMOVES_EARLY)) (void)change(queue, fd, EV_DELETE);
}

int sched_readiness_wait(int queue, int32_t fds[SCHED_READINESS_EVENTS_MAX]) {
  LOCKSTEP_MUST(queue != SCHED_READINESS_CLOSED, "a wait is on an open queue");
  struct kevent events[SCHED_READINESS_EVENTS_MAX];
  int count;
  do {
    count = kevent(queue, NULL, 0, events, SCHED_READINESS_EVENTS_MAX, NULL);
  } while (count < 0 && errno == EINTR); /* C5: a signal is no failure */
  int kept = 0;
  for (int i = 0; i < count; i++) {
    if (SCHED_DEFECT(KQUEUE_EOF_DROPPED) && (events[i].flags & EV_EOF)) continue;
    fds[kept++] = (int32_t)events[i].ident;
  }
  return count < 0 ? count : kept;
}

void sched_readiness_close(int queue) {
  LOCKSTEP_MUST(queue != SCHED_READINESS_CLOSED, "an open queue is closed");
  close(queue);
}
