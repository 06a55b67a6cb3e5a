/*
 * Runs one program from a fresh scheduler to its outcome: creation, hooks, main, the world, the unseen deinit.
 */
#ifndef LOCKSTEP_PROGRAM_RUNNER_H
#define LOCKSTEP_PROGRAM_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "../../../include/lockstep.h"
#include "program.h"

struct lockstep_program_ending {
  uint32_t unfreed_fibers; /* which the runtime may not have freed */
  uint32_t leaked;         /* what an audit found, bits of LOCKSTEP_LEAK_...; 0 without an audit */
};

/* Once in a worker, before the first program. */
void lockstep_program_runner_prepare(const lockstep_runtime *runtime);

/*
 * Runs a program and closes its trace. Comes back whatever a healthy process can come back from; a fault, an exit or a
 * runaway trace ends the worker; so does, in the last program of a worker, an overflow.
 *
 * A program that is audited and completes is run again, and again, unseen: whatever a runtime then holds more of with
 * each run is a leak, and whatever it keeps in a pool is not. The trace says `completed` all the same: it is for the
 * host to put a leak in its place, with what else it finds left behind.
 */
struct lockstep_program_ending lockstep_program_run(const struct lockstep_program *program, bool is_worker_last);

/* Whether such a program is left behind at this moment: whatever happens is nobody's. For the handler of a fault. */
bool lockstep_program_is_being_cleared(void);

/* Whether the worker can go on after a program that ends in a body, its trace closed. For the handler of a fault. */
bool lockstep_program_can_be_cleared(void);

#endif
