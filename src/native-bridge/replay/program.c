/*
 * Checks an encoded program before it runs (see program.h).
 *
 * Programs come from our own encoder, so this is no parser with kind messages: it keeps a corrupt batch from becoming
 * a wild read inside a fiber, where it would look like a fault of the runtime.
 */
#include "program.h"

#include <stdbool.h>

#include "encoding.h"

enum {
  BODIES_MAX = 100000,
  /* SPEC section 3 counts ops as written; the main that a program leaves out comes on top: a spawn a fiber, run, deinit. */
  OPS_MAX = 1000000 + BODIES_MAX + 2,
  OPS_EXECUTED_MAX = 10000000 + BODIES_MAX + 2,
  REPEAT_TIMES_MAX = 1000000,
  CALL_FRAMES_MAX = 64
};

_Static_assert(sizeof(struct lockstep_op_words) == LOCKSTEP_PROGRAM_OP_WORDS * sizeof(int32_t), "an op is 3 words");
_Static_assert(sizeof(struct lockstep_body_words) == LOCKSTEP_PROGRAM_BODY_WORDS * sizeof(int32_t), "a row is 4 words");

/* What an operand may name. */
enum operand { ANYTHING, BODY, FIBER, TASK, PIPE, BYTES, END_OF_PIPE, OPERANDS };

/* From the first on, so many of them: 64-bit, so that no sum of them wraps. */
struct range {
  uint64_t first;
  uint64_t count;
};

/* What each op may have as a and b: where its range stands, in bytes. Nested ops are looked at one by one. */
#define RANGE(operand) ((operand) * sizeof(struct range))
static const struct {
  uint8_t a;
  uint8_t b;
} op_operands[LOCKSTEP_OP_DEINIT + 1] = {
    [LOCKSTEP_OP_WAKE] = {.a = RANGE(BODY)},
    [LOCKSTEP_OP_SPAWN] = {.a = RANGE(FIBER)},
    [LOCKSTEP_OP_GO] = {.a = RANGE(TASK)},
    [LOCKSTEP_OP_WAIT] = {.a = RANGE(TASK)},
    [LOCKSTEP_OP_CANCEL] = {.a = RANGE(TASK)},
    [LOCKSTEP_OP_BLOCK] = {.a = RANGE(PIPE)},
    [LOCKSTEP_OP_BLOCK_WRITE] = {.a = RANGE(PIPE)},
    [LOCKSTEP_OP_WRITE] = {RANGE(PIPE), RANGE(BYTES)},
    [LOCKSTEP_OP_READ] = {RANGE(PIPE), RANGE(BYTES)},
    [LOCKSTEP_OP_CLOSE] = {RANGE(PIPE), RANGE(END_OF_PIPE)},
};

/* What is said where an operand is not what it may be. */
static const char *const wrong_operands[OPERANDS] = {
    [BODY] = "an op names no fiber or task",
    [FIBER] = "an op names no fiber",
    [TASK] = "an op names no task",
    [PIPE] = "an op names no pipe",
    [BYTES] = "an op reads or writes too few or too many bytes",
    [END_OF_PIPE] = "a close names no end of a pipe",
};

#define OP_BIT(code) (UINT32_C(1) << (code))
#define OPS_NESTING (OP_BIT(LOCKSTEP_OP_REPEAT) | OP_BIT(LOCKSTEP_OP_CALL))
#define OPS_OF_FIBERS (OP_BIT(LOCKSTEP_OP_DEINIT + 1) - 1)
#define OPS_OF_MAIN (OPS_OF_FIBERS & ~(OP_BIT(LOCKSTEP_OP_CALL) | OP_BIT(LOCKSTEP_OP_OVERFLOW)))
#define OPS_OF_WORLD (OP_BIT(LOCKSTEP_OP_WRITE) | OP_BIT(LOCKSTEP_OP_CLOSE))

/* Repeats and calls that the op at hand stands in, the innermost last. Level 0 is the body. */
struct nesting {
  uint32_t depth;
  uint32_t frames; /* of call, on the path to here */
  struct {
    uint32_t end;
    uint32_t frames;
  } level[LOCKSTEP_NESTING_MAX + 1];
};

