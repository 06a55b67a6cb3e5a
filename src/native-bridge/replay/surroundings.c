/*
 * What a program must leave as it found it (see surroundings.h).
 */
#include "surroundings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "encoding.h"
#include "pipes.h"

enum { SIGNALS = 65 /* numbers 1 to 64 */, LIMITS = RLIM_NLIMITS, TIMERS = 3 };

struct surroundings {
  void (*handlers[SIGNALS])(int);
  int handler_flags[SIGNALS];
  sigset_t mask;
  stack_t handler_stack;
  uint64_t threads;
  dev_t directory_device;
  ino_t directory;
  mode_t umask;
  struct rlimit limits[LIMITS];
};

static struct surroundings noted;
static int output_fd;

/* A folder of /proc has a link for itself, one for its parent and one for each folder in it: each thread. */
static uint64_t count_threads(void) {
  struct stat tasks;
  return stat("/proc/self/task", &tasks) == 0 ? tasks.st_nlink : 0;
}

static struct surroundings look(void) {
  struct surroundings found;
  memset(&found, 0, sizeof found);
  for (int number = 1; number < SIGNALS; number++) {
    struct sigaction action;
    if (sigaction(number, NULL, &action) != 0) continue; /* those that the C library keeps for itself */
    found.handlers[number] = action.sa_handler;
    found.handler_flags[number] = action.sa_flags;
  }
  sigprocmask(SIG_SETMASK, NULL, &found.mask);
  sigaltstack(NULL, &found.handler_stack);
  found.threads = count_threads();
  struct stat directory;
  if (stat(".", &directory) == 0) {
    found.directory_device = directory.st_dev;
    found.directory = directory.st_ino;
  }
  found.umask = umask(077);
  umask(found.umask);
  for (int i = 0; i < LIMITS; i++) getrlimit(i, &found.limits[i]);
  return found;
}

void lockstep_surroundings_note(int fd) {
  output_fd = fd;
  noted = look();
}

static bool same_mask(const sigset_t *left, const sigset_t *right) {
  for (int number = 1; number < SIGNALS; number++) {
    if (sigismember(left, number) != sigismember(right, number)) return false;
  }
  return true;
}

static bool same_signals(const struct surroundings *found, const sigset_t *mask) {
  for (int number = 1; number < SIGNALS; number++) {
    if (found->handlers[number] != noted.handlers[number]) return false;
    if (found->handler_flags[number] != noted.handler_flags[number]) return false;
  }
  return same_mask(mask, &noted.mask) && found->handler_stack.ss_sp == noted.handler_stack.ss_sp;
}

static bool timers_are_off(void) {
  const int kinds[TIMERS] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
  for (int i = 0; i < TIMERS; i++) {
    struct itimerval timer;
    if (getitimer(kinds[i], &timer) != 0) continue;
    if (timer.it_value.tv_sec != 0 || timer.it_value.tv_usec != 0) return false;
  }
  return true;
}

static bool descriptors_are_there(void) {
  const int fds[] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, output_fd};
  for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
    if (fcntl(fds[i], F_GETFD) == -1) return false;
  }
  return lockstep_pipes_are_as_left();
}

static bool has_children(void) { return waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD; }

uint32_t lockstep_surroundings_changed(const sigset_t *interrupted_mask) {
  const struct surroundings found = look();
  uint32_t changed = 0;
  if (!descriptors_are_there()) changed |= 1u << LOCKSTEP_LEAK_FDS_BIT;
  if (has_children()) changed |= 1u << LOCKSTEP_LEAK_PROCESSES_BIT;
  if (found.threads != noted.threads) changed |= 1u << LOCKSTEP_LEAK_THREADS_BIT;
  if (!same_signals(&found, interrupted_mask ? interrupted_mask : &found.mask))
    changed |= 1u << LOCKSTEP_LEAK_SIGNALS_BIT;
  if (!timers_are_off()) changed |= 1u << LOCKSTEP_LEAK_TIMERS_BIT;
  if (found.directory != noted.directory || found.directory_device != noted.directory_device)
    changed |= 1u << LOCKSTEP_LEAK_DIRECTORY_BIT;
  if (found.umask != noted.umask) changed |= 1u << LOCKSTEP_LEAK_UMASK_BIT;
  if (memcmp(found.limits, noted.limits, sizeof noted.limits) != 0) changed |= 1u << LOCKSTEP_LEAK_LIMITS_BIT;
  return changed;
}
