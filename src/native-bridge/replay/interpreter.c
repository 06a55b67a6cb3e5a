/*
 * The ops of the bodies (see interpreter.h).
 *
 * `repeat` is iterated and `call` recurses, so a body takes little of its stack beyond the frames that it asks for.
 * Every call of the runtime that may switch goes through checked_switch(), which owns three things: the call record,
 * the register check, and the notes in the batch about who runs.
 */
#include "interpreter.h"

#include <stdlib.h>

#include "checked_call.h"
#include "desk.h"
#include "overflow.h"
#include "pipes.h"

#include "must.h"

struct lockstep_interpreter lockstep_interpreter;

static struct lockstep_interpreter *const self = &lockstep_interpreter;

enum { CODE_PAGE_BYTES = 4096 };

/* An open repeat. */
struct loop {
  uint32_t first;
  uint32_t end;
  uint32_t left; /* passes, the one at hand included */
};

static int64_t now(void) {
  return self->deinited ? self->trace.clock_ms : self->runtime->now_ms(self->sched);
}

static void note_running(const struct lockstep_body *body) {
  self->trace.desk->in_run = 0;
  self->trace.desk->who = body->number;
}

static void ret(const struct lockstep_body *body, uint32_t at, enum lockstep_result result) {
  lockstep_trace_at(&self->trace, LOCKSTEP_KIND_RET, result, body->number, now(), at);
}

/*
 * Calls a function of the runtime that may switch: records the call, and a clobber when registers were lost. The
 * record of the ret is the caller's. Inlined where ops are run, and there once: after a switch the processor mispredicts
 * every return up to the loop, and the loop fits a page, see run_ops().
 */
static inline __attribute__((always_inline)) void checked_switch(const struct lockstep_body *body, uint32_t at,
                                                                 struct lockstep_checked_call *call) {
  call->pattern = body->pattern;
  lockstep_trace_at(&self->trace, LOCKSTEP_KIND_CALL, LOCKSTEP_RESULT_NONE, body->number, now(), at);
  self->trace.desk->in_run = self->main_in_run;
  const uint32_t lost = lockstep_checked_call(call);
  note_running(body);
  if (__builtin_expect(lost != 0, 0)) lockstep_trace_clobber(&self->trace, body->number, now(), at, lost);
}

/* The list is in order of arming; a body stands in it at most once. */
static void waiting_remove(uint32_t who) {
  struct lockstep_desk *desk = self->trace.desk;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < desk->waiting_count; i++) {
    if (desk->waiting[i].who != who) desk->waiting[kept++] = desk->waiting[i];
  }
  desk->waiting_count = kept;
}

/* One waiter a descriptor makes the list long enough; a runtime that lets in more is not to write past it. */
static void waiting_add(uint32_t who, uint32_t pipe) {
  struct lockstep_desk *desk = self->trace.desk;
  const uint32_t capacity = sizeof desk->waiting / sizeof desk->waiting[0];
  if (desk->waiting_count == capacity) return;
  desk->waiting[desk->waiting_count].who = who;
  desk->waiting[desk->waiting_count].pipe = pipe;
  desk->waiting_count++;
}

static bool is_main(const struct lockstep_body *body) { return body->number == self->bodies_count - 2; }

/* The record of a run that has returned. */
static __attribute__((noinline)) void ret_ran(const struct lockstep_body *body, uint32_t at) {
  const int64_t t = now();
  const int64_t spawned = self->runtime->n_spawned(self->sched);
  lockstep_trace_ret_ran(&self->trace, body->number, t, at, spawned, self->runtime->n_suspended(self->sched));
}

static void run_ops(const struct lockstep_body *body, uint32_t first, uint32_t end);

static void begin_body(struct lockstep_body *body) {
  note_running(body);
  lockstep_trace_edge(&self->trace, LOCKSTEP_KIND_BEGIN, body->number, now());
}

