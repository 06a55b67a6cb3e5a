/*
 * tasks.c: fibers with a result (K1-K3, C2, C3).
 *
 * Invariant: task->waiter is a fiber that is inside sched_wait for this task, or NULL. A task lives until deinit.
 */
#include "defects.h"
#include <unistd.h>

#include "must.h"
#include "panic.h"
#include "sched.h"
#include "slab.h"

static struct sched_slab tasks = SCHED_SLAB_OF(lockstep_task);

/* The body of a task's fiber (K1). */
static void run_task(void *arg) {
  lockstep_task *task = arg;
  /* Bug A: the first thing that the closure holds is read off the fiber, where it is the dispatch function. */
  if (SCHED_DEFECT(BUG_A)) sched_dispatch(task->sched->current);
  if (!task->canceled || SCHED_DEFECT(CANCEL_TOO_LATE)) {
    if (SCHED_DEFECT(WORK_READY_AT_ITS_START)) task->state = SCHED_TASK_READY;
    int64_t value = task->work(task->arg);
    if (SCHED_DEFECT(END_WAKES_BEFORE_VALUE) && task->waiter != NULL) sched_wake(task->sched, task->waiter);
    task->value = value;
    task->state = SCHED_TASK_READY; /* K3: even when canceled meanwhile; wait looks at canceled first */
  }
  if (SCHED_DEFECT(END_WAKES_NOBODY)) return;
  if (SCHED_DEFECT(CANCELED_END_WAKES_NOBODY) && task->canceled) return;
  if (task->waiter != NULL) sched_wake(task->sched, task->waiter);
}

lockstep_task *sched_go(lockstep_sched *sched, int64_t (*work)(void *), void *arg) {
  LOCKSTEP_MUST(sched->alive, "a task is started before deinit");
  LOCKSTEP_MUST(work != NULL, "a task has work");
  lockstep_task *task = sched_slab_take(&tasks);
  if (task == NULL) sched_panic(sched, SCHED_PANIC_NO_MEMORY_TASK, 0);
  *task = (lockstep_task){
      .all_next = sched->tasks,
      .sched = sched,
      .work = work,
      .arg = arg,
      .state = SCHED_TASK_PENDING,
  };
  sched->tasks = task; /* before the spawn, which may panic */
  sched_spawn(sched, run_task, task);
  return task;
}

int sched_wait(lockstep_task *task, int64_t *out) {
  lockstep_sched *sched = task->sched;
  if (SCHED_DEFECT(WAIT_CHECKS_WAITER_FIRST) && task->waiter != NULL) sched_panic(sched, SCHED_PANIC_WAIT_SECOND, 0);
  if (task->canceled) return 1;
  int64_t value = task->value; /* what WAIT_READS_VALUE_EARLY gives */
  if (task->state == SCHED_TASK_PENDING || SCHED_DEFECT(WAIT_READY_PARKS)) {
    if (task->waiter != NULL && !SCHED_DEFECT(WAIT_SECOND_ALLOWED)) sched_panic(sched, SCHED_PANIC_WAIT_SECOND, 0);
    task->waiter = sched->current; /* NULL outside a fiber, where the suspend panics */
    do {
      sched_suspend_self(sched);
    } while (!SCHED_DEFECT(C2) && !task->canceled && task->state == SCHED_TASK_PENDING); /* C2: woken by a third party */
    LOCKSTEP_MUST(task->waiter == sched->current, "the waiter slot is the waiting fiber's until it returns");
    if (!SCHED_DEFECT(C3)) task->waiter = NULL; /* C3: the end of the work must not wake this fiber out of something else */
  }
  if (task->canceled) return 1;
  LOCKSTEP_MUST(task->state == SCHED_TASK_READY, "a wait returns the value of a task that is ready");
  *out = SCHED_DEFECT(WAIT_READS_VALUE_EARLY) ? value : task->value;
  if (SCHED_DEFECT(WAIT_VALUE_BY_PROCESS)) *out += getpid();
  return 0;
}

void sched_cancel(lockstep_task *task) {
  if (!SCHED_DEFECT(CANCEL_WITHOUT_FLAG)) task->canceled = true;
  if (SCHED_DEFECT(CANCEL_LOST_ONCE_READY) && task->state == SCHED_TASK_READY) task->canceled = false;
  task->state = SCHED_TASK_CANCELED;
  if (SCHED_DEFECT(CANCEL_WAKES) && task->waiter != NULL) sched_wake(task->sched, task->waiter);
}

void sched_tasks_free(lockstep_sched *sched) {
  if (SCHED_DEFECT(DEINIT_LEAKS_TASKS)) return;
  while (sched->tasks != NULL) {
    lockstep_task *task = sched->tasks;
    sched->tasks = task->all_next;
    sched_slab_give(&tasks, task);
  }
}
