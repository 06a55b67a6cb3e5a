/*
 * Starts, watches and replaces the workers of a batch (see supervisor.h).
 *
 * Invariant: the trace of a program depends on that program alone. A worker runs many, for a fork costs as much as a
 * hundred of them; so its traces count only when it has left its process as it was. Where it has not, the programs are
 * run again in halves, down to the one that is to blame, which is then alone in its worker. A healthy batch costs one
 * fork, one that dies in a program two more for that program, one that changes its process two for each halving.
 */
#include "supervisor.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "batch.h"
#include "process.h"
#include "trace_writer.h"
#include "worker_report.h"

#include "must.h"

enum {
  TICK_MS = 20, /* between two looks at a worker; what it can allocate in that time is what the memory limit is missed by */
  DESK_BYTES_KEPT = 8 * 1024 * 1024
};

pid_t lockstep_supervisor_child;

/* What moves while a worker gets on. */
struct progress {
  uint32_t closed;
  uint32_t end_words;
  uint64_t heartbeat;
};

static struct progress progress_of(const struct lockstep_supervisor *supervisor) {
  const struct lockstep_desk *desk = supervisor->worker.desk;
  return (struct progress){
      .closed = __atomic_load_n(&desk->closed, __ATOMIC_ACQUIRE),
      .end_words = __atomic_load_n(&desk->written.end_words, __ATOMIC_ACQUIRE),
      .heartbeat = __atomic_load_n(&desk->heartbeat, __ATOMIC_ACQUIRE),
  };
}

static bool has_moved(const struct progress *before, const struct progress *after) {
  return before->closed != after->closed || before->end_words != after->end_words ||
         before->heartbeat != after->heartbeat;
}

/*
 * Whether a silent worker waits in I2 for descriptors that nobody can make readable: main is in run, no body runs,
 * some wait, none of what they wait for is readable, and the process sleeps instead of spinning.
 */
static bool is_idle_for_ever(const struct lockstep_supervisor *supervisor, pid_t pid) {
  const struct lockstep_desk *desk = supervisor->worker.desk;
  if (supervisor->hooks & LOCKSTEP_HOOK_IDLE) return false;
  const uint32_t count = desk->waiting_count;
  if (!desk->in_run || count == 0 || count > LOCKSTEP_PIPES_MAX) return false;
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t pipe = desk->waiting[i].pipe;
    if (pipe >= LOCKSTEP_PIPES_MAX || lockstep_pipe_readable(&desk->pipes[pipe])) return false;
  }
  return lockstep_is_asleep(pid);
}

static struct lockstep_ending watch(const struct lockstep_supervisor *supervisor, pid_t pid) {
  struct lockstep_ending ending = {0};
  struct progress seen = progress_of(supervisor);
  int64_t seen_ms = lockstep_monotonic_ms();
  while (waitpid(pid, &ending.status, WNOHANG) == 0) {
    supervisor->alive(TICK_MS);
    const struct progress progress = progress_of(supervisor);
    const int64_t now_ms = lockstep_monotonic_ms();
    const bool is_too_large = lockstep_private_bytes(pid) > supervisor->memory_limit_bytes;
    if (!is_too_large && has_moved(&seen, &progress)) {
      seen = progress;
      seen_ms = now_ms;
    } else if (is_too_large || now_ms - seen_ms >= supervisor->time_limit_ms) {
      const bool is_in_idle = !is_too_large && is_idle_for_ever(supervisor, pid);
      kill(pid, SIGKILL);
      waitpid(pid, &ending.status, 0);
      const bool was_killed = WIFSIGNALED(ending.status) && WTERMSIG(ending.status) == SIGKILL;
      ending.was_too_large = was_killed && is_too_large;
      ending.was_silent = was_killed && !is_too_large;
      ending.was_in_idle = ending.was_silent && is_in_idle;
      break;
    }
  }
  return ending;
}

/* A row of programs of the batch. */
struct span {
  uint32_t first;
  uint32_t count;
  uint32_t at_words; /* where the first begins in the programs' area */
};

static const int32_t *program_at(const struct lockstep_supervisor *supervisor, uint32_t at_words) {
  return (const int32_t *)((const char *)supervisor->worker.memory + LOCKSTEP_PROGRAMS_OFFSET) + at_words;
}

/* The span without its first programs. */
static struct span skip(const struct lockstep_supervisor *supervisor, struct span span, uint32_t count) {
  const uint32_t end = LOCKSTEP_PROGRAMS_BYTES_MAX / sizeof(int32_t) - LOCKSTEP_PROGRAM_HEADER_WORDS;
  LOCKSTEP_MUST(count <= span.count, "a span has the programs that are skipped");
  for (uint32_t i = 0; i < count; i++) {
    const int32_t length = program_at(supervisor, span.at_words)[LOCKSTEP_PROGRAM_WORD_LENGTH];
    LOCKSTEP_MUST(length > 0 && (uint32_t)length <= end - span.at_words, "a program's length reaches past the batch");
    span.at_words += (uint32_t)length;
  }
  span.first += count;
  span.count -= count;
  return span;
}

