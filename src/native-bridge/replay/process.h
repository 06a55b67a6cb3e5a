/*
 * Processes and descriptors, for the host and its workers.
 */
#ifndef LOCKSTEP_PROCESS_H
#define LOCKSTEP_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Milliseconds of a clock that only goes forward. */
int64_t lockstep_monotonic_ms(void);

/* Closes every descriptor from `first` on but `kept`; -1 keeps none. */
void lockstep_close_from(int first, int kept);

/*
 * Forks a child that dies with its parent and leads a process group of its own. Returns as fork() does; a child whose
 * parent is gone already ends here.
 */
pid_t lockstep_fork_bound(void);

/*
 * Kills the process group of a child (0: none is known), and every other process that is our child or has become it
 * since (we are a subreaper), until none is left or a second has passed. Returns whether there was any.
 */
bool lockstep_kill_strays(pid_t group);

/*
 * Kills every other process that has the file of `fd` as its standard output or error and is younger than `since`, a
 * process of which it may stem (0: of any age). For a system without subreapers (qemu-user 7.2): there, what a dead worker
 * left behind is known by nothing else. Returns whether there was any.
 */
bool lockstep_kill_holders(int fd, pid_t since);

/*
 * The memory that the process has for itself, in bytes: resident, without what it shares. 0 when it cannot be told.
 * Under qemu-user the emulator's own is in it, some tens of MiB.
 */
uint64_t lockstep_private_bytes(pid_t pid);

/* The size of all mappings of a process, under qemu-user the emulator's own too; 0 when it cannot be told. */
uint64_t lockstep_mapped_bytes(pid_t pid);

/* Whether the process sleeps in the kernel (state S), as one does that waits for descriptors. */
bool lockstep_is_asleep(pid_t pid);

#endif
