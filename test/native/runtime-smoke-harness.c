/*
 * runtime-smoke-harness.c: the shared part of the smoke test (runtime-smoke.h).
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime-smoke.h"

const lockstep_runtime *rt;
lockstep_sched *s;
int64_t log_values[4096];
int log_count;
jmp_buf panic_landing;
bool panic_expected;
char panic_text[256];
int pipes[many_pipes][2];

static void on_panic(const char *message) {
  if (!panic_expected) {
    fprintf(stderr, "unexpected panic: %s\n", message);
    abort();
  }
  snprintf(panic_text, sizeof panic_text, "%s", message);
  longjmp(panic_landing, 1);
}

void test(const char *name, void (*function)(void)) {
  printf("%s\n", name);
  fflush(stdout);
  rt->set_panic_hook(on_panic);
  function();
}

int next_fd(void) {
  int fd = dup(0);
  assert(fd >= 0);
  close(fd);
  return fd;
}

void note(int64_t value) {
  assert(log_count < (int)(sizeof log_values / sizeof *log_values));
  log_values[log_count++] = value;
}

void begin(void) {
  s = rt->create();
  assert(s != NULL && rt->now_ms(s) == 0 && rt->n_spawned(s) == 0 && rt->current(s) == NULL);
}

void run_and_deinit(void) {
  rt->run(s);
  assert(rt->n_suspended(s) == 0);
  rt->deinit(s);
}

void body_three_rounds(void *arg) {
  assert((uintptr_t)__builtin_frame_address(0) % 16 == 0);
  for (int round = 0; round < 3; round++) {
    note((intptr_t)arg);
    rt->yield_now(s);
  }
}
void body_suspend(void *arg) {
  note((intptr_t)arg);
  rt->suspend_self(s);
  note((intptr_t)arg + 1);
}
void body_note(void *arg) { note((intptr_t)arg); }
int64_t work_sleep(void *arg) {
  rt->sleep(s, (intptr_t)arg % 1000);
  note((intptr_t)arg / 1000);
  return (intptr_t)arg % 1000;
}
int64_t work_now(void *arg) { return (intptr_t)arg; }
void wait_and_note(lockstep_task *task) {
  int64_t value = -99;
  note(rt->wait(task, &value) == 0 ? value : -1);
}
void open_pipes(void) {
  for (int i = 0; i < many_pipes; i++) assert(pipe2(pipes[i], O_NONBLOCK | O_CLOEXEC) == 0);
}
void close_pipes(void) {
  for (int i = 0; i < many_pipes; i++) {
    close(pipes[i][0]);
    close(pipes[i][1]);
  }
}
void write_pipe(int i) { assert(write(pipes[i][1], "x", 1) == 1); }
void body_read(void *arg) {
  char byte;
  int i = (int)(intptr_t)arg;
  rt->block_on_fd(s, pipes[i][0], true);
  note(i);
  note(read(pipes[i][0], &byte, 1));
}
void on_idle_write(void *context) {
  note(100);
  write_pipe(*(int *)context);
}

/*
 * Takes the place of the C library's too: with SMOKE_PAGE_BYTES set, the runtime sees a kernel with pages of that size,
 * and its guards must grow with them (C7).
 */
long sysconf(int name) {
  const char *page_bytes = getenv("SMOKE_PAGE_BYTES");
  if (name == _SC_PAGESIZE && page_bytes != NULL) return atol(page_bytes);
  long (*next)(int) = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");
  return next(name);
}

/*
 * Takes the place of the C library's for a runtime linked as a shared library. With SMOKE_BLIND_MADVISE set, it does
 * nothing and reports success, as qemu-user 7.2 does, so that guards must fall back to mprotect.
 */
int madvise(void *address, size_t bytes, int advice);
int madvise(void *address, size_t bytes, int advice) {
  if (getenv("SMOKE_BLIND_MADVISE") != NULL) return 0;
  return (int)syscall(SYS_madvise, address, bytes, advice);
}
