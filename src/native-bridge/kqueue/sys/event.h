/*
 * event.h: what readiness_kqueue.c uses of <sys/event.h>, for a Linux without libkqueue.
 *
 * Names, types and numbers are those of macOS and FreeBSD, so that one source compiles against this, against libkqueue
 * and against the system's own. kqueue_on_epoll.c implements it. Source: kqueue(2).
 */
#ifndef SCHED_KQUEUE_EVENT_H
#define SCHED_KQUEUE_EVENT_H

#include <stdint.h>
#include <time.h>

#define EVFILT_READ (-1)

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ENABLE 0x0004
#define EV_ONESHOT 0x0010
#define EV_EOF 0x8000

struct kevent {
  uintptr_t ident;
  int16_t filter;
  uint16_t flags;
  uint32_t fflags;
  intptr_t data;
  void *udata;
};

#define EV_SET(event, ident, filter, flags, fflags, data, udata) \
  (*(event) = (struct kevent){(ident), (filter), (flags), (fflags), (data), (udata)})

int kqueue(void);

/* Changes first, then, with room for events, a wait. */
int kevent(int queue, const struct kevent *changes, int change_count, struct kevent *events, int event_count,
           const struct timespec *timeout);

#endif
