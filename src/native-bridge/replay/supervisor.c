/*
 * Starts, watches and replaces the workers of a batch (see supervisor.h).
 *
 * Invariant: the trace of a program depends on that program alone. A worker runs many, for a fork costs as much as a
 * hundred of them; so its traces count only when it has left its process as it was. Where it has not, the programs are
 * run again in halves, down to the one that is to blame, which is then alone in its worker. A healthy batch costs one
 * fork, one that dies in a program two more for that program, one that changes its process two for each halving.
 *
 * Workers of many programs are forked from the warm template where there is one, but what it has run is to have no part
 * in a verdict: when such a worker ends in anything but an outcome that a healthy runtime may have, all its programs are
 * run again in workers of the fresh template. So is a program alone.
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
#include "program.h"
#include "trace_writer.h"
#include "worker_report.h"

#include "must.h"

enum {
  ANSWER_MS = 10000, /* for a template to fork a worker, or to end one and all that it has left */
  TICK_MS = 20, /* between two looks at a worker; what it can allocate in that time is what the memory limit is missed by */
  /*
   * A guarded stack may be two mappings, and a process has 65,530 (vm.max_map_count): a program of so many bodies has
   * them to itself, so that it finds the same number of them whatever its batch is.
   */
  BODIES_SHARED_MAX = 4096
};

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

/* Waits until the template has something to say, at most `limit_ms`. A worker can stop it, so it is made to go on. */
static bool answers(const struct lockstep_supervisor *supervisor, const struct lockstep_template *template, int32_t limit_ms) {
  const int64_t deadline_ms = lockstep_monotonic_ms() + limit_ms;
  while (!supervisor->alive(TICK_MS, template->socket)) {
    if (lockstep_monotonic_ms() >= deadline_ms) return false;
    lockstep_template_resume(template);
  }
  return true;
}

/* Ends the templates, and what is left of a worker, after one of them has died. */
static void end_templates(struct lockstep_supervisor *supervisor) {
  lockstep_template_end(&supervisor->warm);
  lockstep_template_end(&supervisor->fresh);
  lockstep_kill_strays(0);
  if (!supervisor->is_subreaper) lockstep_kill_holders(supervisor->worker.output->fd, 0);
}

