/*
 * lockstep-host: the small process between Node and a runtime under test.
 *
 *   artefact                 made of
 *   lockstep-host            all *.c here but bridge.c, and one of checked_call_x86_64.S, checked_call_aarch64.S  (-ldl)
 *   liblockstep_bridge.so    bridge.c                                                 (-fPIC -shared, hidden)
 *
 * Started by bridge.c as `lockstep-host <runtime> <time limit in ms> <memory limit in MiB>`, with a control socket at
 * descriptor 3 and the batch memory at 4. It reports what the runtime is, then runs a batch for each byte that it is
 * sent and answers with one. It is small so that a fork costs little, and it loads the runtime so that a worker, its
 * fork, need not.
 *
 * Invariant: it does not outlive the other end of the socket, and nothing under it outlives it: workers die with their
 * parent, and what they leave behind becomes a child of this process and is killed. Under qemu-user 7.2, which has no
 * subreapers, what is left behind is known by the output that it inherited; only a process that has closed that escapes.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "batch.h"
#include "control.h"
#include "process.h"
#include "runtime_loader.h"
#include "supervisor.h"

#include "must.h"

static struct lockstep_output output;
static bool is_subreaper;

static void on_child(int number) { (void)number; }

/* Ends this process and all under it, for the caller is gone. */
static _Noreturn void end_host(void) {
  lockstep_kill_strays(0);
  if (!is_subreaper) lockstep_kill_holders(output.fd, 0);
  _exit(0);
}

/*
 * Waits at most `wait_ms` for a child's end, or for `fd` (-1: none) to be readable; returns whether it is. SIGCHLD is
 * blocked but for here, so none is missed. Between batches no byte may come, so one that does means a broken caller.
 */
static bool wait_alive(int wait_ms, int fd) {
  struct pollfd awaited[] = {{.fd = fd, .events = POLLIN}, {.fd = LOCKSTEP_CONTROL_FD, .events = POLLIN}};
  const struct timespec limit = {wait_ms / 1000, (long)(wait_ms % 1000) * 1000000};
  sigset_t none;
  sigemptyset(&none);
  if (ppoll(awaited, 2, &limit, &none) <= 0) return false;
  if (awaited[1].revents != 0) end_host();
  return awaited[0].revents != 0;
}

static void send_control(const void *bytes, size_t count) {
  ssize_t sent;
  do sent = send(LOCKSTEP_CONTROL_FD, bytes, count, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent != (ssize_t)count) end_host();
}

/* Waits for the next command of the caller. */
static char receive_command(void) {
  char command;
  ssize_t received;
  do received = recv(LOCKSTEP_CONTROL_FD, &command, 1, 0);
  while (received < 0 && errno == EINTR);
  if (received != 1 || (command != LOCKSTEP_CONTROL_RUN && command != LOCKSTEP_CONTROL_WARM_UP)) end_host();
  return command;
}

static void report(const struct lockstep_load_report *load, uint32_t hooks) {
  char line[LOCKSTEP_REPORT_BYTES];
  int bytes;
  if (load->ok)
    bytes = snprintf(line, sizeof line, "ok\t%s\t%u", load->text, (unsigned)hooks);
  else
    bytes = snprintf(line, sizeof line, "error\t%s\t%s", load->code, load->text);
  send_control(line, (size_t)bytes);
}

/* Leaves the terminal, so that its ^C is Node's alone, and keeps none of Node's descriptors but standard error. */
static void detach(void) {
  setsid();
  prctl(PR_SET_NAME, "lockstep-host");
  is_subreaper = prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
  const int null = open("/dev/null", O_RDWR);
  LOCKSTEP_MUST(null >= 0, "cannot open /dev/null");
  dup2(null, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  if (fcntl(STDERR_FILENO, F_GETFD) == -1) dup2(null, STDERR_FILENO); /* Node gives its own to no program that it starts */
  lockstep_close_from(LOCKSTEP_MEMORY_FD + 1, -1);
  fcntl(LOCKSTEP_CONTROL_FD, F_SETFD, FD_CLOEXEC);

  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_SETMASK, &child, NULL);
  signal(SIGCHLD, on_child);
  /* A runtime may signal its parent. The caller ends us by the socket, or by SIGKILL. */
  const int ignored[] = {SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM};
  for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) signal(ignored[i], SIG_IGN);
}

int main(int argc, char **argv) {
  LOCKSTEP_MUST(argc == 4, "usage: lockstep-host <runtime> <limit in ms> <limit in MiB>; started by the bridge");
  const char *runtime_path = argv[1];
  const int32_t time_limit_ms = (int32_t)strtol(argv[2], NULL, 10);
  const long memory_limit_mib = strtol(argv[3], NULL, 10);
  LOCKSTEP_MUST(time_limit_ms > 0, "the time limit is not above 0");
  LOCKSTEP_MUST(memory_limit_mib > 0, "the memory limit is not above 0");
  detach();

  void *memory = mmap(NULL, LOCKSTEP_BATCH_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                      LOCKSTEP_MEMORY_FD, 0);
  LOCKSTEP_MUST(memory != MAP_FAILED, "cannot map the batch memory");
  close(LOCKSTEP_MEMORY_FD);
  LOCKSTEP_MUST(lockstep_output_open(&output), "no memory for the worker's output");

  struct lockstep_load_report load = {0};
  const lockstep_runtime *runtime = NULL;
  if (lockstep_runtime_probe(runtime_path, time_limit_ms, &output, &load, wait_alive))
    runtime = lockstep_runtime_load(runtime_path, &load);
  report(&load, runtime ? lockstep_runtime_hooks(runtime) : 0);
  if (runtime == NULL) return 1;

  struct lockstep_supervisor supervisor = {
      .worker = {.runtime = runtime, .memory = memory, .desk = lockstep_desk_map(LOCKSTEP_DESK_TRACE_WORDS), .output = &output},
      .hooks = lockstep_runtime_hooks(runtime),
      .time_limit_ms = time_limit_ms,
      .memory_limit_bytes = (uint64_t)memory_limit_mib << 20,
      .is_subreaper = is_subreaper,
      .alive = wait_alive,
  };
  for (;;) {
    if (receive_command() == LOCKSTEP_CONTROL_RUN)
      lockstep_supervisor_run(&supervisor);
    else
      lockstep_supervisor_warm_up(&supervisor);
    send_control(&(char){LOCKSTEP_CONTROL_DONE}, 1);
  }
}
