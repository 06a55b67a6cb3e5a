/*
 * Our scheduler in a storm: from create() to deinit() a SIGALRM comes every 100 microseconds, with a handler and without
 * SA_RESTART, so that every system call that can be interrupted is (C5).
 *
 * Built as test/native/hostile-runtime.c is. -DSTORM_NO_HOOKS leaves out both hooks, so that I2's wait really waits.
 */
#include <signal.h>
#include <stddef.h>
#include <sys/time.h>

#include "lockstep.h"

#undef lockstep_runtime_v1
const lockstep_runtime *sched_runtime_v1(void);

static const lockstep_runtime *good;
static lockstep_runtime stormy;
static struct sigaction before;

static void on_alarm(int number) { (void)number; }

static void set_storm(long period_us) {
  setitimer(ITIMER_REAL, &(struct itimerval){{0, period_us}, {0, period_us}}, NULL);
}

static lockstep_sched *create(void) {
  const struct sigaction action = {.sa_handler = on_alarm};
  struct sigaction replaced;
  sigaction(SIGALRM, &action, &replaced);
  if (replaced.sa_handler != on_alarm) before = replaced; /* a program that panicked has left the storm on */
  set_storm(100);
  return good->create();
}

static void deinit(lockstep_sched *sched) {
  good->deinit(sched);
  set_storm(0);
  sigaction(SIGALRM, &before, NULL);
}

__attribute__((visibility("default"))) const lockstep_runtime *lockstep_runtime_v1(void) {
  good = sched_runtime_v1();
  stormy = *good;
  stormy.create = create;
  stormy.deinit = deinit;
#ifdef STORM_NO_HOOKS
  stormy.set_idle_hook = NULL;
  stormy.set_panic_hook = NULL;
#endif
  return &stormy;
}
