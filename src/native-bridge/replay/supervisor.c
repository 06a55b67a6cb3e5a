/*
 * Starts, watches and replaces the workers of a batch (see supervisor.h).
 *
 * Invariant: batch->current moves on by one with each closed trace, whoever closes it, and a new worker starts at
 * batch->current; so each program is run once, and one that kills its worker costs one fork.
 */
#include "supervisor.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "batch.h"
#include "process.h"
#include "trace_writer.h"

#include "must.h"

enum { TICKS_PER_LIMIT = 8 };

pid_t lockstep_supervisor_child;

/* What moves while a worker gets on. */
struct progress {
  uint32_t current;
  uint32_t cursor_words;
  uint64_t heartbeat;
};

static struct progress progress_of(const struct lockstep_supervisor *supervisor) {
  const struct lockstep_batch *batch = supervisor->worker.memory;
  return (struct progress){
      .current = __atomic_load_n(&batch->current, __ATOMIC_ACQUIRE),
      .cursor_words = __atomic_load_n(&batch->cursor_words, __ATOMIC_ACQUIRE),
      .heartbeat = __atomic_load_n(&supervisor->worker.state->heartbeat, __ATOMIC_ACQUIRE),
  };
}

static bool has_moved(const struct progress *before, const struct progress *after) {
  return before->current != after->current || before->cursor_words != after->cursor_words ||
         before->heartbeat != after->heartbeat;
}

/* How a worker ended. */
struct ending {
  int status;       /* as waitpid() gives it */
  bool was_silent;  /* killed at the time limit */
  bool was_in_idle; /* then: hung in I2, on a runtime that has no hook to say so */
};

/*
 * Whether a silent worker waits in I2 for descriptors that nobody can make readable: main is in run, no body runs,
 * some wait, none of what they wait for is readable, and the process sleeps instead of spinning.
 */
static bool is_idle_for_ever(const struct lockstep_supervisor *supervisor, pid_t pid) {
  const struct lockstep_batch *batch = supervisor->worker.memory;
  if (supervisor->hooks & LOCKSTEP_HOOK_IDLE) return false;
  if (!batch->in_run || batch->waiting_count == 0) return false;
  for (uint32_t i = 0; i < batch->waiting_count; i++) {
    if (lockstep_pipe_readable(&supervisor->worker.state->pipes[batch->waiting[i].pipe])) return false;
  }
  return lockstep_is_asleep(pid);
}

static struct ending watch(const struct lockstep_supervisor *supervisor, pid_t pid) {
  struct ending ending = {0};
  const int tick_ms = supervisor->time_limit_ms / TICKS_PER_LIMIT + 1;
  struct progress seen = progress_of(supervisor);
  int64_t seen_ms = lockstep_monotonic_ms();
  while (waitpid(pid, &ending.status, WNOHANG) == 0) {
    supervisor->alive(tick_ms);
    const struct progress progress = progress_of(supervisor);
    const int64_t now_ms = lockstep_monotonic_ms();
    if (has_moved(&seen, &progress)) {
      seen = progress;
      seen_ms = now_ms;
    } else if (now_ms - seen_ms >= supervisor->time_limit_ms) {
      ending.was_in_idle = is_idle_for_ever(supervisor, pid);
      kill(pid, SIGKILL);
      waitpid(pid, &ending.status, 0);
      ending.was_silent = WIFSIGNALED(ending.status) && WTERMSIG(ending.status) == SIGKILL;
      break;
    }
  }
  return ending;
}

