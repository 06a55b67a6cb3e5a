/*
 * Writes the records of a trace straight onto the desk (SPEC section 4, docs/encoding.md).
 *
 * What the writer goes by is memory of its own; the desk is told after each record, so that the host goes on where a
 * dead worker stopped. The outcome closes a trace and leaves its mark. An outcome takes the time of the record before
 * it: on a healthy runtime no clock moves without a record, and a dead one cannot be asked.
 */
#ifndef LOCKSTEP_TRACE_WRITER_H
#define LOCKSTEP_TRACE_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "desk.h"
#include "encoding.h"

struct lockstep_trace_writer {
  struct lockstep_desk *desk;
  int32_t *words; /* the desk's traces */
  struct lockstep_mark written; /* of the trace at hand: where the next record goes, and the checksum so far */
  struct lockstep_mark *published; /* where `written` is told after each record */
  int64_t clock_ms;     /* t of the last record of the program at hand, 0 before the first */
  uint32_t closed;      /* traces closed by this writer and those before it */
  uint32_t limit_words; /* of the trace at hand: no record may end beyond it, counted from `words` */
  void (*full)(void);   /* called instead of writing beyond the limit; does not return */
};

enum {
  LOCKSTEP_RECORD_WORDS_MAX = 10,   /* of all but the outcome: a ret of run with its t */
  LOCKSTEP_OUTCOME_WORDS_KEPT = 8,  /* left free below the limit for the shortest outcomes */
  LOCKSTEP_PANIC_BYTES_MAX = 4096   /* of a message; longer ones are cut, also where the trace has no room */
};

/* A writer of the traces of a desk, that begins with its first. */
struct lockstep_trace_writer lockstep_trace_writer_over(struct lockstep_desk *desk, void (*full)(void));

/* Begins the trace of the program at hand, which may take `words_max`. */
void lockstep_trace_begin(struct lockstep_trace_writer *writer, uint32_t words_max);

/* Begins a trace that nobody will read, in the room behind the one at hand, which lockstep_trace_rewind() takes up. */
void lockstep_trace_begin_unseen(struct lockstep_trace_writer *writer);
void lockstep_trace_rewind(struct lockstep_trace_writer *writer);

/* Lets no more records be written before the next begins: whoever tries calls `full`. */
static inline void lockstep_trace_shut(struct lockstep_trace_writer *writer) { writer->limit_words = 0; }

/* The checksum of the words from `start` up to `end`. */
uint64_t lockstep_trace_checksum(const int32_t *words, uint32_t start, uint32_t end);

void lockstep_trace_completed(struct lockstep_trace_writer *writer);
void lockstep_trace_panic(struct lockstep_trace_writer *writer, const char *message, size_t bytes);
void lockstep_trace_stack_overflow(struct lockstep_trace_writer *writer, uint32_t who);
void lockstep_trace_io_hang(struct lockstep_trace_writer *writer);
void lockstep_trace_crash(struct lockstep_trace_writer *writer, int32_t signal_or_exit, uint32_t who);
void lockstep_trace_timeout(struct lockstep_trace_writer *writer);
void lockstep_trace_leak(struct lockstep_trace_writer *writer, uint32_t what);

/* A record on its way into the trace: where its next word goes, and the checksum up to there. */
struct lockstep_record {
  int32_t *word;
  uint64_t checksum;
  uint64_t factor; /* of the next word in the checksum */
};

static inline void lockstep_record_put(struct lockstep_record *record, uint32_t word) {
  *record->word++ = (int32_t)word;
  record->checksum = lockstep_checksum_add(record->checksum, record->factor, word);
  record->factor += LOCKSTEP_CHECKSUM_STEP;
}

static inline void lockstep_record_put_int64(struct lockstep_record *record, int64_t value) {
  lockstep_record_put(record, (uint32_t)(uint64_t)value);
  lockstep_record_put(record, (uint32_t)((uint64_t)value >> 32));
}

