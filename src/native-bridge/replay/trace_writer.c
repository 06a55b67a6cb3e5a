/*
 * The outcomes of a trace and its limits (see trace_writer.h).
 *
 * Used by the worker, by its fault handler and, after the worker's death, by the host; so nothing here allocates or
 * calls what a signal handler may not.
 */
#include "trace_writer.h"

#include <string.h>

static int32_t *traces_of(struct lockstep_desk *desk) {
  return (int32_t *)((char *)desk + LOCKSTEP_DESK_TRACES_OFFSET);
}

struct lockstep_trace_writer lockstep_trace_writer_over(struct lockstep_desk *desk, void (*full)(void)) {
  return (struct lockstep_trace_writer){
      .desk = desk, .words = traces_of(desk), .published = &desk->written, .full = full};
}

uint64_t lockstep_trace_checksum(const int32_t *words, uint32_t start, uint32_t end) {
  uint64_t checksum = 0;
  uint64_t factor = lockstep_checksum_factor(start);
  for (uint32_t position = start; position < end; position++, factor += LOCKSTEP_CHECKSUM_STEP)
    checksum = lockstep_checksum_add(checksum, factor, (uint32_t)words[position]);
  return checksum;
}

void lockstep_trace_begin(struct lockstep_trace_writer *writer, uint32_t words_max) {
  writer->limit_words = writer->written.end_words + words_max - LOCKSTEP_OUTCOME_WORDS_KEPT;
  writer->written.checksum = 0;
  writer->clock_ms = 0;
  writer->published = &writer->desk->written;
  writer->desk->limit_words = writer->limit_words;
  *writer->published = writer->written;
}

/* The desk is not told: a worker that dies in an unseen trace has its seen one closed. */
void lockstep_trace_begin_unseen(struct lockstep_trace_writer *writer) {
  static struct lockstep_mark unseen;
  writer->limit_words += writer->limit_words - writer->desk->written.end_words + LOCKSTEP_OUTCOME_WORDS_KEPT;
  writer->clock_ms = 0;
  writer->published = &unseen;
}

void lockstep_trace_rewind(struct lockstep_trace_writer *writer) {
  if (writer->published == &writer->desk->written) return;
  writer->published = &writer->desk->written;
  writer->written = *writer->published;
  writer->limit_words = writer->desk->limit_words;
}

static struct lockstep_record open_outcome(struct lockstep_trace_writer *writer, enum lockstep_outcome outcome,
                                           uint32_t who) {
  struct lockstep_record record = lockstep_record_next(writer);
  lockstep_record_put(&record, LOCKSTEP_KIND_OUTCOME | (uint32_t)outcome << LOCKSTEP_HEADER_RESULT_SHIFT |
                                   who << LOCKSTEP_HEADER_WHO_SHIFT);
  return record;
}

/* How many words an outcome's payload may take from here on. */
static uint32_t room_after(const struct lockstep_trace_writer *writer, const struct lockstep_record *record) {
  return writer->limit_words + LOCKSTEP_OUTCOME_WORDS_KEPT - (uint32_t)(record->word - writer->words);
}

static void close_trace(struct lockstep_trace_writer *writer, struct lockstep_record record) {
  struct lockstep_desk *desk = writer->desk;
  const uint32_t outcome_at = writer->written.end_words;
  lockstep_record_close(writer, record);
  writer->written.outcome_words = writer->written.end_words - outcome_at;
  desk->marks[writer->closed++] = writer->written;
  writer->written.checksum = 0;
  desk->written = writer->written;
  __atomic_store_n(&desk->closed, writer->closed, __ATOMIC_RELEASE);
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

void lockstep_trace_leak(struct lockstep_trace_writer *writer, uint32_t what) {
  struct lockstep_record record = open_outcome(writer, LOCKSTEP_OUTCOME_LEAK, 0);
  lockstep_record_put(&record, what);
  close_trace(writer, record);
}

void lockstep_trace_crash(struct lockstep_trace_writer *writer, int32_t signal_or_exit, uint32_t who) {
  struct lockstep_record record = open_outcome(writer, LOCKSTEP_OUTCOME_CRASH, who);
  lockstep_record_put(&record, (uint32_t)signal_or_exit);
  close_trace(writer, record);
}

/* The longest start of `message` that takes at most `bytes_max` bytes and splits no UTF-8 sequence. */
static size_t cut_utf8(const char *message, size_t bytes, size_t bytes_max) {
  if (bytes <= bytes_max) return bytes;
  size_t cut = bytes_max;
  while (cut > 0 && ((unsigned char)message[cut] & 0xc0) == 0x80) cut--;
  return cut;
}

void lockstep_trace_panic(struct lockstep_trace_writer *writer, const char *message, size_t bytes) {
  struct lockstep_record record = open_outcome(writer, LOCKSTEP_OUTCOME_PANIC, 0);
  if (bytes > 0 && message[bytes - 1] == '\n') bytes--;
  const size_t room_bytes = (size_t)(room_after(writer, &record) - 1) * sizeof(int32_t);
  bytes = cut_utf8(message, bytes, room_bytes < LOCKSTEP_PANIC_BYTES_MAX ? room_bytes : LOCKSTEP_PANIC_BYTES_MAX);
  lockstep_record_put(&record, (uint32_t)bytes);
  for (size_t done = 0; done < bytes; done += sizeof(uint32_t)) {
    uint32_t word = 0; /* the last one is padded with zeros */
    memcpy(&word, message + done, bytes - done < sizeof word ? bytes - done : sizeof word);
    lockstep_record_put(&record, word);
  }
  close_trace(writer, record);
}

void lockstep_trace_io_hang(struct lockstep_trace_writer *writer) {
  const struct lockstep_desk *desk = writer->desk;
  struct lockstep_record record = open_outcome(writer, LOCKSTEP_OUTCOME_IO_HANG, 0);
  const uint32_t room = (room_after(writer, &record) - 1) / 2;
  const uint32_t count = desk->waiting_count < room ? desk->waiting_count : room;
  lockstep_record_put(&record, count);
  for (uint32_t i = 0; i < count; i++) {
    lockstep_record_put(&record, desk->waiting[i].who);
    lockstep_record_put(&record, desk->waiting[i].pipe);
  }
  close_trace(writer, record);
}
