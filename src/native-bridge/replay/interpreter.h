/*
 * Interprets the bodies of one program over a runtime's C ABI and writes what they see (SPEC sections 3 and 4).
 *
 * A body of a fiber or task runs on the stack that the runtime gives it; parking is what the runtime makes of it. The
 * TypeScript twin is src/sim/interpreter.ts: it must write the same records for the same op, in the same order.
 * One process interprets one program at a time, so the state is one static object; its arrays serve all programs of a
 * batch. program_runner.c runs a whole program, hooks and outcome included.
 */
#ifndef LOCKSTEP_INTERPRETER_H
#define LOCKSTEP_INTERPRETER_H

#include <stdbool.h>
#include <stdint.h>

#include "../../../include/lockstep.h"
#include "program.h"
#include "trace_writer.h"

struct lockstep_body {
  const struct lockstep_op_words *ops;
  uint32_t op_count;
  uint32_t number;
  uint64_t pattern;      /* of its registers and canaries; differs from body to body */
  lockstep_fiber *fiber; /* NULL while no handle is known */
  lockstep_task *task;
  int64_t returns;
  bool started; /* by spawn or go */
  bool ended;
};

struct lockstep_interpreter {
  const lockstep_runtime *runtime;
  lockstep_sched *sched;
  struct lockstep_trace_writer trace;
  struct lockstep_body *bodies;
  uint32_t bodies_capacity;
  uint32_t bodies_count;
  uint32_t started_count; /* fibers and tasks */
  uint32_t ended_count;
  bool main_in_run;
  void (*overflowed)(void); /* called in a fiber whose stack has been taken back after its overflow; does not return */
  bool deinited; /* then the runtime is never called again, but for deinit itself */
};

extern struct lockstep_interpreter lockstep_interpreter;

/* Lays out the bodies of a program, all of them not started. O(bodies). */
void lockstep_interpreter_load(const struct lockstep_program *program);

/* Runs main, on the caller's stack. The scheduler must have been created. */
void lockstep_interpreter_run_main(void);

/* Does one op of the world. */
void lockstep_interpreter_world_op(const struct lockstep_body *world, uint32_t at);

#endif
