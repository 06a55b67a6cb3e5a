/*
 * The outcomes of a trace and its limits (see trace_writer.h).
 *
 * Used by the worker, by its fault handler and, after the worker's death, by the host; so nothing here allocates or
 * calls what a signal handler may not.
 */
#include "trace_writer.h"

#include <string.h>

struct lockstep_trace_writer lockstep_trace_writer_over(void *memory, void (*full)(void)) {
  char *bytes = memory;
  struct lockstep_trace_writer writer = {
      .batch = memory,
      .words = (int32_t *)(bytes + LOCKSTEP_TRACES_OFFSET),
      .trace_end = (uint32_t *)(bytes + LOCKSTEP_INDEX_OFFSET),
      .full = full,
  };
  return writer;
}

uint32_t lockstep_trace_area_words(void) { return LOCKSTEP_TRACES_BYTES_MAX / sizeof(int32_t); }

void lockstep_trace_begin(struct lockstep_trace_writer *writer, uint32_t words_max) {
  writer->limit_words = writer->batch->cursor_words + words_max - LOCKSTEP_OUTCOME_WORDS_KEPT;
  writer->batch->clock_low = 0;
  writer->batch->clock_high = 0;
}

static int32_t *open_outcome(struct lockstep_trace_writer *writer, enum lockstep_outcome outcome, uint32_t who) {
  int32_t *word = writer->words + writer->batch->cursor_words;
  *word++ = (int32_t)(LOCKSTEP_KIND_OUTCOME | outcome << LOCKSTEP_HEADER_RESULT_SHIFT | who << LOCKSTEP_HEADER_WHO_SHIFT);
  return word;
}

/* How many words an outcome's payload may take after `word`. */
static uint32_t room_after(const struct lockstep_trace_writer *writer, const int32_t *word) {
  return writer->limit_words + LOCKSTEP_OUTCOME_WORDS_KEPT - (uint32_t)(word - writer->words);
}

static void close_trace(struct lockstep_trace_writer *writer, const int32_t *word) {
  struct lockstep_batch *batch = writer->batch;
  lockstep_trace_commit(writer, word);
  writer->trace_end[batch->current] = batch->cursor_words;
  __atomic_store_n(&batch->current, batch->current + 1, __ATOMIC_RELEASE);
}

void lockstep_trace_completed(struct lockstep_trace_writer *writer) {
  close_trace(writer, open_outcome(writer, LOCKSTEP_OUTCOME_COMPLETED, 0));
}

void lockstep_trace_stack_overflow(struct lockstep_trace_writer *writer, uint32_t who) {
  close_trace(writer, open_outcome(writer, LOCKSTEP_OUTCOME_STACK_OVERFLOW, who));
}

void lockstep_trace_timeout(struct lockstep_trace_writer *writer) {
  close_trace(writer, open_outcome(writer, LOCKSTEP_OUTCOME_TIMEOUT, 0));
}

void lockstep_trace_crash(struct lockstep_trace_writer *writer, int32_t signal_or_exit, uint32_t who) {
  int32_t *word = open_outcome(writer, LOCKSTEP_OUTCOME_CRASH, who);
  *word++ = signal_or_exit;
  close_trace(writer, word);
}

/* The longest start of `message` that takes at most `bytes_max` bytes and splits no UTF-8 sequence. */
static size_t cut_utf8(const char *message, size_t bytes, size_t bytes_max) {
  if (bytes <= bytes_max) return bytes;
  size_t cut = bytes_max;
  while (cut > 0 && ((unsigned char)message[cut] & 0xc0) == 0x80) cut--;
  return cut;
}

void lockstep_trace_panic(struct lockstep_trace_writer *writer, const char *message, size_t bytes) {
  int32_t *word = open_outcome(writer, LOCKSTEP_OUTCOME_PANIC, 0);
  if (bytes > 0 && message[bytes - 1] == '\n') bytes--;
  const size_t room_bytes = (size_t)(room_after(writer, word) - 1) * sizeof(int32_t);
  bytes = cut_utf8(message, bytes, room_bytes < LOCKSTEP_PANIC_BYTES_MAX ? room_bytes : LOCKSTEP_PANIC_BYTES_MAX);
  const size_t words = (bytes + sizeof(int32_t) - 1) / sizeof(int32_t);
  *word++ = (int32_t)bytes;
  if (words > 0) word[words - 1] = 0; /* the padding */
  memcpy(word, message, bytes);
  close_trace(writer, word + words);
}

void lockstep_trace_io_hang(struct lockstep_trace_writer *writer) {
  const struct lockstep_batch *batch = writer->batch;
  int32_t *word = open_outcome(writer, LOCKSTEP_OUTCOME_IO_HANG, 0);
  const uint32_t room = (room_after(writer, word) - 1) / 2;
  const uint32_t count = batch->waiting_count < room ? batch->waiting_count : room;
  *word++ = (int32_t)count;
  for (uint32_t i = 0; i < count; i++) {
    *word++ = (int32_t)batch->waiting[i].who;
    *word++ = (int32_t)batch->waiting[i].pipe;
  }
  close_trace(writer, word);
}
