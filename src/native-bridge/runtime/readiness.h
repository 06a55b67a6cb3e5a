/*
 * readiness.h: the readiness queue of the operating system, behind five functions (I1, I2).
 *
 * One file per backend implements it, chosen by the build: readiness_epoll.c on Linux, readiness_kqueue.c on macOS and
 * over any kqueue(2) on Linux. What a backend guarantees: a registration is one-shot and for reading; wait delivers in
 * the order of the queue (I3), at most SCHED_READINESS_EVENTS_MAX at a time, and is not disturbed by signals (C5).
 */
#ifndef SCHED_READINESS_H
#define SCHED_READINESS_H

#include <stdbool.h>
#include <stdint.h>

#define SCHED_READINESS_EVENTS_MAX 16 /* MAXEV */
#define SCHED_READINESS_CLOSED (-1)

#if defined(__linux__)
#define SCHED_SYSTEM_NAME "linux"
#elif defined(__APPLE__)
#define SCHED_SYSTEM_NAME "macos"
#else
#error "the native scheduler has no readiness queue for this system"
#endif

/* The runtime's name, for people: it ends in the backend's. */
extern const char sched_runtime_name[];

/* The two panics that name a system call, as formats of panic.c: the first takes the fd as an int64_t. */
extern const char sched_readiness_add_failed[];
extern const char sched_readiness_wait_failed[];

/* The new queue, or SCHED_READINESS_CLOSED. It is not inherited across exec. */
int sched_readiness_open(void);

/* Registers fd for one event of read readiness. False if the system refuses. */
bool sched_readiness_add(int queue, int32_t fd);

/*
 * Called after fd fired and after its waiter was woken early; a registration that lingers all the same may be added anew
 * or fire with nobody to wake. Harmless for an fd that is closed or was never added.
 */
void sched_readiness_remove(int queue, int32_t fd);

/* Waits without time limit. How many fds were written to fds, in the order delivered, or -1. */
int sched_readiness_wait(int queue, int32_t fds[SCHED_READINESS_EVENTS_MAX]);

void sched_readiness_close(int queue);

#endif
