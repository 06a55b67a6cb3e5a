/*
 * Our scheduler, but every create() of a process after the first gives one that counts a fiber too many: a program fails in a batch, but for the
 * batch's first, and agrees when it is replayed alone.
 *
 * Built as test/native/hostile-runtime.c is.
 */
#include "lockstep.h"

#undef lockstep_runtime_v1
const lockstep_runtime *sched_runtime_v1(void);

static const lockstep_runtime *good;
static lockstep_runtime counting;
static int created;

static lockstep_sched *create(void) {
  created++;
  return good->create();
}

static int64_t n_spawned(lockstep_sched *sched) { return good->n_spawned(sched) + (created > 1 ? 1 : 0); }

__attribute__((visibility("default"))) const lockstep_runtime *lockstep_runtime_v1(void) {
  good = sched_runtime_v1();
  counting = *good;
  counting.create = create;
  counting.n_spawned = n_spawned;
  return &counting;
}
