/*
 * A worker: the process that runs the programs of a batch, one after the other, until they are done or it dies.
 */
#ifndef LOCKSTEP_WORKER_H
#define LOCKSTEP_WORKER_H

#include "../../../include/lockstep.h"
#include "output.h"
#include "worker_state.h"

/*
 * Runs the programs from batch->current on. To be called in a process freshly forked by the host, which keeps nothing
 * of the host's but what is named here. Ends with the process.
 */
struct lockstep_worker {
  const lockstep_runtime *runtime;
  void *memory; /* of batch.h */
  struct lockstep_worker_state *state;
  struct lockstep_output *output;
  uint32_t first_words; /* where in the programs' area the first program begins */
};

_Noreturn void lockstep_worker_run(const struct lockstep_worker *worker);

#endif
