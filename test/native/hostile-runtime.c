/*
 * A runtime for each way to misbehave: our own scheduler, whose sleep() of HOSTILE_MS + n first does act n of the table
 * at the end and then sleeps as it should. After a sleep of HOSTILE_LATER_MS + n it does so in the next negative one.
 *
 * Built together with src/native-bridge/runtime/, whose entry is renamed: -Dlockstep_runtime_v1=sched_runtime_v1 (see
 * test/support/runtime-builds.ts). The acts are named in `hostile_acts`, from which test/native-hostile.test.ts reads
 * their numbers.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "lockstep.h"

enum { HOSTILE_MS = 7000, HOSTILE_LATER_MS = 9000 };

#undef lockstep_runtime_v1
const lockstep_runtime *sched_runtime_v1(void);

static const lockstep_runtime *good;
static lockstep_runtime hostile;
static void (*panic_hook)(const char *);
static void (*idle_hook)(void *);
static void *idle_context;

static void spin(void) {
  for (volatile int i = 0;; i++) continue;
}

static void deadlock_in_mutex(void) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  pthread_mutex_lock(&mutex);
}

static void exit_0(void) { exit(0); }

static void close_all_fds(void) {
  for (int fd = 0; fd < 1024; fd++) close(fd);
}

static void close_pipes(void) {
  for (int fd = 100; fd < 120; fd++) close(fd);
}

static void signal_group(void) { kill(0, SIGTERM); }

static void signal_parent(void) { kill(getppid(), SIGTERM); }

static void kill_parent(void) {
  kill(getppid(), SIGKILL);
  for (;;) pause();
}

static void stop_parent(void) { kill(getppid(), SIGSTOP); }

/* Stops it again and again, and is never done. */
static void stop_parent_for_ever(void) {
  for (;;) stop_parent();
}

/* Writes over the shared mappings of this process that it can write to, from `skipped` bytes on, a page in 16. */
static void scribble(size_t skipped, size_t bytes_max) {
  static char line[512];
  FILE *maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof line, maps)) {
    unsigned long start, end;
    char access[5];
    if (sscanf(line, "%lx-%lx %4s", &start, &end, access) != 3 || strcmp(access, "rw-s") != 0) continue;
    for (size_t at = skipped; at < skipped + bytes_max && start + at + 4096 <= end; at += 4096)
      memset((char *)start + at, 0x5a, 4096);
  }
  fclose(maps);
}

static void scribble_all(void) { scribble(0, 4 << 20); }

static void scribble_head(void) { scribble(0, 4096); }

static void scribble_traces(void) { scribble(2 << 20, 65536); }

static void fork_twins(void) { (void)!fork(); }

static void fork_daemon(void) {
  if (fork() != 0) return;
  setsid();
  if (fork() != 0) _exit(0);
  for (;;) pause();
}

static void flood(void) {
  static char text[65536];
  memset(text, 'x', sizeof text);
  for (int i = 0; i < 4096; i++) {
    if (write(STDOUT_FILENO, text, sizeof text) < 0) break;
  }
}

static void flood_for_ever(void) {
  for (;;) flood();
}

static void raise_term(void) { raise(SIGTERM); }

static void raise_kill(void) { raise(SIGKILL); }

static void raise_stop(void) { raise(SIGSTOP); }

static void allocate_without_end(void) {
  for (;;) {
    char *block = malloc(1 << 20);
    if (block) memset(block, 1, 1 << 20);
  }
}

static void block_signals(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
}

static void fault(void) {
  volatile int *volatile nowhere = NULL;
  *nowhere = 1;
}

static void block_segv_and_fault(void) {
  block_signals();
  fault();
}

static void ignore_segv_and_fault(void) {
  signal(SIGSEGV, SIG_IGN);
  fault();
}

static void jump_to_0(void) {
  void (*volatile nowhere)(void) = NULL;
  nowhere();
}

/* Returns to where nobody called from, as a body does that goes on past its last switch. */
static __attribute__((noinline)) void return_past_end(void) {
  volatile uint64_t *frame = __builtin_frame_address(0);
  for (int i = 0; i < 8; i++) frame[i] = 0;
}

static void unmap_stack(void) {
  char *page = (char *)((uintptr_t)__builtin_frame_address(0) & ~(uintptr_t)4095);
  munmap(page - 4096, 8192);
}

static void *thread(void *argument) {
  for (;;) pause();
  return argument;
}

