/*
 * Loads a runtime (see runtime_loader.h).
 *
 * A library's constructors run inside dlopen, and a library under test may do anything there, so a child tries first.
 * RTLD_NOW: a symbol that is missing shows here and not in the middle of a replay (bug B of SPEC section 2).
 */
#include "runtime_loader.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "must.h"
#include "process.h"

/* Texts travel as one line of fields separated by tabs. */
static void make_one_line(char *text) {
  for (char *at = text; *at != 0; at++) {
    if ((unsigned char)*at < ' ' || *at == 0x7f) *at = ' ';
  }
}

__attribute__((format(printf, 3, 4))) static void refuse(struct lockstep_load_report *report, const char *code,
                                                         const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(report->text, sizeof report->text, format, arguments);
  va_end(arguments);
  make_one_line(report->text);
  snprintf(report->code, sizeof report->code, "%s", code);
  report->ok = false;
}

uint32_t lockstep_runtime_hooks(const lockstep_runtime *runtime) {
  return (runtime->set_idle_hook ? LOCKSTEP_HOOK_IDLE : 0u) | (runtime->set_panic_hook ? LOCKSTEP_HOOK_PANIC : 0u);
}

/* The name of a required function that the runtime leaves out, or NULL. */
static const char *missing_function(const lockstep_runtime *runtime) {
#define CHECK(function) \
  if (runtime->function == NULL) return #function
  CHECK(create);
  CHECK(deinit);
  CHECK(spawn);
  CHECK(current);
  CHECK(yield_now);
  CHECK(suspend_self);
  CHECK(wake);
  CHECK(now_ms);
  CHECK(sleep);
  CHECK(block_on_fd);
  CHECK(run);
  CHECK(n_spawned);
  CHECK(n_suspended);
  CHECK(go);
  CHECK(wait);
  CHECK(cancel);
#undef CHECK
  return NULL;
}

const lockstep_runtime *lockstep_runtime_load(const char *path, struct lockstep_load_report *report) {
  char local_path[4096];
  /* Without a slash dlopen would look in the system's folders, not here. */
  snprintf(local_path, sizeof local_path, "%s%s", strchr(path, '/') ? "" : "./", path);
  void *library = dlopen(local_path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    refuse(report, "load", "cannot load %s: %s", path, dlerror());
    return NULL;
  }
  const lockstep_runtime *(*entry)(void) = NULL;
  *(void **)&entry = dlsym(library, "lockstep_runtime_v1"); /* as POSIX shows it */
  if (entry == NULL) {
    refuse(report, "symbol", "%s does not export lockstep_runtime_v1 (include/lockstep.h)", path);
    return NULL;
  }
  const lockstep_runtime *runtime = entry();
  if (runtime == NULL) {
    refuse(report, "abi", "%s: lockstep_runtime_v1() returned NULL", path);
    return NULL;
  }
  if (runtime->abi != LOCKSTEP_RUNTIME_ABI) {
    refuse(report, "abi", "%s has runtime ABI %u, not %u", path, (unsigned)runtime->abi, LOCKSTEP_RUNTIME_ABI);
    return NULL;
  }
  const char *missing = missing_function(runtime);
  if (missing) {
    refuse(report, "abi", "%s: its runtime has no %s (NULL), which is required", path, missing);
    return NULL;
  }
  snprintf(report->text, sizeof report->text, "%.200s", runtime->name && *runtime->name ? runtime->name : "unnamed");
  make_one_line(report->text);
  report->ok = true;
  return runtime;
}

bool lockstep_runtime_probe(const char *path, int32_t time_limit_ms, const struct lockstep_output *output,
                            struct lockstep_load_report *report, bool (*alive)(int wait_ms, int fd)) {
  struct lockstep_load_report *shared =
      mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  LOCKSTEP_MUST(shared != MAP_FAILED, "no memory for the report of a probe");
  const pid_t pid = lockstep_fork_bound();
  LOCKSTEP_MUST(pid >= 0, "cannot fork");
  if (pid == 0) {
    dup2(output->fd, STDOUT_FILENO);
    dup2(output->fd, STDERR_FILENO);
    lockstep_close_from(STDERR_FILENO + 1, -1);
    lockstep_runtime_load(path, shared);
    _exit(0);
  }

  const int64_t deadline_ms = lockstep_monotonic_ms() + time_limit_ms;
  int status = 0;
  bool timed_out = false;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (!timed_out && lockstep_monotonic_ms() >= deadline_ms) {
      timed_out = true;
      kill(pid, SIGKILL);
    }
    alive(5, -1);
  }
  lockstep_kill_strays(pid);
  *report = *shared;
  munmap(shared, sizeof *shared);
  if (report->ok || report->code[0] != 0) return report->ok;
  if (timed_out)
    refuse(report, "crash", "%s did not finish loading within %d ms", path, (int)time_limit_ms);
  else if (WIFSIGNALED(status))
    refuse(report, "crash", "%s crashed while it was loaded: %s", path, strsignal(WTERMSIG(status)));
  else
    refuse(report, "crash", "%s ended the process with status %d while it was loaded", path, WEXITSTATUS(status));
  return false;
}
