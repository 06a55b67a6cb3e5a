/*
 * One program, from create() to its outcome (see program_runner.h; SPEC sections 3, 4 and 5).
 *
 * A panic and an io-hang end a program in the middle of the runtime, on any stack: their hooks write the outcome where
 * they stand and longjmp back to lockstep_program_run(), and that scheduler is never touched again (lockstep.h allows
 * both). A fiber that overflows its stack is brought to panic, and left the same way. No mask of signals is saved, and
 * the landing puts the floating-point control words right.
 */
#include "program_runner.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "checked_call.h"
#include "desk.h"
#include "holdings.h"
#include "interpreter.h"
#include "pipes.h"
#include "stack_jump.h"
#include "worker.h"

/*
 * An audit runs a program again: a few times until pools are as full as they get, then as often as makes one block lost
 * a run show also where a runtime takes 64 at a time. Both bounded by the work that it is. The first runs also fill what
 * the C library keeps back of freed memory: glibc up to seven blocks of a size, one a run where a runtime frees its last
 * scheduler in create().
 */
enum { AUDIT_WARM_RUNS = 16, AUDIT_RUNS_MAX = 80, AUDIT_OPS = 100000, AUDITED_OPS_MAX = 1000000 };

static struct lockstep_interpreter *const interpreter = &lockstep_interpreter;
static jmp_buf landing;
static uint32_t world_at; /* the next op of the world */
static bool is_unseen;    /* whether the run is an audit's, whose trace has ended already */
static bool is_clearing;  /* whether a program whose trace is closed is being cleared away */
static bool is_last;      /* whether the worker runs no other program after this */

static _Noreturn void leave_program(void) {
  lockstep_stack_jump_leave();
  _longjmp(landing, 1);
}

/* Instead of print and abort. */
static void on_panic(const char *message) {
  const size_t bytes = strlen(message);
  if (!is_unseen && !is_clearing) lockstep_trace_panic(&interpreter->trace, message, bytes);
  leave_program();
}

static bool has_readable_waiter(const struct lockstep_desk *desk) {
  for (uint32_t i = 0; i < desk->waiting_count; i++) {
    if (lockstep_pipe_readable(&desk->pipes[desk->waiting[i].pipe])) return true;
  }
  return false;
}

/* Before each wait of I2: the world acts while nobody who waits could be woken. */
static void on_idle(void *context) {
  (void)context;
  if (is_clearing) lockstep_worker_leave(LOCKSTEP_LEFT_EARLY, NULL);
  const struct lockstep_body *world = &interpreter->bodies[interpreter->bodies_count - 1];
  while (!has_readable_waiter(lockstep_desk)) {
    if (world_at == world->op_count) {
      if (!is_unseen) lockstep_trace_io_hang(&interpreter->trace);
      leave_program();
    }
    lockstep_interpreter_world_op(world, world_at++);
  }
}

/* A trace beyond its limit: the runtime runs bodies that it should not, and no scheduler of it is to be trusted. */
static void on_trace_full(void) {
  if (is_clearing) lockstep_worker_leave(LOCKSTEP_LEFT_EARLY, NULL);
  if (is_unseen) leave_program();
  lockstep_trace_timeout(&interpreter->trace);
  lockstep_worker_leave(LOCKSTEP_LEFT_EARLY, NULL);
}

bool lockstep_program_is_being_cleared(void) { return is_clearing; }

bool lockstep_program_can_be_cleared(void) {
  return !is_unseen && !is_last && interpreter->runtime->set_panic_hook != NULL;
}

/*
 * A fiber stands where it overflowed, on a scheduler that is to be given up. There is one way to do that on any runtime:
 * it panics, and its hook is not returned from. A negative sleep panics (T1). Where it does not, the first record that
 * anybody writes ends the worker, as the call's return does. Where it dies of it, the host runs this program again, as the
 * last of a worker, and the next one in another.
 */
static void on_overflow(void) {
  lockstep_trace_shut(&interpreter->trace);
  is_clearing = true;
  interpreter->runtime->sleep(interpreter->sched, -1);
  lockstep_worker_leave(LOCKSTEP_LEFT_EARLY, NULL);
}

void lockstep_program_runner_prepare(const lockstep_runtime *runtime) {
  interpreter->runtime = runtime;
  interpreter->overflowed = on_overflow;
  interpreter->trace = lockstep_trace_writer_over(lockstep_desk, on_trace_full);
  lockstep_stack_jump_prepare();
  if (runtime->set_panic_hook) runtime->set_panic_hook(on_panic);
}

/* From create() to deinit(). Returns whether it got there, and did not leave by a hook. */
static bool run_once(const struct lockstep_program *program) {
  const lockstep_runtime *runtime = interpreter->runtime;
  lockstep_pipes_begin(program->pipes);
  lockstep_interpreter_load(program);
  world_at = 0;
  if (_setjmp(landing) != 0) {
    lockstep_stack_jump_landed();
    lockstep_control_words_reset();
    is_clearing = false;
    return false;
  }
  interpreter->sched = runtime->create();
  if (interpreter->sched == NULL) abort(); /* no panic, no scheduler: the trace shows a crash */
  if (runtime->set_idle_hook) runtime->set_idle_hook(interpreter->sched, on_idle, NULL);
  lockstep_interpreter_run_main();
  if (!interpreter->deinited) runtime->deinit(interpreter->sched);
  return true;
}

/* Runs the program once more, for what it leaves behind. */
static bool run_unseen(const struct lockstep_program *program) {
  lockstep_desk->heartbeat++;
  lockstep_trace_begin_unseen(&interpreter->trace);
  is_unseen = true;
  const bool completed = run_once(program);
  is_unseen = false;
  lockstep_trace_rewind(&interpreter->trace);
  return completed;
}

/* What a program that has completed holds more with each run, as bits of LOCKSTEP_LEAK_... */
static uint32_t audit(const struct lockstep_program *program) {
  const uint32_t ops = program->ops_executed_max + program->fibers + program->tasks + 1;
  if (ops > AUDITED_OPS_MAX) return 0;
  uint32_t runs = AUDIT_OPS / ops < AUDIT_RUNS_MAX ? AUDIT_OPS / ops + 1 : AUDIT_RUNS_MAX;
  for (int run = 0; run < AUDIT_WARM_RUNS; run++) {
    if (!run_unseen(program)) return 0;
  }
  const struct lockstep_holdings before = lockstep_holdings_now();
  while (runs-- > 0 && run_unseen(program)) continue;
  const struct lockstep_holdings after = lockstep_holdings_now();
  return lockstep_holdings_grown(&before, &after, 0);
}

struct lockstep_program_ending lockstep_program_run(const struct lockstep_program *program, bool is_worker_last) {
  is_last = is_worker_last;
  if (!interpreter->runtime->set_idle_hook && program->bodies[lockstep_program_world(program)].op_count != 0)
    lockstep_desk_refuse("a program with a world on a runtime without an idle hook");
  const uint32_t room = lockstep_desk_trace_words - interpreter->trace.written.end_words;
  if (program->trace_words_max > room) lockstep_desk_refuse("the trace of a program does not fit the desk");

  lockstep_trace_begin(&interpreter->trace, program->trace_words_max);
  if (!run_once(program)) return (struct lockstep_program_ending){.unfreed_fibers = interpreter->started_count};
  const uint32_t unfreed_fibers = interpreter->started_count - interpreter->ended_count;
  const uint32_t leaked = program->is_audited ? audit(program) : 0;
  lockstep_trace_completed(&interpreter->trace);
  return (struct lockstep_program_ending){unfreed_fibers, leaked};
}