static void end_body(struct lockstep_body *body) {
  lockstep_trace_edge(&self->trace, LOCKSTEP_KIND_END, body->number, now());
  body->ended = true;
  self->ended_count++;
  self->trace.desk->in_run = self->main_in_run;
}

static void fiber_entry(void *argument) {
  struct lockstep_body *body = argument;
  begin_body(body);
  run_ops(body, 0, body->op_count);
  end_body(body);
}

static int64_t task_entry(void *argument) {
  struct lockstep_body *body = argument;
  body->fiber = self->runtime->current(self->sched);
  begin_body(body);
  run_ops(body, 0, body->op_count);
  end_body(body);
  return body->returns;
}

static enum lockstep_result start_op(struct lockstep_body *body, bool as_task) {
  if (body->started) return LOCKSTEP_RESULT_ALREADY;
  body->started = true;
  self->started_count++;
  if (as_task)
    body->task = self->runtime->go(self->sched, task_entry, body);
  else
    body->fiber = self->runtime->spawn(self->sched, fiber_entry, body);
  return LOCKSTEP_RESULT_SPAWNED;
}

static enum lockstep_result wake_op(const struct lockstep_body *body) {
  if (body->ended) return LOCKSTEP_RESULT_FINISHED;
  if (body->fiber == NULL) return LOCKSTEP_RESULT_UNSPAWNED;
  self->runtime->wake(self->sched, body->fiber);
  return LOCKSTEP_RESULT_CALLED;
}

static enum lockstep_result cancel_op(const struct lockstep_body *task) {
  if (!task->started) return LOCKSTEP_RESULT_UNSTARTED;
  self->runtime->cancel(task->task);
  return LOCKSTEP_RESULT_CALLED;
}

static void pipe_op(const struct lockstep_body *body, uint32_t at, const struct lockstep_op_words *op) {
  struct lockstep_pipe_result answer;
  if (op->code == LOCKSTEP_OP_WRITE)
    answer = lockstep_pipe_write((uint32_t)op->a, (uint32_t)op->b);
  else if (op->code == LOCKSTEP_OP_READ)
    answer = lockstep_pipe_read((uint32_t)op->a, (uint32_t)op->b);
  else
    answer = lockstep_pipe_close((uint32_t)op->a, op->b == 1);
  if (answer.corrupt) lockstep_trace_at(&self->trace, LOCKSTEP_KIND_CORRUPT, LOCKSTEP_RESULT_NONE, body->number, now(), at);
  if (answer.result == LOCKSTEP_RESULT_VALUE)
    lockstep_trace_ret_value(&self->trace, body->number, now(), at, answer.count);
  else
    ret(body, at, answer.result);
}

/* Two words of a canary, which every processor of ours writes and compares at once. */
typedef uint64_t lane __attribute__((vector_size(16)));
enum { LANE_WORDS = 2, LANES = LOCKSTEP_CALL_FRAME_BYTES / sizeof(lane), STEP = 4 /* lanes that differ from each other */ };

/*
 * Runs the ops `depth` frames of 1 KiB deeper. Returns whether the frames' contents survived. Four lanes stand in a frame
 * again and again, other ones in each frame and body: so each costs one store, and one exclusive or to compare.
 */
