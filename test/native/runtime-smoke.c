/*
 * runtime-smoke.c: the rules of SPEC section 1 on fibers, timers, tasks and fds, each by a small program.
 *
 * Built by scripts/native-check.sh from runtime-smoke*.c and linked with the runtime's library; exits 0 when every
 * check holds. The argument divides the sizes of the large tests, for slow machines such as valgrind.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "runtime-smoke.h"

/* F1, F2: ids 0 1 2 in three rounds (1811). */
static void round_robin(void) {
  begin();
  for (intptr_t i = 0; i < 3; i++) rt->spawn(s, body_three_rounds, (void *)i);
  run_and_deinit();
  EXPECT_LOG(0, 1, 2, 0, 1, 2, 0, 1, 2);
}

/* F2, F3, F4: a yielding fiber stands behind those that it woke and spawned; a second wake does nothing. */
static lockstep_fiber *sleeper;
static void body_wakes_and_spawns(void *arg) {
  (void)arg;
  note(20);
  assert(rt->n_suspended(s) == 1);
  rt->wake(s, sleeper);
  rt->wake(s, sleeper);
  rt->wake(s, rt->current(s));
  rt->spawn(s, body_note, (void *)30);
  rt->yield_now(s);
  note(21);
}
static void wake_order(void) {
  begin();
  sleeper = rt->spawn(s, body_suspend, (void *)10);
  rt->spawn(s, body_wakes_and_spawns, NULL);
  run_and_deinit();
  EXPECT_LOG(10, 20, 11, 30, 21);
}

/* T1, T2: five sleepers with a tie (1814), sleep(0) after the queue has drained, an early wake evicts (1815). */
static void body_sleep(void *arg) {
  rt->sleep(s, (intptr_t)arg % 1000);
  note((intptr_t)arg / 1000);
  note(rt->now_ms(s));
}
static void body_sleep_zero(void *arg) {
  (void)arg;
  rt->sleep(s, 0);
  note(0);
}
static void body_wake_sleeper(void *arg) {
  (void)arg;
  rt->wake(s, sleeper);
  note(2);
}
static void timers(void) {
  begin();
  const int ms[] = {30, 10, 20, 15, 15};
  for (int i = 0; i < 5; i++) rt->spawn(s, body_sleep, (void *)(intptr_t)((i + 1) * 1000 + ms[i]));
  run_and_deinit();
  assert(rt->now_ms(s) == 30);
  EXPECT_LOG(2, 10, 4, 15, 5, 15, 3, 20, 1, 30);

  begin();
  rt->spawn(s, body_sleep_zero, NULL);
  rt->spawn(s, body_three_rounds, (void *)7);
  run_and_deinit();
  EXPECT_LOG(7, 7, 7, 0);

  begin();
  sleeper = rt->spawn(s, body_sleep, (void *)1100);
  rt->spawn(s, body_wake_sleeper, NULL);
  rt->run(s);
  assert(rt->now_ms(s) == 0);
  EXPECT_LOG(2, 1, 0);
  rt->spawn(s, body_sleep, (void *)3005); /* run may be called again, and the clock goes on */
  run_and_deinit();
  EXPECT_LOG(3, 5);
}

/* T2 at size: random deadlines, a third of them evicted, against a stable order. */
enum { many_timers = 1500 };
static lockstep_fiber *many[many_timers];
static int many_deadline[many_timers];
static int fired_last, fired_count;
static bool waking_early;
static void body_many_sleep(void *arg) {
  int i = (int)(intptr_t)arg;
  rt->sleep(s, many_deadline[i]);
  if (waking_early) return;
  assert(rt->now_ms(s) == many_deadline[i]);
  if (fired_last >= 0) {
    assert(many_deadline[fired_last] < many_deadline[i] ||
           (many_deadline[fired_last] == many_deadline[i] && fired_last < i));
  }
  fired_last = i;
  fired_count++;
}
static void body_evict_a_third(void *arg) {
  (void)arg;
  waking_early = true;
  for (int i = 0; i < many_timers; i += 3) rt->wake(s, many[i]);
  rt->yield_now(s);
  waking_early = false;
}
static void timer_heap(void) {
  begin();
  srand(1);
  fired_last = -1;
  fired_count = 0;
  for (int i = 0; i < many_timers; i++) {
    many_deadline[i] = rand() % 200;
    many[i] = rt->spawn(s, body_many_sleep, (void *)(intptr_t)i);
  }
  rt->spawn(s, body_evict_a_third, NULL);
  run_and_deinit();
  assert(fired_count == many_timers - many_timers / 3);
}

