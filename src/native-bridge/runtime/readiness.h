/*
 * readiness.h: the readiness queue of the operating system, behind five functions (I1, I2).
 *
 * One file per backend implements it, chosen by the build: readiness_epoll.c on Linux. What a backend guarantees:
 * a registration is one-shot and for reading; wait delivers in the order of the queue (I3), at most
 * SCHED_READINESS_EVENTS_MAX at a time, and is not disturbed by signals (C5).
 */
#ifndef SCHED_READINESS_H
#define SCHED_READINESS_H

#include <stdbool.h>
#include <stdint.h>

#define SCHED_READINESS_EVENTS_MAX 16 /* MAXEV */
#define SCHED_READINESS_CLOSED (-1)

/* For the runtime's name. */
#if defined(__linux__)
#define SCHED_READINESS_PLATFORM "linux epoll"
#elif defined(__APPLE__)
#define SCHED_READINESS_PLATFORM "macos kqueue"
#else
#error "the native scheduler has no readiness queue for this system"
#endif

/* The two panics that name a system call, as formats of panic.c: the first takes the fd as an int64_t. */
extern const char sched_readiness_add_failed[];
extern const char sched_readiness_wait_failed[];

/* The new queue, or SCHED_READINESS_CLOSED. It is not inherited across exec. */
int sched_readiness_open(void);

/* Registers fd for one event of read readiness. False if the system refuses. */
bool sched_readiness_add(int queue, int32_t fd);

/* Forgets fd after it fired or its waiter was woken early. Harmless for an fd that is closed or was never added. */
void sched_readiness_remove(int queue, int32_t fd);

/* Waits without time limit. How many fds were written to fds, in the order delivered, or -1. */
int sched_readiness_wait(int queue, int32_t fds[SCHED_READINESS_EVENTS_MAX]);

void sched_readiness_close(int queue);

#endif