/* Waits for the end of the worker, and ends it when it is silent or takes too much. */
static struct lockstep_ending watch(struct lockstep_supervisor *supervisor, const struct lockstep_template *template,
                                    pid_t pid) {
  struct progress seen = progress_of(supervisor);
  int64_t seen_ms = lockstep_monotonic_ms();
  bool is_killed = false, is_too_large = false, is_in_idle = false;
  while (!is_killed && !supervisor->alive(TICK_MS, template->socket)) {
    lockstep_template_resume(template);
    const struct progress progress = progress_of(supervisor);
    const int64_t now_ms = lockstep_monotonic_ms();
    is_too_large = lockstep_private_bytes(pid) > supervisor->memory_limit_bytes;
    if (!is_too_large && has_moved(&seen, &progress)) {
      seen = progress;
      seen_ms = now_ms;
    } else if (is_too_large || now_ms - seen_ms >= supervisor->time_limit_ms) {
      is_in_idle = !is_too_large && is_idle_for_ever(supervisor, pid);
      lockstep_template_kill_worker(template);
      is_killed = true;
    }
  }
  struct lockstep_worker_end end;
  if ((is_killed && !answers(supervisor, template, ANSWER_MS)) || !lockstep_template_read_end(template, &end)) {
    /* A worker can kill the template, which is its parent, and dies of it. So it does of one that does not answer. */
    end = (struct lockstep_worker_end){.status = SIGKILL};
    end_templates(supervisor);
  }
  const bool was_killed = is_killed && WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGKILL;
  return (struct lockstep_ending){
      .status = end.status,
      .was_silent = was_killed && !is_too_large,
      .was_in_idle = was_killed && is_in_idle,
      .was_too_large = was_killed && is_too_large,
      .had_strays = end.had_strays,
  };
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

/* Where each program of the batch begins in the programs' area, and after the last one where the batch ends. */
static uint32_t starts_words[LOCKSTEP_BATCH_PROGRAMS_MAX + 1];

/* Walks the batch once: its programs lie far apart, and each look at one is a miss of the cache. */
static void find_starts(const struct lockstep_supervisor *supervisor, uint32_t programs) {
  const uint32_t end = LOCKSTEP_PROGRAMS_BYTES_MAX / sizeof(int32_t) - LOCKSTEP_PROGRAM_HEADER_WORDS;
  uint32_t at_words = 0;
  for (uint32_t i = 0; i < programs; i++) {
    starts_words[i] = at_words;
    const int32_t length = program_at(supervisor, at_words)[LOCKSTEP_PROGRAM_WORD_LENGTH];
    LOCKSTEP_MUST(length > 0 && (uint32_t)length <= end - at_words, "a program's length reaches past the batch");
    at_words += (uint32_t)length;
  }
  starts_words[programs] = at_words;
}

/* The span without its first programs. */
static struct span skip(struct span span, uint32_t count) {
  LOCKSTEP_MUST(count <= span.count, "a span has the programs that are skipped");
  span.first += count;
  span.count -= count;
  span.at_words = starts_words[span.first];
  return span;
}

static struct span only_first(struct span span, uint32_t count) {
  span.count = count;
  return span;
}

/* The template to fork from: the warm one where it may be and is there, else the fresh one, made now if there is none. */
static struct lockstep_template *template_for(struct lockstep_supervisor *supervisor, bool may_be_warm) {
  if (may_be_warm && supervisor->warm.pid != 0) return &supervisor->warm;
  if (supervisor->fresh.pid == 0) {
    LOCKSTEP_MUST(lockstep_template_start(&supervisor->fresh, &supervisor->worker, 0), "cannot fork a template");
    LOCKSTEP_MUST(lockstep_template_is_ready(&supervisor->fresh), "a template of no programs gets ready");
  }
  return &supervisor->fresh;
}

/* Clears the desk and the output for the span's worker, or for a warm-up. */
static void clear_desk(const struct lockstep_supervisor *supervisor, struct span span) {
  struct lockstep_desk *desk = supervisor->worker.desk;
  memset(desk, 0, offsetof(struct lockstep_desk, marks));
  /* main, in case the worker dies before it comes to say who runs */
  const int32_t *program = program_at(supervisor, span.at_words);
  desk->who = (uint32_t)program[LOCKSTEP_PROGRAM_WORD_FIBERS] + (uint32_t)program[LOCKSTEP_PROGRAM_WORD_TASKS];
  lockstep_output_reset(supervisor->worker.output);
}

/* Has the template fork a worker for the span. Returns its id, or -1 when the template is dead or does not answer. */
static pid_t fork_worker(const struct lockstep_supervisor *supervisor, const struct lockstep_template *template,
                         struct span span) {
  if (!lockstep_template_order(template, span.at_words, span.count)) return -1;
  return answers(supervisor, template, ANSWER_MS) ? lockstep_template_read_worker(template) : -1;
}

/* Runs a span in a worker of its own, to its end. The desk then holds what it has written. */
static struct lockstep_ending run_worker(struct lockstep_supervisor *supervisor, struct span span, bool may_be_warm) {
  clear_desk(supervisor, span);
  struct lockstep_template *template = template_for(supervisor, may_be_warm);
  pid_t pid = fork_worker(supervisor, template, span);
  if (pid < 0) { /* something has killed the template since its last worker */
    end_templates(supervisor);
    template = template_for(supervisor, false);
    pid = fork_worker(supervisor, template, span);
    LOCKSTEP_MUST(pid > 0, "cannot fork a worker");
  }
  return watch(supervisor, template, pid);
}

/* Appends traces to those of the batch, `words` long in all; ends[i] are counted from `words`. */
static void accept(const struct lockstep_supervisor *supervisor, struct span span, const int32_t *words,
                   const struct lockstep_mark *marks) {
  char *memory = supervisor->worker.memory;
  struct lockstep_batch *batch = supervisor->worker.memory;
  uint32_t *trace_end = (uint32_t *)(memory + LOCKSTEP_INDEX_OFFSET);
  const uint32_t length = span.count > 0 ? marks[span.count - 1].end_words : 0;
  LOCKSTEP_MUST(length <= LOCKSTEP_TRACES_BYTES_MAX / sizeof *words - batch->trace_words, "the traces of a batch fit its memory");
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
  const struct span dead = skip(span, report->closed);
  char message[LOCKSTEP_PANIC_BYTES_MAX + 4];
  long bytes = -1;
  const bool has_aborted = WIFSIGNALED(ending->status) && WTERMSIG(ending->status) == SIGABRT;
  if (has_aborted && !(supervisor->hooks & LOCKSTEP_HOOK_PANIC))
    bytes = lockstep_output_last_line(worker->output, "sched: ", message, sizeof message);
  if (bytes < 0) keep_printed(supervisor);
  lockstep_worker_report_close(report, worker->desk, program_at(supervisor, dead.at_words), ending,
                               bytes >= 0 ? message : NULL, bytes >= 0 ? (size_t)bytes : 0);
}

static void run_span(struct lockstep_supervisor *supervisor, struct span span, bool may_be_warm);

/* Runs the two halves of a span, each in a worker of its own. */
static void run_halves(struct lockstep_supervisor *supervisor, struct span span) {
  const uint32_t half = span.count / 2;
  run_span(supervisor, only_first(span, half), false);
  run_span(supervisor, skip(span, half), false);
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
static void accept_up_to_dead(struct lockstep_supervisor *supervisor, struct span span) {
  const struct lockstep_desk *desk = supervisor->worker.desk;
  const struct span before = only_first(span, span.count - 1);
  const struct span last = skip(span, before.count);
  const uint32_t start = before.count > 0 ? desk->marks[before.count - 1].end_words : 0;
  const struct lockstep_mark mark = {.end_words = desk->marks[before.count].end_words - start};
  int32_t *words = malloc(mark.end_words * sizeof *words);
  LOCKSTEP_MUST(words != NULL, "no memory for a trace");
  memcpy(words, (const int32_t *)((const char *)desk + LOCKSTEP_DESK_TRACES_OFFSET) + start, mark.end_words * sizeof *words);

  struct lockstep_worker_report report = {.is_intact = true, .leaving = LOCKSTEP_LEFT_DONE};
  if (before.count > 0) {
    const struct lockstep_ending ending = run_worker(supervisor, before, false);
    report = lockstep_worker_report_read(desk, before.count, &ending);
  }
  if (is_clean(&report) && report.leaving == LOCKSTEP_LEFT_DONE && report.end_words == start) {
    accept_from_desk(supervisor, before);
    accept(supervisor, last, words, &mark);
  } else {
    run_span(supervisor, before, false);
    run_span(supervisor, last, false);
  }
  free(words);
}

/* Gives the desk room for a trace of so many words. A fresh template has the desk that the host had before. */
static void fit_desk(struct lockstep_supervisor *supervisor, uint32_t trace_words) {
  const uint32_t wanted = trace_words > LOCKSTEP_DESK_TRACE_WORDS ? trace_words : LOCKSTEP_DESK_TRACE_WORDS;
  if (wanted == lockstep_desk_trace_words) return;
  lockstep_template_end(&supervisor->fresh);
  supervisor->worker.desk = lockstep_desk_map(wanted);
}

/* Runs the only program of a span: whatever came of it is its own doing. */
static void run_alone(struct lockstep_supervisor *supervisor, struct span span) {
  const int32_t *program = program_at(supervisor, span.at_words);
  fit_desk(supervisor, lockstep_program_trace_words_max(program));
  struct lockstep_desk *desk = supervisor->worker.desk;
  const struct lockstep_ending ending = run_worker(supervisor, span, false);
  struct lockstep_worker_report report = lockstep_worker_report_read(desk, 1, &ending);
  LOCKSTEP_MUST(report.leaving != LOCKSTEP_LEFT_REFUSED, desk->refusal);
  if (report.closed == 0)
    close_trace(supervisor, &report, span, &ending);
  else
    lockstep_worker_report_amend(&report, desk, program, &ending);
  accept_from_desk(supervisor, span);
  fit_desk(supervisor, 0);
}

/* Whether a worker has ended as one of a healthy runtime may. */
static bool is_healthy(const struct lockstep_worker_report *report) {
  return is_clean(report) && report->leaving != LOCKSTEP_LEFT_NOT && !report->has_crashed;
}

/* Runs a span of programs that need no worker each, to the end, in as many workers as it takes. */
static void run_span(struct lockstep_supervisor *supervisor, struct span span, bool may_be_warm) {
  struct lockstep_batch *batch = supervisor->worker.memory;
  struct lockstep_desk *desk = supervisor->worker.desk;
  while (span.count > 1) {
    const bool is_warm = may_be_warm && supervisor->warm.pid != 0;
    const struct lockstep_ending ending = run_worker(supervisor, span, is_warm);
    struct lockstep_worker_report report = lockstep_worker_report_read(desk, span.count, &ending);
    LOCKSTEP_MUST(report.leaving != LOCKSTEP_LEFT_REFUSED, desk->refusal);
    if (is_warm && !is_healthy(&report)) {
      run_span(supervisor, span, false);
      return;
    }
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
    span = skip(span, report.closed);
  }
  if (span.count == 1) run_alone(supervisor, span);
}

/* Whether a program is to have a worker of its own: it is audited, or it may use up what a worker can hold. */
static bool needs_own_worker(const int32_t *program) {
  const uint32_t bodies =
      (uint32_t)program[LOCKSTEP_PROGRAM_WORD_FIBERS] + (uint32_t)program[LOCKSTEP_PROGRAM_WORD_TASKS];
  return (program[LOCKSTEP_PROGRAM_WORD_FLAGS] & LOCKSTEP_PROGRAM_FLAG_AUDIT) != 0 || bodies > BODIES_SHARED_MAX ||
         lockstep_program_trace_words_max(program) > LOCKSTEP_DESK_TRACE_WORDS;
}

/* How many programs from the start of the span on may share a worker. */
static uint32_t count_sharing(const struct lockstep_supervisor *supervisor, struct span span) {
  uint32_t count = 0;
  while (count < span.count && !needs_own_worker(program_at(supervisor, starts_words[span.first + count]))) count++;
  return count;
}

void lockstep_supervisor_run(struct lockstep_supervisor *supervisor) {
  struct lockstep_batch *batch = supervisor->worker.memory;
  LOCKSTEP_MUST(batch->programs <= LOCKSTEP_BATCH_PROGRAMS_MAX, "too many programs in a batch");
  batch->trace_words = 0;
  batch->grew = 0;
  batch->printed_bytes = 0;
  find_starts(supervisor, batch->programs);
  for (struct span span = {.count = batch->programs}; span.count > 0;) {
    const uint32_t sharing = count_sharing(supervisor, span);
    const struct span next = only_first(span, sharing > 0 ? sharing : 1);
    if (sharing > 0)
      run_span(supervisor, next, true);
    else
      run_alone(supervisor, next);
    span = skip(span, next.count);
  }
}

void lockstep_supervisor_warm_up(struct lockstep_supervisor *supervisor) {
  const struct lockstep_batch *batch = supervisor->worker.memory;
  LOCKSTEP_MUST(supervisor->warm.pid == 0, "a warm-up comes once");
  LOCKSTEP_MUST(batch->programs <= LOCKSTEP_BATCH_PROGRAMS_MAX, "too many programs in a warm-up");
  clear_desk(supervisor, (struct span){.count = batch->programs});
  if (!lockstep_template_start(&supervisor->warm, &supervisor->worker, batch->programs)) return;
  if (!answers(supervisor, &supervisor->warm, supervisor->time_limit_ms) || !lockstep_template_is_ready(&supervisor->warm))
    end_templates(supervisor);
}
