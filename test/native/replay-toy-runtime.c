/*
 * A runtime that nobody on this project would ship: ucontext, lists, a linear search for the next timer, poll(2).
 *
 * It stands for "somebody else's runtime": the replayer may know nothing of it but include/lockstep.h. It follows SPEC
 * section 1 in what the smoke tests use and leaves out what they do not (one waiter per fd, the 2^53 limit, I3).
 * -DTOY_HOOKS gives it both optional hooks. -DTOY_ABI=n lies about the ABI, -DTOY_NO_WAIT leaves out a function,
 * -DTOY_LOAD=1 crashes while it is loaded, 2 hangs there.
 * sleep() of certain times misbehaves, so that one library shows every way to go wrong (enum toy_fault).
 */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "../../include/lockstep.h"

#ifndef TOY_ABI
#define TOY_ABI LOCKSTEP_RUNTIME_ABI
#endif

enum toy_fault {
  FAULT_SEGV = 1001,
  FAULT_EXIT = 1002,
  FAULT_SPIN = 1003,
  FAULT_PRINT_AND_ABORT = 1004,
  FAULT_ABORT = 1005,
  FAULT_STRAY = 1006,
  FAULT_CLOBBER = 1007,
  FAULT_RUNAWAY = 1008
};

enum { STACK_BYTES = 256 * 1024, GUARD_BYTES = 65536 };

enum state { READY, RUNNING, SUSPENDED, DONE };

struct lockstep_fiber {
  ucontext_t context;
  struct lockstep_sched *sched;
  struct lockstep_fiber *next; /* of all fibers */
  struct lockstep_fiber *next_ready;
  enum state state;
  int64_t deadline; /* -1: no timer */
  uint64_t armed;
  int fd; /* -1: no io waiter */
  void (*body)(void *);
  void *arg;
  void *stack;
};

struct lockstep_task {
  struct lockstep_sched *sched;
  struct lockstep_task *next;
  struct lockstep_fiber *waiter;
  int64_t (*work)(void *);
  void *arg;
  int64_t value;
  bool ready;
  bool canceled;
};

struct lockstep_sched {
  ucontext_t loop;
  struct lockstep_fiber *all, *current, *first_ready, *last_ready;
  struct lockstep_task *tasks;
  int64_t clock, spawned, suspended;
  uint64_t armings;
  void (*idle_hook)(void *);
  void *idle_ctx;
  bool deinited;
  struct lockstep_sched *next_dead;
};

static void (*panic_hook)(const char *);

static _Noreturn void die(const char *message) {
  if (panic_hook) panic_hook(message);
  printf("%s\n", message);
  abort();
}

static void append(lockstep_sched *s, lockstep_fiber *f) {
  f->next_ready = NULL;
  if (s->first_ready)
    s->last_ready->next_ready = f;
  else
    s->first_ready = f;
  s->last_ready = f;
}

/* A scheduler stays where it is after deinit, so that a second one does nothing, and becomes the next one created. */
static lockstep_sched *dead;

static lockstep_sched *toy_create(void) {
  lockstep_sched *s = dead;
  if (!s) return calloc(1, sizeof *s);
  dead = s->next_dead;
  *s = (lockstep_sched){0};
  return s;
}

static void toy_deinit(lockstep_sched *s) {
  if (s->current) die("sched: deinit() called inside a fiber");
  if (s->deinited) return;
  s->deinited = true;
  s->next_dead = dead;
  dead = s;
  for (lockstep_fiber *f = s->all, *next; f; f = next) {
    next = f->next;
    munmap(f->stack, STACK_BYTES);
    free(f);
  }
  for (lockstep_task *t = s->tasks, *next; t; t = next) {
    next = t->next;
    free(t);
  }
}

static void entry(unsigned high, unsigned low) {
  lockstep_fiber *f = (lockstep_fiber *)((uintptr_t)high << 32 | low);
  f->body(f->arg);
  f->state = DONE;
  swapcontext(&f->context, &f->sched->loop);
}

