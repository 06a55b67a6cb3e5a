/*
 * One program, from create() to its outcome (see program_runner.h; SPEC sections 3, 4 and 5).
 *
 * A panic and an io-hang end a program in the middle of the runtime, on any stack: their hooks write the outcome where
 * they stand and longjmp back to lockstep_program_run(), and that scheduler is never touched again (lockstep.h allows
 * both). No mask of signals is saved, and the landing puts the floating-point control words right.
 */
#include "program_runner.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checked_call.h"
#include "interpreter.h"
#include "pipes.h"
#include "stack_jump.h"
#include "worker_state.h"

#include "must.h"

static struct lockstep_interpreter *const interpreter = &lockstep_interpreter;
static jmp_buf landing;
static uint32_t world_at; /* the next op of the world */

static _Noreturn void leave_program(void) {
  lockstep_stack_jump_leave();
  _longjmp(landing, 1);
}

/* Instead of print and abort. */
static void on_panic(const char *message) {
  lockstep_trace_panic(&interpreter->trace, message, strlen(message));
  leave_program();
}

static bool has_readable_waiter(const struct lockstep_batch *batch) {
  for (uint32_t i = 0; i < batch->waiting_count; i++) {
    if (lockstep_pipe_readable(&lockstep_worker_state->pipes[batch->waiting[i].pipe])) return true;
  }
  return false;
}

/* Before each wait of I2: the world acts while nobody who waits could be woken. */
static void on_idle(void *context) {
  (void)context;
  const struct lockstep_body *world = &interpreter->bodies[interpreter->bodies_count - 1];
  while (!has_readable_waiter(interpreter->trace.batch)) {
    if (world_at == world->op_count) {
      lockstep_trace_io_hang(&interpreter->trace);
      leave_program();
    }
    lockstep_interpreter_world_op(world, world_at++);
  }
}

/* A trace beyond its limit: the runtime runs bodies that it should not, and no scheduler of it is to be trusted. */
static void on_trace_full(void) {
  lockstep_trace_timeout(&interpreter->trace);
  lockstep_worker_state->handed_over = 1;
  _exit(0);
}

void lockstep_program_runner_prepare(const lockstep_runtime *runtime, void *memory) {
  interpreter->runtime = runtime;
  interpreter->trace = lockstep_trace_writer_over(memory, on_trace_full);
  lockstep_stack_jump_prepare();
  if (runtime->set_panic_hook) runtime->set_panic_hook(on_panic);
}

uint32_t lockstep_program_run(const struct lockstep_program *program) {
  const lockstep_runtime *runtime = interpreter->runtime;
  const struct lockstep_batch *batch = interpreter->trace.batch;
  LOCKSTEP_MUST(runtime->set_idle_hook || program->bodies[lockstep_program_world(program)].op_count == 0,
                "a program with a world on a runtime without an idle hook");
  LOCKSTEP_MUST(batch->cursor_words + program->trace_words_max <= lockstep_trace_area_words(),
                "the traces of a batch do not fit the shared memory");

  lockstep_pipes_begin(program->pipes);
  lockstep_interpreter_load(program);
  world_at = 0;
  lockstep_trace_begin(&interpreter->trace, program->trace_words_max);
  lockstep_worker_state->limit_words = interpreter->trace.limit_words;

  if (_setjmp(landing) != 0) {
    lockstep_stack_jump_landed();
    lockstep_control_words_reset();
    return interpreter->started_count;
  }
  interpreter->sched = runtime->create();
  if (interpreter->sched == NULL) abort(); /* no panic, no scheduler: the trace shows a crash */
  if (runtime->set_idle_hook) runtime->set_idle_hook(interpreter->sched, on_idle, NULL);
  lockstep_interpreter_run_main();
  if (!interpreter->deinited) runtime->deinit(interpreter->sched);
  lockstep_trace_completed(&interpreter->trace);
  return interpreter->started_count - interpreter->ended_count;
}