static __attribute__((noinline)) bool call_frames(const struct lockstep_body *body, uint32_t first, uint32_t end,
                                                  uint32_t depth) {
  lane canary[LANES];
  lane a = (lane){0, 1} + (body->pattern + depth * LANE_WORDS * STEP);
  lane b = a + LANE_WORDS, c = a + 2 * LANE_WORDS, d = a + 3 * LANE_WORDS;
  for (uint32_t i = 0; i < LANES; i += STEP) {
    canary[i] = a;
    canary[i + 1] = b;
    canary[i + 2] = c;
    canary[i + 3] = d;
  }
  __asm__ volatile("" : : "r"(canary) : "memory"); /* it lies in memory now, whatever the compiler knows of it */
  bool intact = true;
  if (depth > 1)
    intact = call_frames(body, first, end, depth - 1);
  else
    run_ops(body, first, end);
  __asm__ volatile("" : : "r"(canary) : "memory"); /* and is read from there */
  lane lost_a = {0, 0}, lost_b = {0, 0}, lost_c = {0, 0}, lost_d = {0, 0};
  a = (lane){0, 1} + (body->pattern + depth * LANE_WORDS * STEP);
  b = a + LANE_WORDS, c = a + 2 * LANE_WORDS, d = a + 3 * LANE_WORDS;
  for (uint32_t i = 0; i < LANES; i += STEP) {
    lost_a |= canary[i] ^ a;
    lost_b |= canary[i + 1] ^ b;
    lost_c |= canary[i + 2] ^ c;
    lost_d |= canary[i + 3] ^ d;
  }
  const lane lost = lost_a | lost_b | lost_c | lost_d;
  return intact && (lost[0] | lost[1]) == 0;
}

static void call_op(const struct lockstep_body *body, uint32_t at, const struct lockstep_op_words *op) {
  lockstep_desk->heartbeat++; /* frames take time and write no records */
  if (call_frames(body, at + 1, at + 1 + (uint32_t)op->b, (uint32_t)op->a)) return;
  lockstep_trace_clobber(&self->trace, body->number, now(), at, 1u << LOCKSTEP_CLOBBER_STACK_BIT);
}

/* The body that the op names. */
static struct lockstep_body *named(const struct lockstep_op_words *op) { return &self->bodies[op->a]; }

/*
 * Runs the ops from `first` up to `end` of the body, which hold whole repeats and calls. In one page of code, within which
 * qemu-user lets jumps lead on without looking up where to.
 */
