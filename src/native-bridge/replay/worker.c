/*
 * The loop over the programs of a batch (see worker.h).
 *
 * Nothing of one program may be visible to the next. Most of that is the program runner's. What piles up where a runtime
 * does not clean up, descriptors and unfreed fibers, is not let come so far that a program could see it: the worker
 * leaves early, and a fresh one goes on. What else may have changed is looked for when a worker leaves.
 */
#include "worker.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "batch.h"
#include "faults.h"
#include "holdings.h"
#include "interpreter.h"
#include "pipes.h"
#include "process.h"
#include "program_runner.h"
#include "surroundings.h"

#include "must.h"

enum {
  /* Well below the first pipe: descriptors are given out lowest first, so while this one is free, few are leaked. */
  LEAKED_FD_PROBE = 64,
  LEAKED_FD_PROBE_PERIOD = 16, /* programs between two looks; few enough to stay below the first pipe */
  /* A guarded stack is two mappings, and a process has 65,530 (vm.max_map_count). */
  UNFREED_FIBERS_MAX = 4096,
  STACK_BYTES_MIN = 32 * 1024, /* what a fiber that is not freed holds at least: bodies want twice as much of stack */
  PROGRAMS_WEIGHED_MIN = 64,     /* in a worker, for what it holds to be weighed: early, and at its end */
  GROWTH_BYTES_MIN = 16 * 1024,  /* less than that, a runtime may still have been filling its pools */
  DESCRIPTORS_MIN = LOCKSTEP_PIPE_READ_FD_BASE + 2 * LOCKSTEP_PIPES_MAX + 64,
  OUTPUT_BYTES_MAX = 64 * 1024 * 1024,
  FAULT_AROUND_BYTES = 64 * 1024, /* what Linux maps around a page of a shared file that is read */
  DESK_AHEAD_BYTES = 16 * 1024    /* longer than most traces */
};

struct lockstep_desk *lockstep_desk;

static uint32_t leaked;        /* what audits found */
static bool is_forking_worker; /* a fork of our own, not the runtime's */
static struct lockstep_holdings held_at_start;

static void set_limits(void) {
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
  /* A runtime that prints without end gets EFBIG, not all memory. */
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &(struct rlimit){OUTPUT_BYTES_MAX, OUTPUT_BYTES_MAX});
  struct rlimit descriptors;
  getrlimit(RLIMIT_NOFILE, &descriptors);
  if (descriptors.rlim_cur < DESCRIPTORS_MIN) {
    descriptors.rlim_cur = DESCRIPTORS_MIN < descriptors.rlim_max ? DESCRIPTORS_MIN : descriptors.rlim_max;
    setrlimit(RLIMIT_NOFILE, &descriptors);
  }
}

static void set_signals(void) {
  const int defaults[] = {SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM};
  for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) signal(defaults[i], SIG_DFL);
  signal(SIGPIPE, SIG_IGN); /* a write to a pipe without a read end answers EPIPE */
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * Takes a number beyond those of all pipes of a program. What is open at a fork decides how large a table of
 * descriptors the kernel gives the child; to grow it later, in a process of several threads, as each is under qemu-user,
 * means to wait until no processor can be reading the old one, which takes milliseconds. Where the limit is lower, so is the
 * table, and nothing else is different.
 */
static void hold_descriptor_table_open(void) { (void)dup2(STDIN_FILENO, DESCRIPTORS_MIN - 1); }

static void set_streams(int fd) {
  LOCKSTEP_MUST(dup2(fd, STDOUT_FILENO) >= 0, "cannot keep standard output");
  LOCKSTEP_MUST(dup2(fd, STDERR_FILENO) >= 0, "cannot keep standard error");
  /* A line printed right before abort() must not be lost in a buffer. */
  setvbuf(stdout, NULL, _IONBF, 0);
  setvbuf(stderr, NULL, _IONBF, 0);
}

/*
 * Ends the process, which has said on the desk how it leaves. Not by exit: qemu-user throws its translations away before
 * one, page by page, which takes it ten times as long as all else at the end of a worker.
 */
static _Noreturn void end_process(void) {
  for (;;) kill(getpid(), SIGKILL);
}

void lockstep_worker_leave(enum lockstep_leaving how, const sigset_t *interrupted_mask) {
  lockstep_desk->left_behind = leaked | lockstep_surroundings_changed(interrupted_mask);
  lockstep_desk->leaving = how;
  end_process();
}

void lockstep_desk_refuse(const char *why) {
  snprintf(lockstep_desk->refusal, sizeof lockstep_desk->refusal, "%s", why);
  lockstep_desk->leaving = LOCKSTEP_LEFT_REFUSED;
  end_process();
}

/* In a child that a runtime forks: it must not go on in our place. */
static void after_fork_in_child(void) {
  if (lockstep_desk != NULL && !is_forking_worker) lockstep_desk_unmap();
}

void lockstep_worker_become(const struct lockstep_worker *worker, int kept_below) {
  char *memory = worker->memory;
  lockstep_desk = worker->desk;
  munmap(memory, LOCKSTEP_PROGRAMS_OFFSET);
  munmap(memory + LOCKSTEP_TRACES_OFFSET, LOCKSTEP_TRACES_BYTES_MAX);
  mprotect(memory + LOCKSTEP_PROGRAMS_OFFSET, LOCKSTEP_PROGRAMS_BYTES_MAX, PROT_READ);
  pthread_atfork(NULL, NULL, after_fork_in_child);
  set_limits();
  set_signals();
  set_streams(STDIN_FILENO);
  lockstep_close_from(kept_below, worker->output->fd);
  hold_descriptor_table_open();
  lockstep_faults_catch();
  lockstep_program_runner_prepare(worker->runtime);
  lockstep_surroundings_note(worker->output->fd);
  held_at_start = lockstep_holdings_at_a_glance();
}

