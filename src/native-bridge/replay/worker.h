/*
 * A worker: the process that runs programs of a batch, one after the other, until they are done or it dies.
 */
#ifndef LOCKSTEP_WORKER_H
#define LOCKSTEP_WORKER_H

#include <signal.h>

#include "../../../include/lockstep.h"
#include "desk.h"
#include "output.h"

struct lockstep_worker {
  const lockstep_runtime *runtime;
  void *memory; /* of batch.h; a worker reads its programs */
  struct lockstep_desk *desk;
  struct lockstep_output *output;
};

/*
 * Runs `count` programs, the first of which begins at `at_words` of the programs' area. To be called in a process
 * freshly forked by the host, which keeps nothing of the host's but what is named here. Ends with the process.
 */
_Noreturn void lockstep_worker_run(const struct lockstep_worker *worker, uint32_t at_words, uint32_t count);

/* Ends the worker after its last trace is closed. From a signal's handler: as lockstep_surroundings_changed(). */
_Noreturn void lockstep_worker_leave(enum lockstep_leaving how, int handled_signal, const sigset_t *interrupted_mask);

#endif
