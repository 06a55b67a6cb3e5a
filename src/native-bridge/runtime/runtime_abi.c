/*
 * runtime_abi.c: the one symbol that the library exports (SPEC section 5).
 *
 * The table holds the functions of sched.h as they are; the few that only read or set a field are here.
 */
#include "defects.h"
#include "lockstep.h"
#include "must.h"
#include "panic.h"
#include "readiness.h"
#include "sched.h"

static lockstep_fiber *current(lockstep_sched *sched) { return sched->current; }

/* After deinit it still answers with the last time, until the shell is used again. */
static int64_t now_ms(lockstep_sched *sched) { return sched->clock_ms; }

static int64_t n_spawned(lockstep_sched *sched) { return sched->n_spawned; }

static int64_t n_suspended(lockstep_sched *sched) { return sched->n_suspended; }

static void set_idle_hook(lockstep_sched *sched, void (*hook)(void *), void *context) {
  LOCKSTEP_MUST(sched->alive, "a hook is set before deinit");
  sched->idle_hook = hook;
  sched->idle_hook_context = context;
}

static const lockstep_runtime runtime = {
    .abi = LOCKSTEP_RUNTIME_ABI,
    .name = sched_runtime_name,
    .create = sched_create,
    .deinit = sched_deinit,
    .spawn = sched_spawn,
    .current = current,
    .yield_now = sched_yield_now,
    .suspend_self = sched_suspend_self,
    .wake = sched_wake,
    .now_ms = now_ms,
    .sleep = sched_sleep,
    .block_on_fd = sched_block_on_fd,
    .run = sched_run,
    .n_spawned = n_spawned,
    .n_suspended = n_suspended,
    .go = sched_go,
    .wait = sched_wait,
    .cancel = sched_cancel,
    /* The hook lets the world act right before each wait, so that none ever blocks. C5 needs one that does. */
    .set_idle_hook = SCHED_DEFECT(C5) ? NULL : set_idle_hook,
    .set_panic_hook = sched_set_panic_hook,
};

__attribute__((visibility("default"))) const lockstep_runtime *lockstep_runtime_v1(void) { return &runtime; }