static struct span only_first(struct span span, uint32_t count) {
  span.count = count;
  return span;
}

/* Runs a span in a worker of its own, to its end. The desk then holds what it has written. */
static struct lockstep_ending run_worker(const struct lockstep_supervisor *supervisor, struct span span) {
  const struct lockstep_worker *worker = &supervisor->worker;
  struct lockstep_desk *desk = worker->desk;
  memset(desk, 0, offsetof(struct lockstep_desk, marks));
  /* main, in case the worker dies before it comes to say who runs */
  const int32_t *program = program_at(supervisor, span.at_words);
  desk->who = (uint32_t)program[LOCKSTEP_PROGRAM_WORD_FIBERS] + (uint32_t)program[LOCKSTEP_PROGRAM_WORD_TASKS];
  lockstep_output_reset(worker->output);

  const pid_t pid = lockstep_fork_bound();
  LOCKSTEP_MUST(pid >= 0, "cannot fork a worker");
  if (pid == 0) lockstep_worker_run(worker, span.at_words, span.count);
  lockstep_supervisor_child = pid;
  struct lockstep_ending ending = watch(supervisor, pid);
  lockstep_supervisor_child = 0;
  ending.had_strays = lockstep_kill_strays(pid);
  if (!supervisor->is_subreaper) ending.had_strays |= lockstep_kill_holders(worker->output->fd);
  return ending;
}

/* Appends traces to those of the batch, `words` long in all; ends[i] are counted from `words`. */
static void accept(const struct lockstep_supervisor *supervisor, struct span span, const int32_t *words,
                   const struct lockstep_mark *marks) {
  char *memory = supervisor->worker.memory;
  struct lockstep_batch *batch = supervisor->worker.memory;
  uint32_t *trace_end = (uint32_t *)(memory + LOCKSTEP_INDEX_OFFSET);
  const uint32_t length = span.count > 0 ? marks[span.count - 1].end_words : 0;
  LOCKSTEP_MUST(length <= lockstep_trace_area_words() - batch->trace_words, "the traces of a batch fit its memory");
  memcpy((int32_t *)(memory + LOCKSTEP_TRACES_OFFSET) + batch->trace_words, words, length * sizeof *words);
  for (uint32_t i = 0; i < span.count; i++) trace_end[span.first + i] = batch->trace_words + marks[i].end_words;
  batch->trace_words += length;
}

static void accept_from_desk(const struct lockstep_supervisor *supervisor, struct span span) {
  const struct lockstep_desk *desk = supervisor->worker.desk;
  accept(supervisor, span, (const int32_t *)((const char *)desk + LOCKSTEP_DESK_TRACES_OFFSET), desk->marks);
}

/* Keeps the last that a dead worker printed for whoever asks why it died. */
static void keep_printed(const struct lockstep_supervisor *supervisor) {
  struct lockstep_batch *batch = supervisor->worker.memory;
  char *printed = (char *)supervisor->worker.memory + LOCKSTEP_PRINTED_OFFSET;
  batch->printed_bytes = (uint32_t)lockstep_output_tail(supervisor->worker.output, printed, LOCKSTEP_PRINTED_BYTES_MAX);
}

/* Closes the trace that a dead worker has left open. */
static void close_trace(const struct lockstep_supervisor *supervisor, struct lockstep_worker_report *report,
                        struct span span, const struct lockstep_ending *ending) {
  const struct lockstep_worker *worker = &supervisor->worker;
  const struct span dead = skip(supervisor, span, report->closed);
  char message[LOCKSTEP_PANIC_BYTES_MAX + 4];
  long bytes = -1;
  const bool has_aborted = WIFSIGNALED(ending->status) && WTERMSIG(ending->status) == SIGABRT;
  if (has_aborted && !(supervisor->hooks & LOCKSTEP_HOOK_PANIC))
    bytes = lockstep_output_last_line(worker->output, "sched: ", message, sizeof message);
  if (bytes < 0) keep_printed(supervisor);
  lockstep_worker_report_close(report, worker->desk, program_at(supervisor, dead.at_words), ending,
                               bytes >= 0 ? message : NULL, bytes >= 0 ? (size_t)bytes : 0);
}

static void run_span(const struct lockstep_supervisor *supervisor, struct span span);

/* Runs the two halves of a span, each in a worker of its own. */
static void run_halves(const struct lockstep_supervisor *supervisor, struct span span) {
  const uint32_t half = span.count / 2;
  run_span(supervisor, only_first(span, half));
  run_span(supervisor, skip(supervisor, span, half));
}

/* Whether a report is that of a worker after which nothing was other than before. */
static bool is_clean(const struct lockstep_worker_report *report) {
  return report->is_intact && report->left_behind == 0;
}

/*
 * A worker has died in the program that is the last of `span`, and could not say whether those before it had left
 * something behind. So these are run again: when they leave a process as they found it, its last program had a clean
 * one too, and what it did is its own. Its trace, which is closed, stands last on the desk.
 */