/* K1-K3, C2, C3. */
static lockstep_task *task_a, *task_b;
static void body_wait_three(void *arg) {
  (void)arg;
  lockstep_task *tasks[3];
  const int ms[] = {30, 10, 20};
  for (int i = 0; i < 3; i++) tasks[i] = rt->go(s, work_sleep, (void *)(intptr_t)((i + 1) * 1000 + ms[i]));
  for (int i = 0; i < 3; i++) wait_and_note(tasks[i]);
  wait_and_note(tasks[1]); /* a second wait gives the value again */
}
static void body_wait_a(void *arg) {
  (void)arg;
  wait_and_note(task_a);
}
static void body_cancel_a(void *arg) {
  (void)arg;
  rt->cancel(task_a);
}
static void body_wait_a_then_sleep(void *arg) {
  (void)arg;
  wait_and_note(task_a);
  rt->sleep(s, 500);
  note(rt->now_ms(s));
}
static void body_disturb(void *arg) {
  for (int i = 0; i < 3; i++) {
    rt->wake(s, sleeper); /* C2: a third party */
    rt->yield_now(s);
  }
  if (arg != NULL) {
    rt->cancel(task_a);
    rt->wake(s, sleeper);
  }
}
static void tasks(void) {
  begin(); /* 1817 */
  rt->spawn(s, body_wait_three, NULL);
  run_and_deinit();
  assert(rt->n_spawned(s) == 4 && rt->now_ms(s) == 30);
  EXPECT_LOG(2, 3, 1, 30, 10, 20, 10);

  begin(); /* C2: disturbed three times, still the value */
  task_a = rt->go(s, work_sleep, (void *)1040);
  sleeper = rt->spawn(s, body_wait_a, NULL);
  rt->spawn(s, body_disturb, NULL);
  run_and_deinit();
  EXPECT_LOG(1, 40);

  begin(); /* C3, K3: canceled and woken while waiting; the end of the work does not wake it out of its sleep */
  task_a = rt->go(s, work_sleep, (void *)1040);
  sleeper = rt->spawn(s, body_wait_a_then_sleep, NULL);
  rt->spawn(s, body_disturb, (void *)1);
  run_and_deinit();
  EXPECT_LOG(-1, 1, 500);

  begin(); /* K3: before the start, the work is skipped; outside a fiber and without parking */
  task_a = rt->go(s, work_sleep, (void *)1040);
  rt->cancel(task_a);
  wait_and_note(task_a);
  rt->run(s);
  wait_and_note(task_a);
  task_b = rt->go(s, work_now, (void *)5);
  rt->run(s);
  wait_and_note(task_b);
  rt->cancel(task_b); /* after the end: canceled all the same */
  wait_and_note(task_b);
  rt->deinit(s);
  EXPECT_LOG(-1, -1, 5, -1);

  begin(); /* K3: a cancel wakes nobody; the end of the work wakes the waiter, who gets Canceled */
  task_a = rt->go(s, work_sleep, (void *)1040);
  rt->spawn(s, body_wait_a, NULL);
  rt->spawn(s, body_cancel_a, NULL);
  run_and_deinit();
  EXPECT_LOG(1, -1);
}