static __attribute__((aligned(CODE_PAGE_BYTES))) void run_ops(const struct lockstep_body *body, uint32_t first, uint32_t end) {
  struct loop loops[LOCKSTEP_NESTING_MAX];
  uint32_t depth = 0;
  uint32_t stop = end;
  uint32_t at = first;
  for (;;) {
    while (at == stop) {
      if (depth == 0) return;
      if (--loops[depth - 1].left > 0) {
        at = loops[depth - 1].first;
      } else {
        depth--;
        stop = depth > 0 ? loops[depth - 1].end : end;
      }
    }
    const struct lockstep_op_words *op = &body->ops[at];
    enum lockstep_result result = LOCKSTEP_RESULT_NONE;
    struct lockstep_checked_call call = {.arguments = {(uint64_t)(uintptr_t)self->sched}};
    int64_t value = 0;
    /* One jump an op: which comes next is all that the processor has to guess. */
    switch (op->code) {
      case LOCKSTEP_OP_YIELD:
        call.function = (void (*)(void))self->runtime->yield_now;
        goto park;
      case LOCKSTEP_OP_SUSPEND:
        call.function = (void (*)(void))self->runtime->suspend_self;
        goto park;
      case LOCKSTEP_OP_SLEEP:
        call.function = (void (*)(void))self->runtime->sleep;
        call.arguments[1] = (uint64_t)lockstep_join_words(op->a, op->b);
        goto park;
      case LOCKSTEP_OP_WAIT:
        if (!named(op)->started) {
          result = LOCKSTEP_RESULT_UNSTARTED;
          break;
        }
        call.function = (void (*)(void))self->runtime->wait;
        call.arguments[0] = (uint64_t)(uintptr_t)named(op)->task;
        call.arguments[1] = (uint64_t)(uintptr_t)&value;
        goto park;
      case LOCKSTEP_OP_BLOCK:
      case LOCKSTEP_OP_BLOCK_WRITE:
        lockstep_pipe_open((uint32_t)op->a);
        if (op->code == LOCKSTEP_OP_BLOCK) waiting_add(body->number, (uint32_t)op->a);
        call.function = (void (*)(void))self->runtime->block_on_fd;
        call.arguments[1] = (uint64_t)(uint32_t)lockstep_pipe_read_fd((uint32_t)op->a);
        call.arguments[2] = op->code == LOCKSTEP_OP_BLOCK;
        goto park;
      case LOCKSTEP_OP_RUN:
        if (is_main(body)) self->main_in_run = true;
        call.function = (void (*)(void))self->runtime->run;
        goto park;
      park:
        checked_switch(body, at, &call);
        if (op->code == LOCKSTEP_OP_BLOCK) {
          waiting_remove(body->number);
        } else if (op->code == LOCKSTEP_OP_RUN) {
          if (is_main(body)) self->main_in_run = false;
          ret_ran(body, at++);
          continue;
        } else if (op->code == LOCKSTEP_OP_WAIT) {
          if ((int)call.result == 0) goto give;
          result = LOCKSTEP_RESULT_CANCELED;
        }
        break;
      case LOCKSTEP_OP_WAKE:
        result = wake_op(named(op));
        break;
      case LOCKSTEP_OP_SPAWN:
        result = start_op(named(op), false);
        break;
      case LOCKSTEP_OP_GO:
        result = start_op(named(op), true);
        break;
      case LOCKSTEP_OP_CANCEL:
        result = cancel_op(named(op));
        break;
      case LOCKSTEP_OP_DEINIT:
        self->runtime->deinit(self->sched);
        self->deinited = true;
        break;
      /* From here on: those that write their ret themselves, or have none. */
      case LOCKSTEP_OP_OVERFLOW:
        lockstep_overflow_run();
        self->overflowed();
        continue;
      case LOCKSTEP_OP_LOG:
        value = lockstep_join_words(op->a, op->b);
      give:
        lockstep_trace_ret_value(&self->trace, body->number, now(), at++, value);
        continue;
      case LOCKSTEP_OP_REPEAT:
        at++;
        if (op->a == 0 || op->b == 0) {
          at += (uint32_t)op->b;
          continue;
        }
        stop = at + (uint32_t)op->b;
        loops[depth++] = (struct loop){at, stop, (uint32_t)op->a};
        continue;
      case LOCKSTEP_OP_CALL:
        if (op->b != 0) call_op(body, at, op);
        at += 1 + (uint32_t)op->b;
        continue;
      default:
        pipe_op(body, at++, op);
        continue;
    }
    ret(body, at++, result);
  }
}

void lockstep_interpreter_load(const struct lockstep_program *program) {
  const uint32_t count = program->fibers + program->tasks + 2;
  if (count > self->bodies_capacity) {
    const uint32_t capacity = count < 64 ? 64 : count + count / 2;
    free(self->bodies);
    self->bodies = malloc(capacity * sizeof self->bodies[0]);
    LOCKSTEP_MUST(self->bodies != NULL, "no memory for the bodies of a program");
    self->bodies_capacity = capacity;
  }
  for (uint32_t number = 0; number < count; number++) {
    const struct lockstep_body_words *words = &program->bodies[number];
    const uint64_t spread = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    self->bodies[number] = (struct lockstep_body){
        .ops = program->ops + words->first_op,
        .op_count = (uint32_t)words->op_count,
        .number = number,
        .pattern = (spread & ~UINT64_C(3)) | (1 + number % 3), /* never the rounding mode that the process has */
        .returns = lockstep_join_words(words->returns_low, words->returns_high),
    };
  }
  self->bodies_count = count;
  self->started_count = 0;
  self->ended_count = 0;
  self->main_in_run = false;
  self->deinited = false;
  struct lockstep_desk *desk = self->trace.desk;
  desk->who = lockstep_program_main(program);
  desk->waiting_count = 0;
  desk->in_run = 0;
}

void lockstep_interpreter_run_main(void) {
  const struct lockstep_body *body = &self->bodies[self->bodies_count - 2];
  run_ops(body, 0, body->op_count);
}

void lockstep_interpreter_world_op(const struct lockstep_body *world, uint32_t at) {
  pipe_op(world, at, &world->ops[at]);
}