static lockstep_fiber *toy_spawn(lockstep_sched *s, void (*body)(void *), void *arg) {
  lockstep_fiber *f = calloc(1, sizeof *f);
  f->sched = s;
  f->body = body;
  f->arg = arg;
  f->deadline = f->fd = -1;
  f->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(f->stack, GUARD_BYTES, PROT_NONE);
  getcontext(&f->context);
  f->context.uc_stack.ss_sp = (char *)f->stack + GUARD_BYTES;
  f->context.uc_stack.ss_size = STACK_BYTES - GUARD_BYTES;
  makecontext(&f->context, (void (*)(void))entry, 2, (unsigned)((uintptr_t)f >> 32), (unsigned)(uintptr_t)f);
  f->next = s->all;
  s->all = f;
  s->spawned++;
  append(s, f);
  return f;
}

static lockstep_fiber *toy_current(lockstep_sched *s) { return s->current; }

static void switch_off(lockstep_sched *s) { swapcontext(&s->current->context, &s->loop); }

static void toy_yield(lockstep_sched *s) {
  if (!s->current) die("sched: yield_now() called outside a fiber (no running fiber)");
  s->current->state = READY;
  switch_off(s);
}

static void toy_suspend(lockstep_sched *s) {
  if (!s->current) die("sched: suspend_self() called outside a fiber (no running fiber)");
  s->current->state = SUSPENDED;
  s->suspended++;
  switch_off(s);
}

static void toy_wake(lockstep_sched *s, lockstep_fiber *f) {
  if (f->state != SUSPENDED) return;
  f->deadline = f->fd = -1;
  f->state = READY;
  s->suspended--;
  append(s, f);
}

static int64_t toy_now(lockstep_sched *s) { return s->clock; }

static void raise_fault(void) {
  volatile int *volatile nowhere = NULL;
  *nowhere = 1;
}

static void misbehave(lockstep_sched *s, int64_t fault) {
  switch (fault) {
    case FAULT_SEGV:
      raise_fault();
      break;
    case FAULT_EXIT:
      _exit(7);
    case FAULT_SPIN:
      for (volatile int i = 0;; i++) continue;
    case FAULT_PRINT_AND_ABORT:
      printf("noise\nsched: printed, then aborted\nmore noise\n");
      abort();
    case FAULT_ABORT:
      abort();
    case FAULT_STRAY:
      if (fork() == 0) {
        setsid();
        for (;;) pause();
      }
      raise_fault();
      break;
    case FAULT_RUNAWAY:
      for (;;) s->all->body(s->all->arg);
    default:
      break;
  }
}

__attribute__((used)) static void toy_sleep(lockstep_sched *s, int64_t ms) {
  if (!s->current) die("sched: sleep() called outside a fiber (no running fiber)");
  if (ms > 1000) {
    misbehave(s, ms);
    return;
  }
  s->current->deadline = s->clock + ms;
  s->current->armed = s->armings++;
  toy_suspend(s);
}

/*
 * sleep(FAULT_CLOBBER) comes back with r15, or d15, lost. In assembly, since a compiler would save it. The replayer's
 * stub keeps a copy of its own, so nothing else is harmed.
 */
void toy_sleep_entry(lockstep_sched *s, int64_t ms);
#if defined(__x86_64__)
__asm__(".text\ntoy_sleep_entry: cmpq $1007, %rsi\n jne toy_sleep\n xorl %r15d, %r15d\n ret");
#elif defined(__aarch64__)
__asm__(".text\ntoy_sleep_entry: cmp x1, #1007\n b.ne toy_sleep\n fmov d15, xzr\n ret");
#endif

static void toy_block(lockstep_sched *s, int32_t fd, bool want_read) {
  if (!s->current) die("sched: block_on_fd() called outside a fiber (no running fiber)");
  if (!want_read) die("sched: block_on_fd(want_read=false) \xe2\x80\x94 write-readiness not implemented");
  s->current->fd = fd;
  toy_suspend(s);
}

static bool fire_timer(lockstep_sched *s) {
  lockstep_fiber *first = NULL;
  for (lockstep_fiber *f = s->all; f; f = f->next) {
    if (f->state != SUSPENDED || f->deadline < 0) continue;
    if (!first || f->deadline < first->deadline || (f->deadline == first->deadline && f->armed < first->armed)) first = f;
  }
  if (!first) return false;
  s->clock = first->deadline;
  toy_wake(s, first);
  return true;
}