static bool in_range(int32_t value, uint32_t low, uint32_t end) {
  return (uint32_t)value >= low && (uint32_t)value < end && value >= 0;
}

/* Whether the operand is in the range that stands so many bytes behind the first. */
static inline bool is_within(int32_t value, const struct range *ranges, uint32_t at_bytes) {
  const struct range *range = (const struct range *)((const char *)ranges + at_bytes);
  return (uint32_t)value - range->first < range->count;
}

static __attribute__((noinline)) const char *check_nested(const struct lockstep_op_words *op, uint32_t at, struct nesting *nesting) {
  const uint32_t end = nesting->level[nesting->depth].end;
  if (op->b < 0 || (uint32_t)op->b > end - at - 1) return "nested ops reach past the end of their body";
  if (nesting->depth == LOCKSTEP_NESTING_MAX) return "ops are nested too deep";
  uint32_t frames = 0;
  if (op->code == LOCKSTEP_OP_CALL) {
    if (!in_range(op->a, 1, CALL_FRAMES_MAX + 1 - nesting->frames)) return "a call's depth is out of range";
    frames = (uint32_t)op->a;
  } else if (!in_range(op->a, 0, REPEAT_TIMES_MAX + 1)) {
    return "a repeat's times are out of range";
  }
  nesting->depth++;
  nesting->level[nesting->depth].end = at + 1 + (uint32_t)op->b;
  nesting->level[nesting->depth].frames = frames;
  nesting->frames += frames;
  return NULL;
}

/* Why a body, whose ops are those of the mask, may not have the op. */
static __attribute__((cold, noinline)) const char *not_allowed(uint32_t allowed) {
  if (allowed == OPS_OF_WORLD) return "world may write and close";
  return allowed == OPS_OF_MAIN ? "main may not call or overflow" : "an op has an unknown code";
}

static __attribute__((cold, noinline)) const char *wrong_operand(const struct lockstep_op_words *op,
                                                                 const struct range ranges[OPERANDS]) {
  const uint32_t a_bytes = op_operands[op->code].a;
  const uint32_t wrong_bytes = is_within(op->a, ranges, a_bytes) ? op_operands[op->code].b : a_bytes;
  return wrong_operands[wrong_bytes / sizeof(struct range)];
}

/* Looks at each op once. Few instructions: they are a tenth of what replaying a program takes. */
static const char *check_ops(const struct lockstep_op_words *ops, uint32_t count, uint32_t allowed,
                             const struct range ranges[OPERANDS]) {
  struct nesting nesting;
  nesting.depth = 0;
  nesting.frames = 0;
  nesting.level[0].end = count;
  uint32_t end = count; /* of the innermost nesting */
  for (uint32_t at = 0; at < count; at++) {
    while (__builtin_expect(end == at, 0)) {
      nesting.frames -= nesting.level[nesting.depth--].frames;
      end = nesting.level[nesting.depth].end;
    }
    const struct lockstep_op_words *op = &ops[at];
    const uint32_t code = (uint32_t)op->code;
    if (code > LOCKSTEP_OP_DEINIT || !(allowed >> code & 1)) return not_allowed(allowed);
    if (!is_within(op->a, ranges, op_operands[code].a)) return wrong_operand(op, ranges);
    if (!is_within(op->b, ranges, op_operands[code].b)) return wrong_operand(op, ranges);
    if (__builtin_expect(OPS_NESTING >> code & 1, 0)) {
      const char *wrong = check_nested(op, at, &nesting);
      if (wrong) return wrong;
      end = nesting.level[nesting.depth].end;
    }
  }
  return NULL;
}

static inline const char *check_body(const struct lockstep_program *program, uint32_t number, uint32_t allowed,
                                     const struct range ranges[OPERANDS]) {
  const struct lockstep_body_words *body = &program->bodies[number];
  if (!in_range(body->op_count, 0, program->op_count + 1)) return "a body has more ops than the program";
  if (!in_range(body->first_op, 0, program->op_count + 1 - (uint32_t)body->op_count)) return "a body has no such ops";
  return check_ops(program->ops + body->first_op, (uint32_t)body->op_count, allowed, ranges);
}

