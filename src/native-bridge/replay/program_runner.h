/*
 * Runs one program from a fresh scheduler to its outcome: creation, hooks, main, the world, the unseen deinit.
 */
#ifndef LOCKSTEP_PROGRAM_RUNNER_H
#define LOCKSTEP_PROGRAM_RUNNER_H

#include <stdint.h>

#include "../../../include/lockstep.h"
#include "program.h"

/* Once in a worker, before the first program. `memory` is the batch memory. */
void lockstep_program_runner_prepare(const lockstep_runtime *runtime, void *memory);

/*
 * Runs a program and closes its trace. Comes back whatever a healthy process can come back from; a fault, an exit or a
 * runaway trace ends the worker. Returns how many fibers the runtime may not have freed.
 */
uint32_t lockstep_program_run(const struct lockstep_program *program);

#endif
