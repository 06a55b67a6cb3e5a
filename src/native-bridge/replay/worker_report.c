/*
 * Checks what a worker has left (see worker_report.h).
 */
#include "worker_report.h"

#include <string.h>
#include <sys/wait.h>

#include "program.h"

enum {
  LEAKS_KNOWN = (1 << (LOCKSTEP_LEAK_LIMITS_BIT + 1)) - 1,
  COMPLETED = LOCKSTEP_KIND_OUTCOME | LOCKSTEP_OUTCOME_COMPLETED << LOCKSTEP_HEADER_RESULT_SHIFT,
  CRASHED = LOCKSTEP_KIND_OUTCOME | LOCKSTEP_OUTCOME_CRASH << LOCKSTEP_HEADER_RESULT_SHIFT,
  OUTCOME_MASK = LOCKSTEP_HEADER_CLOCK_BIT - 1 /* kind and result */
};

static const int32_t *words_of(const struct lockstep_desk *desk) {
  return (const int32_t *)((const char *)desk + LOCKSTEP_DESK_TRACES_OFFSET);
}

/* Whether the words from `start` up to the mark are those that the worker wrote. */
static bool is_whole(const struct lockstep_desk *desk, uint32_t start, const struct lockstep_mark *mark) {
  if (mark->end_words < start || mark->end_words > lockstep_desk_trace_words) return false;
  return lockstep_trace_checksum(words_of(desk), start, mark->end_words) == mark->checksum;
}

struct lockstep_worker_report lockstep_worker_report_read(const struct lockstep_desk *desk, uint32_t count,
                                                          const struct lockstep_ending *ending) {
  struct lockstep_worker_report report = {.leaving = (enum lockstep_leaving)desk->leaving};
  const uint32_t claimed = desk->closed;
  while (report.closed < count && report.closed < claimed) {
    const struct lockstep_mark mark = desk->marks[report.closed];
    if (mark.end_words == report.end_words || !is_whole(desk, report.end_words, &mark)) break;
    const bool has_outcome = mark.outcome_words > 0 && mark.outcome_words <= mark.end_words - report.end_words;
    const int32_t outcome = has_outcome ? words_of(desk)[mark.end_words - mark.outcome_words] : 0;
    report.end_words = mark.end_words;
    report.has_completed = mark.outcome_words == 1 && outcome == COMPLETED;
    report.has_crashed = (outcome & OUTCOME_MASK) == CRASHED;
    report.closed++;
  }
  report.is_intact = report.closed == claimed;
  report.left_behind = desk->left_behind & LEAKS_KNOWN;
  if (ending->had_strays) report.left_behind |= 1u << LOCKSTEP_LEAK_PROCESSES_BIT;
  /* A worker that has said how it leaves kills itself. */
  if (!WIFSIGNALED(ending->status) || WTERMSIG(ending->status) != SIGKILL) report.leaving = LOCKSTEP_LEFT_NOT;
  switch (report.leaving) {
    case LOCKSTEP_LEFT_DONE:
      report.is_intact &= report.closed == count;
      break;
    case LOCKSTEP_LEFT_EARLY:
      report.is_intact &= report.closed > 0;
      break;
    case LOCKSTEP_LEFT_REFUSED:
      break;
    default:
      report.leaving = LOCKSTEP_LEFT_NOT;
      /* One that dies after its last trace has died of what one of its programs left behind. */
      report.is_intact &= report.closed < count;
  }
  return report;
}

/* What a program's bodies and pipes are numbered up to. */
static uint32_t bodies_of(const int32_t *program) {
  return (uint32_t)program[LOCKSTEP_PROGRAM_WORD_FIBERS] + (uint32_t)program[LOCKSTEP_PROGRAM_WORD_TASKS] + 2;
}

static uint32_t main_of(const int32_t *program) { return bodies_of(program) - 2; }

static bool is_waiting_list_sound(const struct lockstep_desk *desk, const int32_t *program) {
  if (desk->waiting_count > LOCKSTEP_PIPES_MAX) return false;
  for (uint32_t i = 0; i < desk->waiting_count; i++) {
    if (desk->waiting[i].who >= bodies_of(program)) return false;
    if (desk->waiting[i].pipe >= (uint32_t)program[LOCKSTEP_PROGRAM_WORD_PIPES]) return false;
  }
  return true;
}

/* A writer that goes on behind the traces that are closed, at the start of the program's own. */
static struct lockstep_trace_writer writer_behind(const struct lockstep_worker_report *report,
                                                  struct lockstep_desk *desk, const int32_t *program) {
  struct lockstep_trace_writer writer = lockstep_trace_writer_over(desk, NULL);
  writer.closed = report->closed;
  writer.written.end_words = report->end_words;
  writer.limit_words =
      report->end_words + lockstep_program_trace_words_max(program) - LOCKSTEP_OUTCOME_WORDS_KEPT;
  return writer;
}

static void count_closed(struct lockstep_worker_report *report, const struct lockstep_trace_writer *writer) {
  report->closed = writer->closed;
  report->end_words = writer->written.end_words;
}

/* The outcome that the end of the process shows, of a program that may be anywhere. */
static void write_ending(struct lockstep_trace_writer *writer, const struct lockstep_ending *ending, uint32_t who) {
  if (ending->was_too_large)
    lockstep_trace_crash(writer, LOCKSTEP_CRASH_MEMORY_LIMIT, who);
  else if (ending->was_in_idle)
    lockstep_trace_io_hang(writer);
  else if (ending->was_silent)
    lockstep_trace_timeout(writer);
  else if (WIFSIGNALED(ending->status))
    lockstep_trace_crash(writer, WTERMSIG(ending->status), who);
  else
    lockstep_trace_crash(writer, LOCKSTEP_CRASH_EXIT_BASE + WEXITSTATUS(ending->status), who);
}

void lockstep_worker_report_close(struct lockstep_worker_report *report, struct lockstep_desk *desk,
                                  const int32_t *program, const struct lockstep_ending *ending, const char *message,
                                  size_t message_bytes) {
  struct lockstep_trace_writer writer = writer_behind(report, desk, program);
  const struct lockstep_mark written = desk->written;
  const uint32_t who = desk->who;
  const bool is_sound = is_whole(desk, report->end_words, &written) && written.end_words <= writer.limit_words &&
                        who < bodies_of(program) && is_waiting_list_sound(desk, program);
  if (is_sound) writer.written = written;
  if (!is_sound)
    lockstep_trace_crash(&writer, LOCKSTEP_CRASH_OVERWRITTEN, main_of(program));
  else if (message)
    lockstep_trace_panic(&writer, message, message_bytes);
  else
    write_ending(&writer, ending, who);
  count_closed(report, &writer);
}

void lockstep_worker_report_amend(struct lockstep_worker_report *report, struct lockstep_desk *desk,
                                  const int32_t *program, const struct lockstep_ending *ending) {
  const bool has_died = report->leaving == LOCKSTEP_LEFT_NOT;
  if (!report->has_completed || (report->left_behind == 0 && !has_died)) return;
  const uint32_t outcome_at = report->end_words - 1;
  report->closed = 0;
  report->end_words = 0;
  struct lockstep_trace_writer writer = writer_behind(report, desk, program);
  writer.written.end_words = outcome_at;
  if (has_died)
    write_ending(&writer, ending, main_of(program));
  else
    lockstep_trace_leak(&writer, report->left_behind);
  count_closed(report, &writer);
}
