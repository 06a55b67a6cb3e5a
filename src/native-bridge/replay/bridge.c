/*
 * The functions of bridge.h: they own the shared memory, the control socket and the host process of each replayer.
 *
 * All may be called from any thread. Opens are one after another, for there is one report for the process: a caller that
 * opens from several threads keeps each open and the reading of its report together. Replays on different handles run at
 * once. A close during a replay of the same handle ends that replay (-1).
 */
#include "bridge.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "batch.h"
#include "control.h"

#define EXPORT __attribute__((visibility("default")))

enum {
  HANDLES_MAX = 64,
  COMMAND_ARGUMENTS_MAX = 32,
  HOST_ARGUMENTS = 3, /* the runtime and the two limits */
  HOST_START_MS = 10000,               /* for the process, an emulator included, on top of the time limits of loading */
  HOST_END_MS = 3000,                  /* for its own tidying up; then it is killed */
  TRACE_BYTES_KEPT = 8 * 1024 * 1024   /* by trim */
};

/* BUSY: being opened or closed, by one thread, which alone may touch it. */
enum phase { PHASE_FREE, PHASE_BUSY, PHASE_OPEN };

struct replayer {
  enum phase phase;
  uint32_t users; /* replays under way */
  pid_t host;
  int socket;
  int memory_fd;
  void *memory;
  uint32_t trace_words_max; /* of the batches since the last trim */
};

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER; /* held for a whole open; guards the report */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;   /* held for moments; guards the table */
static pthread_cond_t unused = PTHREAD_COND_INITIALIZER;
static struct replayer replayers[HANDLES_MAX];
/* Where the memory of each handle is, in all its lives: whoever looks at a view of it for too long must find something there. */
static void *places[HANDLES_MAX];
static char last_report[LOCKSTEP_REPORT_BYTES];

extern char **environ;

__attribute__((format(printf, 1, 2))) static int32_t refuse_host(const char *format, ...) {
  const int prefix = snprintf(last_report, sizeof last_report, "error\thost\t");
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(last_report + prefix, sizeof last_report - (size_t)prefix, format, arguments);
  va_end(arguments);
  return -1;
}

static void sleep_ms(long ms) { nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL); }

static void **place_of(const struct replayer *replayer) { return &places[replayer - replayers]; }

static bool map_memory(struct replayer *replayer) {
  replayer->memory_fd = memfd_create("lockstep-batch", MFD_CLOEXEC);
  if (replayer->memory_fd < 0) return false;
  if (ftruncate(replayer->memory_fd, LOCKSTEP_BATCH_BYTES) != 0) return false;
  void **place = place_of(replayer);
  void *memory = mmap(*place, LOCKSTEP_BATCH_BYTES, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_NORESERVE | (*place ? MAP_FIXED : 0), replayer->memory_fd, 0);
  if (memory == MAP_FAILED) return false;
  *place = memory;
  replayer->memory = memory;
  return true;
}

