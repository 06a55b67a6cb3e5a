/*
 * A worker: the process that runs programs of a batch, one after the other, until they are done or it dies.
 */
#ifndef LOCKSTEP_WORKER_H
#define LOCKSTEP_WORKER_H

#include <signal.h>
#include <sys/types.h>

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
 * Makes this process, freshly forked by the host, one that can run programs: limits, signals, output. It keeps nothing of
 * the host's but what is named here, standard input, which is nothing, and the descriptors below `kept_below`. What is
 * printed comes to the output only while it runs programs.
 */
void lockstep_worker_become(const struct lockstep_worker *worker, int kept_below);

/*
 * Runs the first `count` programs of the batch, whose traces nobody will read, and puts the desk's side of this process
 * back to its start. Ends the process when it is not as it was.
 */
void lockstep_worker_warm_up(const struct lockstep_worker *worker, uint32_t count);

/* Forks a worker off a process that has become one, bound to it. Returns as fork() does. */
pid_t lockstep_worker_fork(void);

/* Runs `count` programs, the first of which begins at `at_words` of the programs' area. Ends with the process. */
_Noreturn void lockstep_worker_run(const struct lockstep_worker *worker, uint32_t at_words, uint32_t count);

/* Ends the worker after its last trace is closed. From a signal's handler: as lockstep_surroundings_changed(). */
_Noreturn void lockstep_worker_leave(enum lockstep_leaving how, const sigset_t *interrupted_mask);

#endif
