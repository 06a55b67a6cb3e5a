/*
 * kqueue_on_epoll.c: kqueue(2) for read readiness on Linux, where libkqueue is not installed.
 *
 * Stands in for the system in builds of readiness_kqueue.c, and only there. A queue is an epoll; a registration stands in
 * it once an fd. Kept from kqueue(2): adding what is there replaces it and keeps its place; EV_ONESHOT is removed as it is
 * delivered; closing an fd removes it; events come in the order in which they became active; an end of file is EV_EOF.
 * What nobody asks of it, other filters, EV_CLEAR, EV_RECEIPT, is refused with EINVAL.
 */
#include <errno.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/event.h>
#include <sys/ioctl.h>

enum { EVENTS_MAX = 64 };

/* What epoll keeps of a registration: the fd, and above it whether it is one-shot. */
static const uint64_t ONESHOT = UINT64_C(1) << 32;

int kqueue(void) { return epoll_create1(EPOLL_CLOEXEC); }

static int apply(int queue, const struct kevent *change) {
  const int fd = (int)change->ident;
  const unsigned known = EV_ADD | EV_DELETE | EV_ENABLE | EV_ONESHOT;
  if (change->filter != EVFILT_READ || (change->flags & ~known) != 0) {
    errno = EINVAL;
    return -1;
  }
  if (change->flags & EV_DELETE) return epoll_ctl(queue, EPOLL_CTL_DEL, fd, NULL);
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint32_t)fd};
  if (change->flags & EV_ONESHOT) {
    event.events |= EPOLLONESHOT;
    event.data.u64 |= ONESHOT;
  }
  if (epoll_ctl(queue, EPOLL_CTL_ADD, fd, &event) == 0) return 0;
  return errno == EEXIST ? epoll_ctl(queue, EPOLL_CTL_MOD, fd, &event) : -1;
}

/* What epoll has delivered, as kqueue tells it. A one-shot registration goes with its event. */
static struct kevent told(int queue, const struct epoll_event *ready) {
  const int fd = (int)(uint32_t)ready->data.u64;
  const bool is_oneshot = (ready->data.u64 & ONESHOT) != 0;
  if (is_oneshot) epoll_ctl(queue, EPOLL_CTL_DEL, fd, NULL);
  int bytes = 0;
  ioctl(fd, FIONREAD, &bytes);
  const unsigned flags = EV_ADD | (is_oneshot ? EV_ONESHOT : 0) | (ready->events & EPOLLHUP ? EV_EOF : 0);
  struct kevent event;
  EV_SET(&event, (uintptr_t)fd, EVFILT_READ, (uint16_t)flags, 0, bytes, NULL);
  return event;
}

int kevent(int queue, const struct kevent *changes, int change_count, struct kevent *events, int event_count,
           const struct timespec *timeout) {
  for (int i = 0; i < change_count; i++) {
    if (apply(queue, &changes[i]) != 0) return -1;
  }
  if (event_count <= 0) return 0;
  struct epoll_event ready[EVENTS_MAX];
  const int timeout_ms = timeout == NULL ? -1 : (int)(timeout->tv_sec * 1000 + timeout->tv_nsec / 1000000);
  const int count = epoll_wait(queue, ready, event_count < EVENTS_MAX ? event_count : EVENTS_MAX, timeout_ms);
  for (int i = 0; i < count; i++) events[i] = told(queue, &ready[i]);
  return count;
}
