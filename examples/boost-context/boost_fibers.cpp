/*
 * boost_fibers.cpp: a fiber library that can be tested by Lockstep, in one file.
 *
 * Boost.Context gives what is hard and different on every machine: a stack with a guard page and a jump from one stack
 * to another. What turns that into a scheduler is here: a first-in-first-out ready queue, a virtual clock with timers,
 * waiting for file descriptors by epoll, and tasks. The letters in comments are the rules of docs/semantics.md.
 *
 * Three things in here are for the test harness and not for a scheduler's own sake; look for "harness":
 * the panic hook, the idle hook, and a struct that outlives deinit().
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <deque>
#include <map>
#include <memory>
#include <new>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/context/detail/fcontext.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>
#include <boost/version.hpp>

#include "lockstep.h"

using boost::context::protected_fixedsize_stack;
using boost::context::stack_context;
using boost::context::detail::fcontext_t;
using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

namespace {

constexpr std::size_t STACK_BYTES = 128 * 1024;
constexpr int64_t CLOCK_MS_MAX = (INT64_C(1) << 53) - 1;
constexpr int EVENTS_MAX = 16;
constexpr int CLOSED = -1;
constexpr int32_t FD_NONE = -1;

enum class State { ready, running, suspended, done };

/* T2's order, said once: the earliest deadline first, and among equal ones the timer that was armed first. */
using TimerKey = std::pair<int64_t /* deadline in ms */, uint64_t /* order of arming */>;

/*
 * A panic ends the program. It never returns, and with a hook it leaves by longjmp: frames between here and the
 * harness are dropped without their destructors. So no caller may hold a std::string, a lock or the like.
 */
void (*panic_hook)(const char *message);

[[noreturn]] __attribute__((format(printf, 1, 2))) void panic(const char *format, ...) {
  static char message[256]; /* not on the stack, which is about to be left */
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  if (panic_hook != nullptr) panic_hook(message); /* harness */
  puts(message);
  fflush(stdout);
  abort();
}

}  // namespace

/* The three handles that lockstep.h declares. What is in them is nobody's business but ours. */

struct lockstep_fiber {
  lockstep_sched *sched;
  void (*body)(void *);
  void *arg;
  stack_context stack;
  fcontext_t context; /* where it goes on when it is resumed */
  State state = State::ready;
  bool has_timer = false;
  TimerKey timer{};
  int32_t fd = FD_NONE; /* what it waits for, if it does */

  lockstep_fiber(lockstep_sched *of, void (*runs)(void *), void *with) : sched(of), body(runs), arg(with) {
    stack = protected_fixedsize_stack(STACK_BYTES).allocate(); /* throws std::bad_alloc */
  }
  lockstep_fiber(const lockstep_fiber &) = delete;
  lockstep_fiber &operator=(const lockstep_fiber &) = delete;
  ~lockstep_fiber() { protected_fixedsize_stack(STACK_BYTES).deallocate(stack); }
};

struct lockstep_task {
  lockstep_sched *sched;
  int64_t (*work)(void *);
  void *arg;
  int64_t value = 0;
  bool is_ready = false;
  bool is_canceled = false;
  lockstep_fiber *waiter = nullptr;

  bool is_pending() const { return !is_ready && !is_canceled; }
};

struct lockstep_sched {
  int64_t clock_ms = 0;
  int64_t n_spawned = 0;
  int64_t n_suspended = 0;
  uint64_t timers_armed = 0;
  lockstep_fiber *current = nullptr;
  fcontext_t run_loop = nullptr; /* where run() goes on when a fiber switches off */
  std::deque<lockstep_fiber *> ready;
  std::map<TimerKey, lockstep_fiber *> timers;
  std::unordered_map<int32_t, lockstep_fiber *> waiter_of_fd;
  int queue = CLOSED; /* epoll */
  std::unordered_map<lockstep_fiber *, std::unique_ptr<lockstep_fiber>> fibers;
  std::vector<std::unique_ptr<lockstep_task>> tasks;
  void (*idle_hook)(void *) = nullptr;
  void *idle_context = nullptr;

  /* R3. Nothing happens the second time. Suspended fibers go as they are: their stacks are not unwound. */
  void clear() {
    current = nullptr;
    ready.clear();
    timers.clear();
    waiter_of_fd.clear();
    fibers.clear();
    tasks.clear();
    if (queue != CLOSED) close(queue);
    queue = CLOSED;
  }
  ~lockstep_sched() { clear(); }
};