/* I1, I2, I3. */
static void body_write_all_backwards(void *arg) {
  (void)arg;
  for (int i = many_pipes - 1; i >= 0; i--) write_pipe(i);
}
static void body_wake_reader(void *arg) {
  (void)arg;
  rt->wake(s, sleeper);
  rt->yield_now(s);
  body_read((void *)0); /* the fd is free for another waiter */
}
static void io(void) {
  open_pipes();
  begin(); /* more than 16 ready at once: delivered in the order of the writes */
  for (intptr_t i = 0; i < many_pipes; i++) rt->spawn(s, body_read, (void *)i);
  rt->spawn(s, body_write_all_backwards, NULL);
  run_and_deinit();
  assert(log_count == 2 * many_pipes);
  for (int i = 0; i < many_pipes; i++) assert(log_values[2 * i] == many_pipes - 1 - i && log_values[2 * i + 1] == 1);
  log_count = 0;

  begin(); /* T3, and the idle hook before each wait; the same fd is armed twice */
  int which = 3;
  rt->set_idle_hook(s, on_idle_write, &which);
  rt->spawn(s, body_read, (void *)3);
  rt->spawn(s, body_sleep, (void *)9050);
  rt->run(s);
  rt->spawn(s, body_read, (void *)3);
  run_and_deinit();
  EXPECT_LOG(9, 50, 100, 3, 1, 100, 3, 1);

  begin(); /* F4: an early wake evicts the io waiter and its registration */
  which = 0;
  rt->set_idle_hook(s, on_idle_write, &which);
  sleeper = rt->spawn(s, body_read, (void *)0);
  rt->spawn(s, body_wake_reader, NULL);
  run_and_deinit();
  EXPECT_LOG(0, -1, 100, 0, 1);
  close_pipes();
}

/* C5: signals while waiting; the third one writes. */
static volatile sig_atomic_t alarms;
static void on_alarm(int signal_number) {
  (void)signal_number;
  if (++alarms == 3) {
    ssize_t written = write(pipes[0][1], "x", 1);
    (void)written;
  }
}
static void eintr(void) {
  open_pipes();
  begin();
  alarms = 0;
  struct sigaction action = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval every = {{0, 20000}, {0, 20000}}, never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &every, NULL);
  rt->spawn(s, body_read, (void *)0);
  run_and_deinit();
  setitimer(ITIMER_REAL, &never, NULL);
  assert(alarms >= 3);
  EXPECT_LOG(0, 1);
  close_pipes();
}

/* R3: deinit twice, with fibers that never ran and fibers that hang; the readiness queue is closed. */
static void deinit(void) {
  open_pipes();
  int fd_before = next_fd();
  begin();
  rt->spawn(s, body_read, (void *)0);
  int which = 0;
  rt->set_idle_hook(s, on_idle_write, &which);
  rt->run(s);
  EXPECT_LOG(100, 0, 1);
  assert(next_fd() != fd_before);
  rt->spawn(s, body_note, (void *)1);
  task_a = rt->go(s, work_now, (void *)1);
  rt->deinit(s);
  rt->deinit(s);
  assert(log_count == 0 && next_fd() == fd_before);
  close_pipes();
}

int main(int argc, char **argv) {
  rt = lockstep_runtime_v1();
  assert(rt->abi == LOCKSTEP_RUNTIME_ABI);
  printf("%s\n", rt->name);
  test("three fibers take turns (F1, F2)", round_robin);
  test("a yielding fiber stands behind those that it woke and spawned (F2-F4)", wake_order);
  test("timers fire by deadline, then by order of arming (T1, T2)", timers);
  test("the timer heap keeps its order under evictions (T2, F4)", timer_heap);
  test("tasks give values, survive third parties and cancel in all stages (K1-K3, C2, C3)", tasks);
  test("io waiters wake in the order delivered, 16 at a time (I1-I3)", io);
  test("a signal does not end a wait (C5)", eintr);
  test("deinit frees everything and is idempotent (R3)", deinit);
  test_panics();
  test_limits(argc > 1 ? atoi(argv[1]) : 1);
  printf("ok\n");
  return 0;
}