static void release(struct replayer *replayer) {
  /* The file gives way to zeros, which take no memory. Where the kernel refuses that, the file stays mapped. */
  if (replayer->memory)
    mmap(replayer->memory, LOCKSTEP_BATCH_BYTES, PROT_READ | PROT_WRITE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  if (replayer->memory_fd >= 0) close(replayer->memory_fd);
  if (replayer->socket >= 0) close(replayer->socket);
  pthread_mutex_lock(&mutex);
  *replayer = (struct replayer){.phase = PHASE_FREE};
  pthread_mutex_unlock(&mutex);
}

/* Splits the command at its newlines and adds the host's own arguments. Returns false when there are too many. */
static bool split_command(char *command, char *const *own, int own_count, char **argv) {
  int count = 0;
  for (char *rest = command, *argument; (argument = strsep(&rest, "\n")) != NULL;) {
    if (count == COMMAND_ARGUMENTS_MAX) return false;
    argv[count++] = argument;
  }
  for (int i = 0; i < own_count; i++) argv[count++] = own[i];
  argv[count] = NULL;
  return true;
}

/*
 * A descriptor above those that the host has at fixed places, in place of `fd`: dup2 in the child must not overwrite one
 * with another. Returns -1 when there is none.
 */
static int lifted(int fd) {
  const int high = fcntl(fd, F_DUPFD_CLOEXEC, LOCKSTEP_MEMORY_FD + 1);
  close(fd);
  return high;
}

/* Starts the host with its end of the socket and the memory. Returns 0 or an errno. */
static int spawn_host(struct replayer *replayer, int host_socket, char **argv) {
  const int memory_fd = fcntl(replayer->memory_fd, F_DUPFD_CLOEXEC, LOCKSTEP_MEMORY_FD + 1);
  if (memory_fd < 0) return errno;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, host_socket, LOCKSTEP_CONTROL_FD);
  posix_spawn_file_actions_adddup2(&actions, memory_fd, LOCKSTEP_MEMORY_FD);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const int error = posix_spawnp(&replayer->host, argv[0], &actions, &attributes, argv, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  close(memory_fd);
  return error;
}

/* Waits for the host's report. Returns 0 when the runtime can be used. */
static int32_t receive_report(const struct replayer *replayer, const char *host_path, int64_t limit_ms) {
  struct pollfd readable = {.fd = replayer->socket, .events = POLLIN};
  int ready;
  do ready = poll(&readable, 1, limit_ms < INT32_MAX ? (int)limit_ms : INT32_MAX);
  while (ready < 0 && errno == EINTR);
  if (ready == 0) return refuse_host("%s did not report within %lld ms", host_path, (long long)limit_ms);
  const ssize_t bytes = recv(replayer->socket, last_report, sizeof last_report - 1, 0);
  if (bytes <= 0) return refuse_host("%s ended before it reported on the runtime", host_path);
  last_report[bytes] = 0;
  return strncmp(last_report, "ok\t", 3) == 0 ? 0 : -1;
}

/* Ends the host, which ends what is under it when its socket closes, and reaps it. */
static void end_host(struct replayer *replayer) {
  if (replayer->host <= 0) return;
  shutdown(replayer->socket, SHUT_RDWR);
  for (int waited_ms = 0; waitpid(replayer->host, NULL, WNOHANG) == 0; waited_ms++) {
    if (waited_ms == HOST_END_MS) kill(replayer->host, SIGKILL); /* its worker dies with it */
    sleep_ms(1);
  }
  replayer->host = 0;
}

static int32_t start(struct replayer *replayer, char *command, const char *runtime_path, int32_t time_limit_ms,
                     int32_t memory_limit_mib) {
  if (time_limit_ms <= 0) return refuse_host("the time limit must be above 0 ms");
  if (memory_limit_mib <= 0) return refuse_host("the memory limit must be above 0 MiB");
  if (!map_memory(replayer)) return refuse_host("cannot map the batch memory: %s", strerror(errno));
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return refuse_host("cannot make a control socket: %s", strerror(errno));
  replayer->socket = ends[0];
  const int host_socket = lifted(ends[1]);

  char time_limit[16];
  char memory_limit[16];
  snprintf(time_limit, sizeof time_limit, "%d", (int)time_limit_ms);
  snprintf(memory_limit, sizeof memory_limit, "%d", (int)memory_limit_mib);
  char *own[HOST_ARGUMENTS] = {(char *)runtime_path, time_limit, memory_limit};
  char *argv[COMMAND_ARGUMENTS_MAX + HOST_ARGUMENTS + 1];
  int error = EMFILE;
  if (host_socket >= 0) {
    error = split_command(command, own, HOST_ARGUMENTS, argv) ? spawn_host(replayer, host_socket, argv) : E2BIG;
    close(host_socket);
  }
  if (error != 0) return refuse_host("cannot start %s: %s", command, strerror(error));
  /* Once for the probe, once for the load itself. */
  return receive_report(replayer, command, 2 * (int64_t)time_limit_ms + HOST_START_MS);
}

/* A free place in the table, made busy; -1 when there is none. */
static int32_t take_handle(void) {
  pthread_mutex_lock(&mutex);
  int32_t handle = 0;
  while (handle < HANDLES_MAX && replayers[handle].phase != PHASE_FREE) handle++;
  if (handle < HANDLES_MAX)
    replayers[handle] = (struct replayer){.phase = PHASE_BUSY, .socket = -1, .memory_fd = -1};
  else
    handle = -1;
  pthread_mutex_unlock(&mutex);
  return handle;
}

static void publish(struct replayer *replayer) {
  pthread_mutex_lock(&mutex);
  replayer->phase = PHASE_OPEN;
  pthread_mutex_unlock(&mutex);
}

EXPORT int32_t lockstep_bridge_open(const char *command, const char *runtime_path, int32_t time_limit_ms,
                                    int32_t memory_limit_mib) {
  pthread_mutex_lock(&opening);
  int32_t handle = take_handle();
  if (handle < 0) {
    refuse_host("more than %d replayers are open", HANDLES_MAX);
  } else {
    struct replayer *replayer = &replayers[handle];
    char *words = strdup(command);
    if (words != NULL && start(replayer, words, runtime_path, time_limit_ms, memory_limit_mib) == 0) {
      publish(replayer);
    } else {
      end_host(replayer);
      release(replayer);
      handle = -1;
    }
    free(words);
  }
  pthread_mutex_unlock(&opening);
  return handle;
}

EXPORT const char *lockstep_bridge_report(void) { return last_report; }

/* The replayer of a handle that is open, or NULL. To be called with the mutex held. */
static struct replayer *find(int32_t handle) {
  if (handle < 0 || handle >= HANDLES_MAX || replayers[handle].phase != PHASE_OPEN) return NULL;
  return &replayers[handle];
}

EXPORT void *lockstep_bridge_memory(int32_t handle) {
  pthread_mutex_lock(&mutex);
  const struct replayer *replayer = find(handle);
  void *memory = replayer ? replayer->memory : NULL;
  pthread_mutex_unlock(&mutex);
  return memory;
}

/* Sends the command and waits for the answer. Returns false when the host is gone. */
static bool exchange(int socket, char command) {
  char answer;
  ssize_t count;
  do count = send(socket, &command, 1, MSG_NOSIGNAL);
  while (count < 0 && errno == EINTR);
  if (count != 1) return false;
  do count = recv(socket, &answer, 1, 0);
  while (count < 0 && errno == EINTR);
  return count == 1 && answer == LOCKSTEP_CONTROL_DONE;
}

EXPORT int32_t lockstep_bridge_memory_fd(int32_t handle) {
  pthread_mutex_lock(&mutex);
  const struct replayer *replayer = find(handle);
  const int32_t fd = replayer ? replayer->memory_fd : -1;
  pthread_mutex_unlock(&mutex);
  return fd;
}

static int32_t order(int32_t handle, char command) {
  pthread_mutex_lock(&mutex);
  struct replayer *replayer = find(handle);
  if (replayer) replayer->users++;
  pthread_mutex_unlock(&mutex);
  if (replayer == NULL) return -1;

  const bool is_done = exchange(replayer->socket, command);
  const uint32_t trace_words = ((const struct lockstep_batch *)replayer->memory)->trace_words;

  pthread_mutex_lock(&mutex);
  if (trace_words > replayer->trace_words_max) replayer->trace_words_max = trace_words;
  replayer->users--;
  pthread_cond_broadcast(&unused);
  pthread_mutex_unlock(&mutex);
  return is_done ? 0 : -1;
}

EXPORT int32_t lockstep_bridge_replay(int32_t handle) { return order(handle, LOCKSTEP_CONTROL_RUN); }

EXPORT int32_t lockstep_bridge_warm_up(int32_t handle) { return order(handle, LOCKSTEP_CONTROL_WARM_UP); }

EXPORT void lockstep_bridge_trim(int32_t handle) {
  pthread_mutex_lock(&mutex);
  struct replayer *replayer = find(handle);
  if (replayer) {
    const uint64_t written = (uint64_t)replayer->trace_words_max * sizeof(int32_t);
    if (written > TRACE_BYTES_KEPT) {
      fallocate(replayer->memory_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                (off_t)LOCKSTEP_TRACES_OFFSET + TRACE_BYTES_KEPT, (off_t)(written - TRACE_BYTES_KEPT + 4096));
      replayer->trace_words_max = 0;
    }
  }
  pthread_mutex_unlock(&mutex);
}

/* Carries out one order of the other end. Returns the byte to answer with. */
static char carry_out(int32_t handle, char what) {
  int32_t status = 0;
  if (what == LOCKSTEP_CONTROL_RUN || what == LOCKSTEP_CONTROL_WARM_UP)
    status = order(handle, what);
  else
    lockstep_bridge_trim(handle);
  return status == 0 ? LOCKSTEP_CONTROL_DONE : LOCKSTEP_CONTROL_LOST;
}

EXPORT int32_t lockstep_bridge_serve(int32_t handle, int32_t fd) {
  for (;;) {
    char byte;
    const ssize_t count = read(fd, &byte, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count != 1) return 0;
    byte = carry_out(handle, byte);
    if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1) return 0;
  }
}

EXPORT void lockstep_bridge_close(int32_t handle) {
  pthread_mutex_lock(&mutex);
  struct replayer *replayer = find(handle);
  if (replayer) {
    replayer->phase = PHASE_BUSY;
    shutdown(replayer->socket, SHUT_RDWR); /* wakes a replay under way, and ends the host */
    while (replayer->users > 0) pthread_cond_wait(&unused, &mutex);
  }
  pthread_mutex_unlock(&mutex);
  if (replayer == NULL) return;
  end_host(replayer);
  release(replayer);
}