namespace {

/*
 * Switching. jump_fcontext(to, data) saves the registers on this stack and goes on at `to`; whoever jumps back hands us
 * where *they* stopped, as .fctx, and that is new each time: it must be kept, or the next jump goes to a stale place.
 */

void switch_to_run_loop(lockstep_fiber *fiber) {
  transfer_t back = jump_fcontext(fiber->sched->run_loop, nullptr);
  fiber->sched->run_loop = back.fctx;
}

/* The first thing on a fiber's own stack. F5: it ends with a last switch, since there is nothing to return to. */
void enter(transfer_t from) {
  lockstep_fiber *fiber = static_cast<lockstep_fiber *>(from.data);
  fiber->sched->run_loop = from.fctx;
  fiber->body(fiber->arg);
  fiber->state = State::done;
  switch_to_run_loop(fiber);
  abort(); /* nobody resumes a fiber that is done */
}

void resume(lockstep_sched *sched, lockstep_fiber *fiber) {
  sched->current = fiber;
  fiber->state = State::running;
  transfer_t back = jump_fcontext(fiber->context, fiber);
  fiber->context = back.fctx;
  sched->current = nullptr;
  if (fiber->state == State::ready) sched->ready.push_back(fiber); /* F2: behind those it woke before it yielded */
  if (fiber->state == State::done) sched->fibers.erase(fiber);     /* F5: we are off its stack now */
}

/*
 * The functions of the table, in the order of lockstep.h. They are called from C, so no exception may leave them:
 * noexcept makes one that would end the process where it is, not somewhere in the harness.
 */

/*
 * harness: the last scheduler is freed here and not in deinit(), which may be called twice. That also frees one that
 * was left by longjmp in a hook. One scheduler is alive at a time, so one pointer will do.
 */
lockstep_sched *create() noexcept {
  static lockstep_sched *last;
  delete last;
  last = new lockstep_sched;
  return last;
}

void deinit(lockstep_sched *sched) noexcept {
  if (sched->current != nullptr) panic("sched: deinit() called inside a fiber"); /* C6 */
  sched->clear();
}

/* F1 */
lockstep_fiber *spawn(lockstep_sched *sched, void (*body)(void *), void *arg) noexcept {
  lockstep_fiber *fiber = nullptr;
  try {
    fiber = new lockstep_fiber(sched, body, arg);
  } catch (const std::bad_alloc &) { /* M1 */
    panic("sched: out of memory allocating a Fiber");
  }
  fiber->context = make_fcontext(fiber->stack.sp, STACK_BYTES, enter);
  sched->fibers.emplace(fiber, fiber);
  sched->n_spawned++;
  sched->ready.push_back(fiber);
  return fiber;
}

lockstep_fiber *current(lockstep_sched *sched) noexcept { return sched->current; }

/* F2 */
void yield_now(lockstep_sched *sched) noexcept {
  if (sched->current == nullptr) panic("sched: yield_now() called outside a fiber (no running fiber)");
  sched->current->state = State::ready;
  switch_to_run_loop(sched->current);
}

/* F3 */
void suspend_self(lockstep_sched *sched) noexcept {
  if (sched->current == nullptr) panic("sched: suspend_self() called outside a fiber (no running fiber)");
  sched->current->state = State::suspended;
  sched->n_suspended++;
  switch_to_run_loop(sched->current);
}

/* F4. The one way back to the ready queue, so that a fiber never leaves a timer or a waiter behind. */
void wake(lockstep_sched *sched, lockstep_fiber *fiber) noexcept {
  if (fiber->state != State::suspended) return;
  if (fiber->has_timer) {
    sched->timers.erase(fiber->timer);
    fiber->has_timer = false;
  }
  if (fiber->fd != FD_NONE) {
    sched->waiter_of_fd.erase(fiber->fd);
    epoll_ctl(sched->queue, EPOLL_CTL_DEL, fiber->fd, nullptr); /* fails when it is closed, and gone, already */
    fiber->fd = FD_NONE;
  }
  sched->n_suspended--;
  fiber->state = State::ready;
  sched->ready.push_back(fiber);
}

int64_t now_ms(lockstep_sched *sched) noexcept { return sched->clock_ms; }

/* T1 */
void sleep_ms(lockstep_sched *sched, int64_t ms) noexcept {
  lockstep_fiber *fiber = sched->current;
  if (fiber == nullptr) panic("sched: sleep() called outside a fiber (no running fiber)");
  if (ms < 0) panic("sched: sleep(%" PRId64 ") — negative duration would rewind the virtual clock", ms);
  if (ms > CLOCK_MS_MAX - sched->clock_ms) /* C4: subtracted, since the sum could overflow */
    panic("sched: sleep(%" PRId64 ") — deadline overflows the virtual clock", ms);
  fiber->timer = {sched->clock_ms + ms, sched->timers_armed++};
  fiber->has_timer = true;
  sched->timers.emplace(fiber->timer, fiber);
  suspend_self(sched);
}

/* I1. The order of the checks is part of the rule. */
void block_on_fd(lockstep_sched *sched, int32_t fd, bool want_read) noexcept {
  lockstep_fiber *fiber = sched->current;
  if (fiber == nullptr) panic("sched: block_on_fd() called outside a fiber (no running fiber)");
  if (!want_read) panic("sched: block_on_fd(want_read=false) — write-readiness not implemented");
  if (sched->waiter_of_fd.count(fd) != 0)
    panic("sched: block_on_fd: fd %" PRId32 " already has a waiter (one waiter per fd in the M:1 model)", fd);
  if (sched->queue == CLOSED) sched->queue = epoll_create1(EPOLL_CLOEXEC);
  if (sched->queue == CLOSED) panic("sched: failed to open the event queue");
  epoll_event event{};
  event.events = EPOLLIN | EPOLLONESHOT;
  event.data.fd = fd;
  if (epoll_ctl(sched->queue, EPOLL_CTL_ADD, fd, &event) != 0)
    panic("sched: epoll_ctl() failed to register fd %" PRId32 " for read readiness", fd);
  fiber->fd = fd;
  sched->waiter_of_fd.emplace(fd, fiber);
  suspend_self(sched);
}

/* T2: one timer a time; run() drains the ready queue before it fires the next. */
void fire_earliest_timer(lockstep_sched *sched) {
  auto [key, fiber] = *sched->timers.begin();
  sched->clock_ms = key.first;
  wake(sched, fiber);
}

/* I2. Events come in the order of the kernel's ready list, which is I3's. */
void wait_for_fds(lockstep_sched *sched) {
  if (sched->idle_hook != nullptr) sched->idle_hook(sched->idle_context); /* harness */
  epoll_event events[EVENTS_MAX];
  int count;
  do {
    count = epoll_wait(sched->queue, events, EVENTS_MAX, -1);
  } while (count < 0 && errno == EINTR); /* C5: a signal is no failure */
  if (count < 0) panic("sched: epoll_wait() failed while blocking on fd readiness");
  for (int i = 0; i < count; i++) {
    auto waiter = sched->waiter_of_fd.find(events[i].data.fd);
    if (waiter != sched->waiter_of_fd.end()) wake(sched, waiter->second);
  }
}

/* R1, R2 */
void run(lockstep_sched *sched) noexcept {
  if (sched->current != nullptr) panic("sched: run() called inside a fiber"); /* C6 */
  for (;;) {
    while (!sched->ready.empty()) {
      lockstep_fiber *fiber = sched->ready.front();
      sched->ready.pop_front();
      resume(sched, fiber);
    }
    if (!sched->timers.empty()) { /* T3: timers before fds */
      fire_earliest_timer(sched);
    } else if (!sched->waiter_of_fd.empty()) {
      wait_for_fds(sched);
    } else {
      break;
    }
  }
  if (sched->n_suspended != 0)
    panic("sched: deadlock — %" PRId64 " fiber(s) suspended with an empty run queue", sched->n_suspended);
}

int64_t n_spawned(lockstep_sched *sched) noexcept { return sched->n_spawned; }

int64_t n_suspended(lockstep_sched *sched) noexcept { return sched->n_suspended; }

/* The body of a task's fiber (K1). */
void run_task(void *arg) {
  lockstep_task *task = static_cast<lockstep_task *>(arg);
  if (!task->is_canceled) { /* K3: canceled before it began, so it never does */
    task->value = task->work(task->arg);
    task->is_ready = true;
  }
  if (task->waiter != nullptr) wake(task->sched, task->waiter);
}

/* K1 */
lockstep_task *go(lockstep_sched *sched, int64_t (*work)(void *), void *arg) noexcept {
  lockstep_task *task = new (std::nothrow) lockstep_task{sched, work, arg};
  if (task == nullptr) panic("sched: out of memory allocating a Task"); /* M1 */
  sched->tasks.emplace_back(task);
  spawn(sched, run_task, task);
  return task;
}

/* K2 */
int wait(lockstep_task *task, int64_t *value) noexcept {
  if (task->is_pending() && task->waiter != nullptr)
    panic("sched: wait() — task already has a waiter (one awaiter per task in the M:1 model)");
  while (task->is_pending()) { /* C2: somebody else's wake is no result, so park again */
    task->waiter = task->sched->current;
    suspend_self(task->sched);
  }
  if (task->waiter == task->sched->current) task->waiter = nullptr; /* C3: our slot, and only ours */
  if (task->is_canceled) return 1;
  *value = task->value;
  return 0;
}

/* K3: wakes nobody. Whoever waits learns of it when the work ends, or when somebody wakes it. */
void cancel(lockstep_task *task) noexcept { task->is_canceled = true; }

#ifndef NO_HOOKS
void set_idle_hook(lockstep_sched *sched, void (*hook)(void *), void *context) noexcept {
  sched->idle_hook = hook;
  sched->idle_context = context;
}

void set_panic_hook(void (*hook)(const char *)) noexcept { panic_hook = hook; }
#else
constexpr decltype(lockstep_runtime::set_idle_hook) set_idle_hook = nullptr;
constexpr decltype(lockstep_runtime::set_panic_hook) set_panic_hook = nullptr;
#endif

/* In the order of lockstep.h: C++17 has no names here. */
const lockstep_runtime runtime = {
    LOCKSTEP_RUNTIME_ABI,
    "boost-context " BOOST_LIB_VERSION,
    create,
    deinit,
    spawn,
    current,
    yield_now,
    suspend_self,
    wake,
    now_ms,
    sleep_ms,
    block_on_fd,
    run,
    n_spawned,
    n_suspended,
    go,
    wait,
    cancel,
    set_idle_hook,
    set_panic_hook,
};

}  // namespace

/* Built with -fvisibility=hidden: this is the one symbol that leaves the library. */
extern "C" __attribute__((visibility("default"))) const lockstep_runtime *lockstep_runtime_v1(void) { return &runtime; }
