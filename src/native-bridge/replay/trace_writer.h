/*
 * Writes the records of a trace straight into the batch memory (SPEC section 4, docs/encoding.md).
 *
 * All state lies in the batch, so that the host goes on where a dead worker stopped. A record is written first and
 * cursor_words moved after, so what lies before the cursor is always whole records. The outcome closes a trace: it sets
 * trace_end and moves `current` on. An outcome takes the time of the record before it: on a healthy runtime no clock
 * moves without a record, and a dead one cannot be asked.
 */
#ifndef LOCKSTEP_TRACE_WRITER_H
#define LOCKSTEP_TRACE_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "batch.h"
#include "encoding.h"

struct lockstep_trace_writer {
  struct lockstep_batch *batch;
  int32_t *words;       /* of all traces */
  uint32_t *trace_end;  /* of each program */
  uint32_t limit_words; /* of the program at hand: no record may end beyond it, counted from `words` */
  void (*full)(void);   /* called instead of writing beyond the limit; does not return */
};

enum {
  LOCKSTEP_RECORD_WORDS_MAX = 10,   /* of all but the outcome: a ret of run with its t */
  LOCKSTEP_OUTCOME_WORDS_KEPT = 8,  /* left free below the limit for the shortest outcomes */
  LOCKSTEP_PANIC_BYTES_MAX = 4096   /* of a message; longer ones are cut, also where the trace has no room */
};

/* A writer over the batch memory that begins at `memory`. */
struct lockstep_trace_writer lockstep_trace_writer_over(void *memory, void (*full)(void));

/* Sets the limit for the program at hand and the clock that its first record is held against. */
void lockstep_trace_begin(struct lockstep_trace_writer *writer, uint32_t words_max);

/* How many words the traces of one batch may take together. */
uint32_t lockstep_trace_area_words(void);

void lockstep_trace_completed(struct lockstep_trace_writer *writer);
void lockstep_trace_panic(struct lockstep_trace_writer *writer, const char *message, size_t bytes);
void lockstep_trace_stack_overflow(struct lockstep_trace_writer *writer, uint32_t who);
void lockstep_trace_io_hang(struct lockstep_trace_writer *writer);
void lockstep_trace_crash(struct lockstep_trace_writer *writer, int32_t signal_or_exit, uint32_t who);
void lockstep_trace_timeout(struct lockstep_trace_writer *writer);

/* t of the last record of the program at hand, 0 before the first. */
static inline int64_t lockstep_trace_clock(const struct lockstep_trace_writer *writer) {
  return (int64_t)((uint64_t)writer->batch->clock_high << 32 | writer->batch->clock_low);
}

static inline int32_t *lockstep_trace_open(struct lockstep_trace_writer *writer, uint32_t kind, uint32_t result,
                                           uint32_t who, int64_t t) {
  struct lockstep_batch *batch = writer->batch;
  if (__builtin_expect(batch->cursor_words + LOCKSTEP_RECORD_WORDS_MAX > writer->limit_words, 0)) writer->full();
  int32_t *word = writer->words + batch->cursor_words;
  const uint32_t header = kind | result << LOCKSTEP_HEADER_RESULT_SHIFT | who << LOCKSTEP_HEADER_WHO_SHIFT;
  if (__builtin_expect(t == lockstep_trace_clock(writer), 1)) {
    *word++ = (int32_t)header;
    return word;
  }
  batch->clock_low = (uint32_t)t;
  batch->clock_high = (uint32_t)((uint64_t)t >> 32);
  *word++ = (int32_t)(header | LOCKSTEP_HEADER_CLOCK_BIT);
  *word++ = (int32_t)batch->clock_low;
  *word++ = (int32_t)batch->clock_high;
  return word;
}

static inline int32_t *lockstep_trace_int64(int32_t *word, int64_t value) {
  *word++ = (int32_t)(uint32_t)(uint64_t)value;
  *word++ = (int32_t)(uint32_t)((uint64_t)value >> 32);
  return word;
}

static inline void lockstep_trace_commit(struct lockstep_trace_writer *writer, const int32_t *word) {
  writer->batch->cursor_words = (uint32_t)(word - writer->words);
}

/* begin, end */
static inline void lockstep_trace_edge(struct lockstep_trace_writer *writer, uint32_t kind, uint32_t who, int64_t t) {
  lockstep_trace_commit(writer, lockstep_trace_open(writer, kind, 0, who, t));
}

/* call, corrupt */
static inline void lockstep_trace_at(struct lockstep_trace_writer *writer, uint32_t kind, uint32_t who, int64_t t,
                                     uint32_t at) {
  int32_t *word = lockstep_trace_open(writer, kind, 0, who, t);
  *word++ = (int32_t)at;
  lockstep_trace_commit(writer, word);
}

/* `registers_lost`: the bits of docs/encoding.md */
static inline void lockstep_trace_clobber(struct lockstep_trace_writer *writer, uint32_t who, int64_t t, uint32_t at,
                                          uint32_t registers_lost) {
  int32_t *word = lockstep_trace_open(writer, LOCKSTEP_KIND_CLOBBER, 0, who, t);
  *word++ = (int32_t)at;
  *word++ = (int32_t)registers_lost;
  lockstep_trace_commit(writer, word);
}

/* A ret whose result has no payload. */
static inline void lockstep_trace_ret(struct lockstep_trace_writer *writer, uint32_t who, int64_t t, uint32_t at,
                                      enum lockstep_result result) {
  int32_t *word = lockstep_trace_open(writer, LOCKSTEP_KIND_RET, result, who, t);
  *word++ = (int32_t)at;
  lockstep_trace_commit(writer, word);
}

static inline void lockstep_trace_ret_value(struct lockstep_trace_writer *writer, uint32_t who, int64_t t, uint32_t at,
                                            int64_t value) {
  int32_t *word = lockstep_trace_open(writer, LOCKSTEP_KIND_RET, LOCKSTEP_RESULT_VALUE, who, t);
  *word++ = (int32_t)at;
  lockstep_trace_commit(writer, lockstep_trace_int64(word, value));
}

static inline void lockstep_trace_ret_ran(struct lockstep_trace_writer *writer, uint32_t who, int64_t t, uint32_t at,
                                          int64_t spawned, int64_t suspended) {
  int32_t *word = lockstep_trace_open(writer, LOCKSTEP_KIND_RET, LOCKSTEP_RESULT_RAN, who, t);
  *word++ = (int32_t)at;
  word = lockstep_trace_int64(word, t);
  word = lockstep_trace_int64(word, spawned);
  lockstep_trace_commit(writer, lockstep_trace_int64(word, suspended));
}

#endif