static bool wait_for_fds(lockstep_sched *s) {
  struct pollfd fds[256];
  lockstep_fiber *fibers[256];
  nfds_t count = 0;
  for (lockstep_fiber *f = s->all; f; f = f->next) {
    if (f->state != SUSPENDED || f->fd < 0 || count == 256) continue;
    fibers[count] = f;
    fds[count++] = (struct pollfd){.fd = f->fd, .events = POLLIN};
  }
  if (count == 0) return false;
  if (s->idle_hook) s->idle_hook(s->idle_ctx);
  poll(fds, count, -1);
  for (nfds_t i = 0; i < count; i++) {
    if (fds[i].revents) toy_wake(s, fibers[i]);
  }
  return true;
}

static void toy_run(lockstep_sched *s) {
  if (s->current) die("sched: run() called inside a fiber");
  for (;;) {
    while (s->first_ready) {
      lockstep_fiber *f = s->current = s->first_ready;
      s->first_ready = f->next_ready;
      f->state = RUNNING;
      swapcontext(&s->loop, &f->context);
      s->current = NULL;
      if (f->state == READY) append(s, f);
    }
    if (!fire_timer(s) && !wait_for_fds(s)) break;
  }
  if (s->suspended == 0) return;
  static char text[128];
  snprintf(text, sizeof text, "sched: deadlock \xe2\x80\x94 %" PRId64 " fiber(s) suspended with an empty run queue",
           s->suspended);
  die(text);
}

static int64_t toy_spawned(lockstep_sched *s) { return s->spawned; }

static int64_t toy_suspended(lockstep_sched *s) { return s->suspended; }

static void task_body(void *arg) {
  lockstep_task *t = arg;
  if (!t->canceled) {
    t->value = t->work(t->arg);
    t->ready = true;
  }
  if (t->waiter) toy_wake(t->sched, t->waiter);
}

static lockstep_task *toy_go(lockstep_sched *s, int64_t (*work)(void *), void *arg) {
  lockstep_task *t = calloc(1, sizeof *t);
  t->sched = s;
  t->work = work;
  t->arg = arg;
  t->next = s->tasks;
  s->tasks = t;
  toy_spawn(s, task_body, t);
  return t;
}

static int toy_wait(lockstep_task *t, int64_t *value) {
  while (!t->canceled && !t->ready) {
    if (t->waiter) die("sched: wait() \xe2\x80\x94 task already has a waiter (one awaiter per task in the M:1 model)");
    if (t->sched->current) t->waiter = t->sched->current;
    toy_suspend(t->sched);
    t->waiter = NULL;
  }
  if (t->canceled) return 1;
  *value = t->value;
  return 0;
}

static void toy_cancel(lockstep_task *t) { t->canceled = true; }

#ifdef TOY_HOOKS
static void toy_set_idle_hook(lockstep_sched *s, void (*hook)(void *), void *ctx) {
  s->idle_hook = hook;
  s->idle_ctx = ctx;
}

static void toy_set_panic_hook(void (*hook)(const char *)) { panic_hook = hook; }
#else
#define toy_set_idle_hook NULL
#define toy_set_panic_hook NULL
#endif

#ifdef TOY_LOAD
__attribute__((constructor)) static void on_load(void) {
  if (TOY_LOAD == 1) raise(SIGSEGV);
  for (;;) pause();
}
#endif

static const lockstep_runtime runtime = {
    .abi = TOY_ABI,
    .name = "toy\tucontext poll",
    .create = toy_create,
    .deinit = toy_deinit,
    .spawn = toy_spawn,
    .current = toy_current,
    .yield_now = toy_yield,
    .suspend_self = toy_suspend,
    .wake = toy_wake,
    .now_ms = toy_now,
    .sleep = toy_sleep_entry,
    .block_on_fd = toy_block,
    .run = toy_run,
    .n_spawned = toy_spawned,
    .n_suspended = toy_suspended,
    .go = toy_go,
#ifndef TOY_NO_WAIT
    .wait = toy_wait,
#endif
    .cancel = toy_cancel,
    .set_idle_hook = toy_set_idle_hook,
    .set_panic_hook = toy_set_panic_hook,
};

#ifndef TOY_NO_ENTRY
__attribute__((visibility("default"))) const lockstep_runtime *lockstep_runtime_v1(void) { return &runtime; }
#else
__attribute__((visibility("default"))) const lockstep_runtime *not_the_entry(void) { return &runtime; }
#endif