static void accept_up_to_dead(const struct lockstep_supervisor *supervisor, struct span span) {
  const struct lockstep_desk *desk = supervisor->worker.desk;
  const struct span before = only_first(span, span.count - 1);
  const struct span last = skip(supervisor, span, before.count);
  const uint32_t start = before.count > 0 ? desk->marks[before.count - 1].end_words : 0;
  const struct lockstep_mark mark = {.end_words = desk->marks[before.count].end_words - start};
  int32_t *words = malloc(mark.end_words * sizeof *words);
  LOCKSTEP_MUST(words != NULL, "no memory for a trace");
  memcpy(words, (const int32_t *)((const char *)desk + LOCKSTEP_DESK_TRACES_OFFSET) + start, mark.end_words * sizeof *words);

  struct lockstep_worker_report report = {.is_intact = true, .leaving = LOCKSTEP_LEFT_DONE};
  if (before.count > 0) {
    const struct lockstep_ending ending = run_worker(supervisor, before);
    report = lockstep_worker_report_read(desk, before.count, &ending);
  }
  if (is_clean(&report) && report.leaving == LOCKSTEP_LEFT_DONE && report.end_words == start) {
    accept_from_desk(supervisor, before);
    accept(supervisor, last, words, &mark);
  } else {
    run_span(supervisor, before);
    run_span(supervisor, last);
  }
  free(words);
}

/* Runs the only program of a span: whatever came of it is its own doing. */
static void run_alone(const struct lockstep_supervisor *supervisor, struct span span) {
  struct lockstep_desk *desk = supervisor->worker.desk;
  const int32_t *program = program_at(supervisor, span.at_words);
  const struct lockstep_ending ending = run_worker(supervisor, span);
  struct lockstep_worker_report report = lockstep_worker_report_read(desk, 1, &ending);
  LOCKSTEP_MUST(report.leaving != LOCKSTEP_LEFT_REFUSED, desk->refusal);
  if (report.closed == 0)
    close_trace(supervisor, &report, span, &ending);
  else
    lockstep_worker_report_amend(&report, desk, program, &ending);
  accept_from_desk(supervisor, span);
}

/* Runs a span of programs that are not audited, to the end, in as many workers as it takes. */
static void run_span(const struct lockstep_supervisor *supervisor, struct span span) {
  struct lockstep_batch *batch = supervisor->worker.memory;
  struct lockstep_desk *desk = supervisor->worker.desk;
  while (span.count > 1) {
    const struct lockstep_ending ending = run_worker(supervisor, span);
    struct lockstep_worker_report report = lockstep_worker_report_read(desk, span.count, &ending);
    LOCKSTEP_MUST(report.leaving != LOCKSTEP_LEFT_REFUSED, desk->refusal);
    if (!is_clean(&report)) {
      run_halves(supervisor, span);
      return;
    }
    if (report.leaving == LOCKSTEP_LEFT_NOT) {
      close_trace(supervisor, &report, span, &ending);
      accept_up_to_dead(supervisor, only_first(span, report.closed));
    } else {
      accept_from_desk(supervisor, only_first(span, report.closed));
      batch->grew |= desk->grew != 0;
    }
    span = skip(supervisor, span, report.closed);
  }
  if (span.count == 1) run_alone(supervisor, span);
}

/* How many programs from the start of the span on need no audit. */
static uint32_t count_unaudited(const struct lockstep_supervisor *supervisor, struct span span) {
  uint32_t count = 0;
  for (; count < span.count; count++, span = skip(supervisor, span, 1), span.count++) {
    if (program_at(supervisor, span.at_words)[LOCKSTEP_PROGRAM_WORD_FLAGS] & LOCKSTEP_PROGRAM_FLAG_AUDIT) break;
  }
  return count;
}

/* Gives back the memory of large traces, between batches. */
static void trim_desk(const struct lockstep_supervisor *supervisor) {
  const struct lockstep_batch *batch = supervisor->worker.memory;
  if ((uint64_t)batch->trace_words * sizeof(int32_t) <= DESK_BYTES_KEPT) return;
  madvise((char *)supervisor->worker.desk + LOCKSTEP_DESK_TRACES_OFFSET + DESK_BYTES_KEPT,
          LOCKSTEP_TRACES_BYTES_MAX - DESK_BYTES_KEPT, MADV_REMOVE);
}

void lockstep_supervisor_run(struct lockstep_supervisor *supervisor) {
  struct lockstep_batch *batch = supervisor->worker.memory;
  LOCKSTEP_MUST(batch->programs <= LOCKSTEP_BATCH_PROGRAMS_MAX, "too many programs in a batch");
  batch->trace_words = 0;
  batch->grew = 0;
  batch->printed_bytes = 0;
  for (struct span span = {.count = batch->programs}; span.count > 0;) {
    const uint32_t unaudited = count_unaudited(supervisor, span);
    const struct span next = only_first(span, unaudited > 0 ? unaudited : 1);
    if (unaudited > 0)
      run_span(supervisor, next);
    else
      run_alone(supervisor, next);
    span = skip(supervisor, span, next.count);
  }
  trim_desk(supervisor);
}