uint32_t lockstep_program_trace_words_max(const int32_t *header) {
  const uint32_t bodies =
      (uint32_t)header[LOCKSTEP_PROGRAM_WORD_FIBERS] + (uint32_t)header[LOCKSTEP_PROGRAM_WORD_TASKS] + 2;
  return LOCKSTEP_TRACE_WORDS_BASE + LOCKSTEP_TRACE_WORDS_PER_BODY * bodies +
         LOCKSTEP_TRACE_WORDS_PER_OP * (uint32_t)header[LOCKSTEP_PROGRAM_WORD_OPS_EXECUTED_MAX];
}

const char *lockstep_program_read(struct lockstep_program *program, const int32_t *words, size_t words_available) {
  if (words_available < LOCKSTEP_PROGRAM_HEADER_WORDS) return "a program's header is cut off";
  if (words[LOCKSTEP_PROGRAM_WORD_MAGIC] != LOCKSTEP_PROGRAM_MAGIC) return "a program does not begin with its magic";
  const int32_t fibers = words[LOCKSTEP_PROGRAM_WORD_FIBERS];
  const int32_t tasks = words[LOCKSTEP_PROGRAM_WORD_TASKS];
  const int32_t pipes = words[LOCKSTEP_PROGRAM_WORD_PIPES];
  const int32_t ops = words[LOCKSTEP_PROGRAM_WORD_OPS];
  const int32_t executed = words[LOCKSTEP_PROGRAM_WORD_OPS_EXECUTED_MAX];
  if (!in_range(fibers, 0, BODIES_MAX + 1)) return "a program has too many fibers";
  if (!in_range(tasks, 0, BODIES_MAX + 1 - (uint32_t)fibers)) return "a program has too many fibers and tasks";
  if (!in_range(pipes, 0, LOCKSTEP_PIPES_MAX + 1)) return "a program has too many pipes";
  if (!in_range(ops, 0, OPS_MAX + 1)) return "a program has too many ops";
  if (!in_range(executed, 0, OPS_EXECUTED_MAX + 1)) return "a program executes too many ops";

  const uint32_t bodies = (uint32_t)fibers + (uint32_t)tasks + 2;
  const uint32_t length =
      LOCKSTEP_PROGRAM_HEADER_WORDS + bodies * LOCKSTEP_PROGRAM_BODY_WORDS + (uint32_t)ops * LOCKSTEP_PROGRAM_OP_WORDS;
  if (words[LOCKSTEP_PROGRAM_WORD_LENGTH] != (int32_t)length) return "a program's length does not fit its parts";
  if (length > words_available) return "a program is cut off";

  program->bodies = (const struct lockstep_body_words *)(words + LOCKSTEP_PROGRAM_HEADER_WORDS);
  program->ops = (const struct lockstep_op_words *)(program->bodies + bodies);
  program->fibers = (uint32_t)fibers;
  program->tasks = (uint32_t)tasks;
  program->pipes = (uint32_t)pipes;
  program->op_count = (uint32_t)ops;
  program->length_words = length;
  program->is_audited = (words[LOCKSTEP_PROGRAM_WORD_FLAGS] & LOCKSTEP_PROGRAM_FLAG_AUDIT) != 0;
  program->ops_executed_max = (uint32_t)executed;
  program->trace_words_max = lockstep_program_trace_words_max(words);
  const struct range ranges[OPERANDS] = {
      [ANYTHING] = {0, UINT64_C(1) << 32},
      [BODY] = {0, program->fibers + program->tasks},
      [FIBER] = {0, program->fibers},
      [TASK] = {program->fibers, program->tasks},
      [PIPE] = {0, program->pipes},
      [BYTES] = {1, LOCKSTEP_PIPE_BYTES_MAX},
      [END_OF_PIPE] = {0, 2},
  };
  for (uint32_t number = 0; number < bodies; number++) {
    const uint32_t allowed = number < lockstep_program_main(program)    ? OPS_OF_FIBERS
                             : number == lockstep_program_main(program) ? OPS_OF_MAIN
                                                                        : OPS_OF_WORLD;
    const char *wrong = check_body(program, number, allowed, ranges);
    if (wrong) return wrong;
  }
  return NULL;
}
