/*
 * An encoded program, checked and laid open for the interpreter (docs/encoding.md; SPEC section 3).
 *
 * Nothing is copied: the views point into the batch memory, which nobody writes while a batch runs. Invariant: after
 * lockstep_program_read() returned NULL, every index that the interpreter takes from the words is in range.
 */
#ifndef LOCKSTEP_PROGRAM_H
#define LOCKSTEP_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lockstep_op_words {
  int32_t code;
  int32_t a;
  int32_t b;
};

struct lockstep_body_words {
  int32_t first_op;
  int32_t op_count;
  int32_t returns_low;
  int32_t returns_high;
};

struct lockstep_program {
  const struct lockstep_body_words *bodies; /* fibers, tasks, main, world */
  const struct lockstep_op_words *ops;
  uint32_t fibers;
  uint32_t tasks;
  uint32_t pipes;
  uint32_t op_count;
  uint32_t length_words;
  bool is_audited;          /* whether it is held to account for what it leaves behind, see audit.h */
  uint32_t ops_executed_max;
  uint32_t trace_words_max; /* what a trace of this program may take, its outcome included */
};

static inline uint32_t lockstep_program_main(const struct lockstep_program *program) {
  return program->fibers + program->tasks;
}

static inline uint32_t lockstep_program_world(const struct lockstep_program *program) {
  return program->fibers + program->tasks + 1;
}

/* A 64-bit integer of two words, low then high. */
static inline int64_t lockstep_join_words(int32_t low, int32_t high) {
  return (int64_t)((uint64_t)(uint32_t)high << 32 | (uint32_t)low);
}

/* The greatest length of a trace of the program whose header begins at `header`, its outcome included. */
uint32_t lockstep_program_trace_words_max(const int32_t *header);

/*
 * Reads the program that begins at `words`, of which at most `words_available` are there. Returns NULL, or what is
 * wrong with it: then `program` must not be run. Costs a few nanoseconds an op.
 */
const char *lockstep_program_read(struct lockstep_program *program, const int32_t *words, size_t words_available);

#endif