/* Writes the outcome that a dead worker could not write. */
static void close_trace(const struct lockstep_supervisor *supervisor, const struct ending *ending) {
  const struct lockstep_worker *worker = &supervisor->worker;
  const struct lockstep_batch *batch = worker->memory;
  struct lockstep_trace_writer trace = lockstep_trace_writer_over(worker->memory, NULL);
  trace.limit_words = worker->state->limit_words;
  if (ending->was_silent) {
    if (ending->was_in_idle)
      lockstep_trace_io_hang(&trace);
    else
      lockstep_trace_timeout(&trace);
  } else if (WIFSIGNALED(ending->status)) {
    const int signal_number = WTERMSIG(ending->status);
    char message[LOCKSTEP_PANIC_BYTES_MAX + 4];
    long bytes = -1;
    if (signal_number == SIGABRT && !(supervisor->hooks & LOCKSTEP_HOOK_PANIC))
      bytes = lockstep_output_last_line(worker->output, "sched: ", message, sizeof message);
    if (bytes >= 0)
      lockstep_trace_panic(&trace, message, (size_t)bytes);
    else
      lockstep_trace_crash(&trace, signal_number, batch->who);
  } else {
    lockstep_trace_crash(&trace, LOCKSTEP_CRASH_EXIT_BASE + WEXITSTATUS(ending->status), batch->who);
  }
}

/* Readies the shared state for a worker that starts at batch->current, whose program begins at worker.first_words. */
static void prepare(struct lockstep_supervisor *supervisor) {
  struct lockstep_worker *worker = &supervisor->worker;
  struct lockstep_batch *batch = worker->memory;
  const int32_t *header = (const int32_t *)((const char *)worker->memory + LOCKSTEP_PROGRAMS_OFFSET) + worker->first_words;
  memset(worker->state, 0, sizeof *worker->state);
  worker->state->limit_words = batch->cursor_words + LOCKSTEP_TRACE_WORDS_BASE - LOCKSTEP_OUTCOME_WORDS_KEPT;
  /* main, in case the worker dies before it comes to say who runs */
  batch->who = (uint32_t)header[LOCKSTEP_PROGRAM_WORD_FIBERS] + (uint32_t)header[LOCKSTEP_PROGRAM_WORD_TASKS];
  batch->waiting_count = 0;
  batch->in_run = 0;
}

/* The start of program `to`, counted on from program `from`, which starts at `words`. */
static uint32_t skip_programs(const struct lockstep_worker *worker, uint32_t words, uint32_t from, uint32_t to) {
  const int32_t *programs = (const int32_t *)((const char *)worker->memory + LOCKSTEP_PROGRAMS_OFFSET);
  const uint32_t end = LOCKSTEP_PROGRAMS_BYTES_MAX / sizeof(int32_t) - LOCKSTEP_PROGRAM_HEADER_WORDS;
  for (uint32_t i = from; i < to; i++) {
    const int32_t length = programs[words + LOCKSTEP_PROGRAM_WORD_LENGTH];
    LOCKSTEP_MUST(length > 0 && (uint32_t)length <= end - words, "a program's length reaches past the batch");
    words += (uint32_t)length;
  }
  return words;
}

void lockstep_supervisor_run(struct lockstep_supervisor *supervisor) {
  struct lockstep_worker *worker = &supervisor->worker;
  struct lockstep_batch *batch = worker->memory;
  LOCKSTEP_MUST(batch->programs <= LOCKSTEP_BATCH_PROGRAMS_MAX, "too many programs in a batch");
  batch->current = 0;
  batch->cursor_words = 0;
  worker->first_words = 0;
  while (batch->current < batch->programs) {
    const uint32_t first = batch->current;
    prepare(supervisor);
    const pid_t pid = lockstep_fork_bound();
    LOCKSTEP_MUST(pid >= 0, "cannot fork a worker");
    if (pid == 0) lockstep_worker_run(worker);
    lockstep_supervisor_child = pid;
    const struct ending ending = watch(supervisor, pid);
    lockstep_supervisor_child = 0;
    lockstep_kill_strays(pid);
    const bool was_orderly = WIFEXITED(ending.status) && batch->current == batch->programs;
    if (!supervisor->is_subreaper && !was_orderly) lockstep_kill_holders(worker->output->fd);
    LOCKSTEP_MUST(worker->state->failure == NULL, worker->state->failure);
    if (!worker->state->handed_over && batch->current < batch->programs) close_trace(supervisor, &ending);
    worker->first_words = skip_programs(worker, worker->first_words, first, batch->current);
  }
}