static void start_thread(void) {
  pthread_t id;
  pthread_create(&id, NULL, thread, NULL);
}

static void arm_timer_in_1000_s(void) { setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {1000, 0}}, NULL); }

static void wait_for_alarm(void) {
  setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 1000}}, NULL);
  for (;;) pause();
}

static void change_directory(void) { (void)!chdir("/proc"); }

static void change_umask(void) { umask(0123); }

static void change_limits(void) { setrlimit(RLIMIT_NOFILE, &(struct rlimit){700, 700}); }

static void drop_handler_stack(void) { sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL); }

static void panic_at_length(void) {
  static char message[1 << 20];
  memset(message, 'x', sizeof message - 1);
  panic_hook(message);
}

static void panic_in_latin_1(void) { panic_hook("sched: \xe9t\xe9"); }

static void panic_with_null(void) { panic_hook(NULL); }

static void on_signal(int number) {
  (void)number;
  panic_hook("sched: in a handler");
}

static void panic_in_handler(void) {
  signal(SIGUSR1, on_signal);
  raise(SIGUSR1);
}

static void idle_in_fiber(void) { idle_hook(idle_context); }

static void assert_and_abort(void) {
  fprintf(stderr, "hostile.c:7: assertion failed: fiber != NULL\n");
  abort();
}

static void leak_fd(void) { (void)!open("/dev/null", O_RDONLY); }

static void leak_heap(void) {
  volatile char *block = malloc(48);
  block[0] = 1;
}

static void leak_mapping(void) { mmap(NULL, 65536, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

static void nothing(void) {}

#define ACT(name) {#name, name}
static const struct {
  const char *name;
  void (*act)(void);
} hostile_acts[] = {
    ACT(nothing),
    ACT(spin),
    ACT(deadlock_in_mutex),
    ACT(exit_0),
    ACT(close_all_fds),
    ACT(close_pipes),
    ACT(signal_group),
    ACT(signal_parent),
    ACT(scribble_all),
    ACT(scribble_head),
    ACT(scribble_traces),
    ACT(fork_twins),
    ACT(fork_daemon),
    ACT(flood),
    ACT(flood_for_ever),
    ACT(raise_term),
    ACT(raise_kill),
    ACT(raise_stop),
    ACT(allocate_without_end),
    ACT(block_signals),
    ACT(block_segv_and_fault),
    ACT(ignore_segv_and_fault),
    ACT(jump_to_0),
    ACT(return_past_end),
    ACT(unmap_stack),
    ACT(start_thread),
    ACT(arm_timer_in_1000_s),
    ACT(wait_for_alarm),
    ACT(change_directory),
    ACT(change_umask),
    ACT(change_limits),
    ACT(drop_handler_stack),
    ACT(panic_at_length),
    ACT(panic_in_latin_1),
    ACT(panic_with_null),
    ACT(panic_in_handler),
    ACT(idle_in_fiber),
    ACT(assert_and_abort),
    ACT(leak_fd),
    ACT(leak_heap),
    ACT(leak_mapping),
    ACT(kill_parent),
    ACT(stop_parent),
    ACT(stop_parent_for_ever),
};

static void act(int64_t number) {
  if (number >= 0 && number < (int64_t)(sizeof hostile_acts / sizeof hostile_acts[0])) hostile_acts[number].act();
}

static void hostile_sleep(lockstep_sched *sched, int64_t ms) {
  static int64_t put_off = -1;
  if (ms >= HOSTILE_LATER_MS) put_off = ms - HOSTILE_LATER_MS;
  if (ms < 0) {
    const int64_t number = put_off;
    put_off = -1;
    act(number);
  } else {
    act(ms - HOSTILE_MS);
  }
  good->sleep(sched, ms);
}

static void keep_panic_hook(void (*hook)(const char *)) {
  panic_hook = hook;
  good->set_panic_hook(hook);
}

static void keep_idle_hook(lockstep_sched *sched, void (*hook)(void *), void *context) {
  idle_hook = hook;
  idle_context = context;
  good->set_idle_hook(sched, hook, context);
}

__attribute__((visibility("default"))) const lockstep_runtime *lockstep_runtime_v1(void) {
  good = sched_runtime_v1();
  hostile = *good;
  hostile.name = "hostile";
  hostile.sleep = hostile_sleep;
  hostile.set_panic_hook = keep_panic_hook;
  hostile.set_idle_hook = keep_idle_hook;
  return &hostile;
}
