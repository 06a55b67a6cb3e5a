/*
 * libkqueue_kept.c: keeps one queue of libkqueue for the life of the process, in builds of readiness_kqueue.c over it.
 *
 * libkqueue hears of a closed queue late or never: version 2.0.3 never frees it, and 2.3.1 frees it on a thread of its own,
 * some time later. Either looks like a leak of the runtime, and is none of its. So the linker hands the runtime's calls
 * to the wrappers below (ld --wrap): closing a queue takes every registration out of it, opening one gives it out again,
 * and the thread starts when the replayer sets the panic hook, before it looks at what a program may not change.
 *
 * A second queue at the same time is libkqueue's own affair.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/event.h>

int __real_kqueue(void);
int __wrap_kqueue(void);
int __real_kevent(int queue, const struct kevent *changes, int change_count, struct kevent *events, int event_count,
                  const struct timespec *timeout);
int __wrap_kevent(int queue, const struct kevent *changes, int change_count, struct kevent *events, int event_count,
                  const struct timespec *timeout);
int __real_close(int fd);
int __wrap_close(int fd);
void __real_sched_set_panic_hook(void (*hook)(const char *message));
void __wrap_sched_set_panic_hook(void (*hook)(const char *message));

enum { FDS_MAX = 65536 };

static int kept = -1;
static bool is_lent;
static int added[FDS_MAX]; /* fds that were added since it was lent, each once */
static int added_count;
static bool is_added[FDS_MAX];

static void keep(void) {
  if (kept == -1) kept = __real_kqueue();
}

void __wrap_sched_set_panic_hook(void (*hook)(const char *message)) {
  keep();
  __real_sched_set_panic_hook(hook);
}

int __wrap_kqueue(void) {
  keep();
  if (is_lent || kept == -1) return __real_kqueue();
  is_lent = true;
  return kept;
}

int __wrap_kevent(int queue, const struct kevent *changes, int change_count, struct kevent *events, int event_count,
                  const struct timespec *timeout) {
  const int answer = __real_kevent(queue, changes, change_count, events, event_count, timeout);
  for (int i = 0; queue == kept && answer == 0 && i < change_count; i++) {
    const uintptr_t fd = changes[i].ident;
    if (fd >= FDS_MAX || is_added[fd]) continue;
    is_added[fd] = true;
    added[added_count++] = (int)fd;
  }
  return answer;
}

int __wrap_close(int fd) {
  if (fd != kept || !is_lent) return __real_close(fd);
  while (added_count > 0) {
    const int left = added[--added_count];
    is_added[left] = false;
    struct kevent event;
    EV_SET(&event, (uintptr_t)left, EVFILT_READ, EV_DELETE, 0, 0, NULL);
    __real_kevent(kept, &event, 1, NULL, 0, NULL); /* fails for what has fired, and for what was closed */
  }
  is_lent = false;
  return 0;
}
