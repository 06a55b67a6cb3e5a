/*
 * Gets a batch done whatever the runtime does: workers are started, watched, killed and replaced (SPEC sections 4, 5).
 */
#ifndef LOCKSTEP_SUPERVISOR_H
#define LOCKSTEP_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime_loader.h"
#include "template.h"
#include "worker.h"

struct lockstep_supervisor {
  struct lockstep_worker worker; /* what each worker is given */
  uint32_t hooks;
  int32_t time_limit_ms;      /* how long a program may go on without a record */
  uint64_t memory_limit_bytes; /* how much private memory a worker may have */
  bool is_subreaper; /* whether what a dead template leaves behind becomes a child of this process */
  /* Where workers come from. The warm template is there only while a warm-up has gone well. */
  struct lockstep_template fresh;
  struct lockstep_template warm;
  /*
   * Sleeps until `fd` is readable (-1: until a child ends) or `wait_ms` have passed. Returns whether it is readable. Ends
   * the process, and all under it, when the caller is gone.
   */
  bool (*alive)(int wait_ms, int fd);
};

/*
 * Makes ready for large batches by running the programs in the worker's memory once, unseen, in a process from which
 * the workers of such batches are then forked. To be called at most once. Where a program ends that process, or is not
 * done within the time limit, all stays as it was.
 */
void lockstep_supervisor_warm_up(struct lockstep_supervisor *supervisor);

/* Runs the batch in the worker's memory: when this returns, each of its programs has a closed trace. */
void lockstep_supervisor_run(struct lockstep_supervisor *supervisor);

#endif