/* The record begins behind the one before it. */
static inline struct lockstep_record lockstep_record_next(const struct lockstep_trace_writer *writer) {
  const uint32_t at = writer->written.end_words;
  return (struct lockstep_record){writer->words + at, writer->written.checksum, lockstep_checksum_factor(at)};
}

static inline struct lockstep_record lockstep_record_open(struct lockstep_trace_writer *writer, uint32_t kind,
                                                          uint32_t result, uint32_t who, int64_t t) {
  if (__builtin_expect(writer->written.end_words + LOCKSTEP_RECORD_WORDS_MAX > writer->limit_words, 0)) writer->full();
  struct lockstep_record record = lockstep_record_next(writer);
  const uint32_t header = kind | result << LOCKSTEP_HEADER_RESULT_SHIFT | who << LOCKSTEP_HEADER_WHO_SHIFT;
  if (__builtin_expect(t == writer->clock_ms, 1)) {
    lockstep_record_put(&record, header);
  } else {
    writer->clock_ms = t;
    lockstep_record_put(&record, header | LOCKSTEP_HEADER_CLOCK_BIT);
    lockstep_record_put_int64(&record, t);
  }
  return record;
}

static inline void lockstep_record_close(struct lockstep_trace_writer *writer, struct lockstep_record record) {
  const uint32_t end_words = (uint32_t)(record.word - writer->words);
  /* Field by field: a copy of the whole would have to wait for the two stores before it. */
  writer->written.checksum = record.checksum;
  writer->written.end_words = end_words;
  writer->published->checksum = record.checksum;
  writer->published->end_words = end_words;
}

/* begin, end */
static inline void lockstep_trace_edge(struct lockstep_trace_writer *writer, uint32_t kind, uint32_t who, int64_t t) {
  lockstep_record_close(writer, lockstep_record_open(writer, kind, 0, who, t));
}

/* call, corrupt, and a ret whose result has no payload */
static inline void lockstep_trace_at(struct lockstep_trace_writer *writer, uint32_t kind, enum lockstep_result result,
                                     uint32_t who, int64_t t, uint32_t at) {
  struct lockstep_record record = lockstep_record_open(writer, kind, result, who, t);
  lockstep_record_put(&record, at);
  lockstep_record_close(writer, record);
}

/* `registers_lost`: the bits of docs/encoding.md */
static inline void lockstep_trace_clobber(struct lockstep_trace_writer *writer, uint32_t who, int64_t t, uint32_t at,
                                          uint32_t registers_lost) {
  struct lockstep_record record = lockstep_record_open(writer, LOCKSTEP_KIND_CLOBBER, 0, who, t);
  lockstep_record_put(&record, at);
  lockstep_record_put(&record, registers_lost);
  lockstep_record_close(writer, record);
}

static inline void lockstep_trace_ret_value(struct lockstep_trace_writer *writer, uint32_t who, int64_t t, uint32_t at,
                                            int64_t value) {
  struct lockstep_record record = lockstep_record_open(writer, LOCKSTEP_KIND_RET, LOCKSTEP_RESULT_VALUE, who, t);
  lockstep_record_put(&record, at);
  lockstep_record_put_int64(&record, value);
  lockstep_record_close(writer, record);
}

static inline void lockstep_trace_ret_ran(struct lockstep_trace_writer *writer, uint32_t who, int64_t t, uint32_t at,
                                          int64_t spawned, int64_t suspended) {
  struct lockstep_record record = lockstep_record_open(writer, LOCKSTEP_KIND_RET, LOCKSTEP_RESULT_RAN, who, t);
  lockstep_record_put(&record, at);
  lockstep_record_put_int64(&record, t);
  lockstep_record_put_int64(&record, spawned);
  lockstep_record_put_int64(&record, suspended);
  lockstep_record_close(writer, record);
}

#endif
