/*
 * What a program must leave in its process as it found it: signals, timers, threads, children, the working directory,
 * umask, resource limits, and the harness's own descriptors.
 *
 * A worker runs many programs and looks once, when it leaves: where something has changed, its traces count for nothing
 * and the host runs the programs again in smaller groups, down to the one that did it (supervisor.c).
 */
#ifndef LOCKSTEP_SURROUNDINGS_H
#define LOCKSTEP_SURROUNDINGS_H

#include <signal.h>
#include <stdint.h>

/* Takes note of how things are. Once in a worker, when it is ready to run programs. `output_fd` is to stay open. */
void lockstep_surroundings_note(int output_fd);

/*
 * What has changed since, as bits of LOCKSTEP_LEAK_... In the handler of a signal: the mask that it interrupted; else
 * NULL. Calls nothing that a handler may not.
 */
uint32_t lockstep_surroundings_changed(const sigset_t *interrupted_mask);

#endif
