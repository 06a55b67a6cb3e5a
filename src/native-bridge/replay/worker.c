/*
 * The loop over the programs of a batch (see worker.h).
 *
 * Nothing of one program may be visible to the next. Most of that is the program runner's; here are the things that
 * pile up in a process when a runtime does not clean up: before descriptors or unfreed fibers could change what a
 * program sees, the worker hands over to a fresh one.
 */
#include "worker.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "batch.h"
#include "faults.h"
#include "process.h"
#include "program_runner.h"

#include "must.h"

enum {
  /* Well below the first pipe: descriptors are given out lowest first, so while this one is free, few are leaked. */
  LEAKED_FD_PROBE = 64,
  LEAKED_FD_PROBE_PERIOD = 16, /* programs between two looks; few enough to stay below the first pipe */
  /* A guarded stack is two mappings, and a process has 65,530 (vm.max_map_count). */
  LEAKED_FIBERS_MAX = 4096,
  DESCRIPTORS_MIN = LOCKSTEP_PIPE_READ_FD_BASE + 2 * LOCKSTEP_PIPES_MAX + 64,
  OUTPUT_BYTES_MAX = 64 * 1024 * 1024
};

struct lockstep_worker_state *lockstep_worker_state;

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
  signal(SIGCHLD, SIG_DFL);
  signal(SIGPIPE, SIG_IGN); /* a write to a pipe without a read end answers EPIPE */
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static void set_streams(const struct lockstep_output *output) {
  LOCKSTEP_MUST(dup2(output->fd, STDOUT_FILENO) >= 0, "cannot keep standard output");
  LOCKSTEP_MUST(dup2(output->fd, STDERR_FILENO) >= 0, "cannot keep standard error");
  /* A line printed right before abort() must not be lost in a buffer. */
  setvbuf(stdout, NULL, _IONBF, 0);
  setvbuf(stderr, NULL, _IONBF, 0);
}

static _Noreturn void hand_over(void) {
  lockstep_worker_state->handed_over = 1;
  _exit(0);
}

_Noreturn void lockstep_worker_run(const struct lockstep_worker *worker) {
  struct lockstep_batch *batch = worker->memory;
  struct lockstep_output *output = worker->output;
  const int32_t *programs = (const int32_t *)((const char *)worker->memory + LOCKSTEP_PROGRAMS_OFFSET);
  const uint32_t programs_words = LOCKSTEP_PROGRAMS_BYTES_MAX / sizeof(int32_t);
  lockstep_worker_state = worker->state;
  set_limits();
  set_signals();
  set_streams(output);
  lockstep_close_from(STDERR_FILENO + 1, output->fd);
  lockstep_faults_catch();
  lockstep_program_runner_prepare(worker->runtime, worker->memory);

  uint32_t at_words = worker->first_words;
  uint32_t leaked_fibers = 0;
  for (uint32_t run = 1; batch->current < batch->programs; run++) {
    struct lockstep_program program;
    const char *wrong = lockstep_program_read(&program, programs + at_words, programs_words - at_words);
    LOCKSTEP_MUST(wrong == NULL, wrong);
    at_words += program.length_words;

    lockstep_output_clear(output);
    leaked_fibers += lockstep_program_run(&program);
    if (leaked_fibers > LEAKED_FIBERS_MAX) hand_over();
    if (run % LEAKED_FD_PROBE_PERIOD == 0 && fcntl(LEAKED_FD_PROBE, F_GETFD) != -1) hand_over();
  }
  _exit(0);
}