pid_t lockstep_worker_fork(void) {
  is_forking_worker = true;
  const pid_t pid = lockstep_fork_bound();
  is_forking_worker = false;
  return pid;
}

/* The next program of the batch, checked, and `at_words` moved behind it. */
static struct lockstep_program take_program(const struct lockstep_worker *worker, uint32_t *at_words) {
  const uint32_t end = LOCKSTEP_PROGRAMS_BYTES_MAX / sizeof(int32_t);
  const int32_t *programs = (const int32_t *)((const char *)worker->memory + LOCKSTEP_PROGRAMS_OFFSET);
  struct lockstep_program program;
  const char *wrong = lockstep_program_read(&program, programs + *at_words, end - *at_words);
  if (wrong) lockstep_desk_refuse(wrong);
  *at_words += program.length_words;
  return program;
}

/* How many words of trace the desk has room for. */
static uint32_t room_words(void) { return lockstep_desk_trace_words - lockstep_interpreter.trace.written.end_words; }

/*
 * Maps the part of the desk that the next trace will be written to. A write to a page that this process has not touched
 * maps that page, at a microsecond each; a read maps with it all those around it that the workers before have used.
 */
static void map_desk_ahead(void) {
  static uintptr_t mapped_to;
  const int32_t *words = lockstep_interpreter.trace.words;
  const uintptr_t desk_end = (uintptr_t)(words + lockstep_desk_trace_words);
  const uintptr_t at = (uintptr_t)(words + lockstep_interpreter.trace.written.end_words);
  if (mapped_to < at) mapped_to = at;
  while (mapped_to < at + DESK_AHEAD_BYTES && mapped_to < desk_end) {
    (void)*(const volatile int32_t *)mapped_to;
    mapped_to = (mapped_to & ~(uintptr_t)(FAULT_AROUND_BYTES - 1)) + FAULT_AROUND_BYTES;
  }
}

void lockstep_worker_warm_up(const struct lockstep_worker *worker, uint32_t count) {
  uint32_t at_words = 0;
  set_streams(worker->output->fd);
  for (uint32_t run = 0; run < count; run++) {
    const struct lockstep_program program = take_program(worker, &at_words);
    lockstep_output_clear(worker->output);
    lockstep_program_run(&program, run + 1 == count);
  }
  lockstep_holdings_at_a_glance();
  lockstep_pipes_forget();
  struct lockstep_trace_writer *trace = &lockstep_interpreter.trace;
  *trace = lockstep_trace_writer_over(lockstep_desk, trace->full);
  set_streams(STDIN_FILENO);
  if (lockstep_surroundings_changed(NULL) != 0) end_process();
}

/* Whether fibers that programs left when they were abandoned may be there still: a runtime may free them, and need not. */
static bool may_hold(uint32_t unfreed_fibers) {
  const struct lockstep_holdings now = lockstep_holdings_at_a_glance();
  if (now.mapped_bytes == 0) return true; /* it cannot be told */
  const uint64_t bytes = now.heap_bytes + now.mapped_bytes;
  const uint64_t bytes_at_start = held_at_start.heap_bytes + held_at_start.mapped_bytes;
  return bytes >= bytes_at_start + (uint64_t)unfreed_fibers * STACK_BYTES_MIN;
}

void lockstep_worker_run(const struct lockstep_worker *worker, uint32_t at_words, uint32_t count) {
  set_streams(worker->output->fd);
  const uint32_t warm_count = count >= PROGRAMS_WEIGHED_MIN ? count / 4 : 0;
  struct lockstep_holdings warm = {0};
  uint32_t unfreed_fibers = 0;
  for (uint32_t run = 1; run <= count; run++) {
    const struct lockstep_program program = take_program(worker, &at_words);
    if (run > 1 && program.trace_words_max > room_words()) lockstep_worker_leave(LOCKSTEP_LEFT_EARLY, NULL);
    lockstep_output_clear(worker->output);
    map_desk_ahead();
    const struct lockstep_program_ending ending = lockstep_program_run(&program, run == count);
    leaked |= ending.leaked;
    unfreed_fibers += ending.unfreed_fibers;
    if (run == count) break;
    if (unfreed_fibers > UNFREED_FIBERS_MAX) {
      if (may_hold(unfreed_fibers)) lockstep_worker_leave(LOCKSTEP_LEFT_EARLY, NULL);
      unfreed_fibers = 0;
    }
    if (run % LEAKED_FD_PROBE_PERIOD == 0 && fcntl(LEAKED_FD_PROBE, F_GETFD) != -1) {
      lockstep_desk->grew = 1;
      lockstep_worker_leave(LOCKSTEP_LEFT_EARLY, NULL);
    }
    if (run == warm_count) warm = lockstep_holdings_at_a_glance();
  }
  if (warm_count > 0) {
    const struct lockstep_holdings last = lockstep_holdings_at_a_glance();
    lockstep_desk->grew = lockstep_holdings_grown(&warm, &last, GROWTH_BYTES_MIN) != 0;
  }
  lockstep_worker_leave(LOCKSTEP_LEFT_DONE, NULL);
}
