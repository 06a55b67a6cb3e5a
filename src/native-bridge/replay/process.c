/*
 * Processes and descriptors (see process.h).
 *
 * /proc is read by pid, never as /proc/self: qemu-user answers some of the latter itself.
 */
#include "process.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int64_t lockstep_monotonic_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void close_range_of(unsigned first, unsigned last) {
  if (first > last) return;
#ifdef SYS_close_range
  if (syscall(SYS_close_range, first, last, 0) == 0) return;
#endif
  /* Linux before 5.9, and qemu-user before 8.0. */
  struct rlimit limit = {1024, 1024};
  getrlimit(RLIMIT_NOFILE, &limit);
  const unsigned end = limit.rlim_cur < 65536 ? (unsigned)limit.rlim_cur : 65536;
  for (unsigned fd = first; fd < end && fd <= last; fd++) close((int)fd);
}

void lockstep_close_from(int first, int kept) {
  if (kept >= first) {
    close_range_of((unsigned)first, (unsigned)kept - 1);
    first = kept + 1;
  }
  close_range_of((unsigned)first, ~0u);
}

pid_t lockstep_fork_bound(void) {
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) {
    if (pid > 0) setpgid(pid, pid);
    return pid;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  setpgid(0, 0);
  return 0;
}

/* Reads the start of a file as text. Returns false when there is none. */
static bool read_file(const char *path, char *text, size_t size) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const ssize_t bytes = read(fd, text, size - 1);
  close(fd);
  if (bytes <= 0) return false;
  text[bytes] = 0;
  return true;
}

/* The same of a file of /proc/<pid>. */
static bool read_process_file(pid_t pid, const char *file, char *text, size_t size) {
  char path[96];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
  return read_file(path, text, size);
}

/* Kills our children, as the kernel lists them. */
static void kill_children(void) {
  char file[64];
  char text[4096];
  snprintf(file, sizeof file, "task/%d/children", (int)getpid());
  if (!read_process_file(getpid(), file, text, sizeof text)) return;
  char *rest = text;
  for (char *end; *rest != 0; rest = end) {
    const long pid = strtol(rest, &end, 10);
    if (end == rest) break;
    if (pid > 1) kill((pid_t)pid, SIGKILL);
  }
}

bool lockstep_kill_strays(pid_t group) {
  const int rounds_max = 1000;
  bool had_strays = false;
  for (int round = 0; round < rounds_max; round++) {
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) had_strays = true;
    if (pid < 0) break; /* no children left */
    had_strays = true;
    if (round == 0 && group > 0) kill(-group, SIGKILL);
    kill_children();
    nanosleep(&(struct timespec){0, 1000000}, NULL);
  }
  return had_strays;
}

/* Whether descriptor `fd` of a process is the file. */
static bool holds(pid_t pid, int fd, const struct stat *file) {
  char path[64];
  struct stat held;
  snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
  return stat(path, &held) == 0 && held.st_dev == file->st_dev && held.st_ino == file->st_ino;
}

static bool kill_holder(pid_t pid, const struct stat *file) {
  if (pid <= 1 || pid == getpid()) return false;
  if (!holds(pid, STDOUT_FILENO, file) && !holds(pid, STDERR_FILENO, file)) return false;
  kill(pid, SIGKILL);
  return true;
}

/* The process id that the system gave out last, which is the last number of its line; 0 when it does not say. */
static pid_t youngest_process(void) {
  char text[128];
  if (!read_file("/proc/loadavg", text, sizeof text)) return 0;
  const char *last = strrchr(text, ' ');
  return last ? (pid_t)strtol(last, NULL, 10) : 0;
}

bool lockstep_kill_holders(int fd, pid_t since) {
  const int candidates_max = 256;
  struct stat file;
  bool had_holders = false;
  if (fstat(fd, &file) != 0) return false;
  /* Ids go up until they begin again; while they have not, only those after `since` can stem of it. */
  const pid_t youngest = since > 0 ? youngest_process() : 0;
  if (youngest >= since && youngest - since < candidates_max && since > 0) {
    for (pid_t pid = since; pid <= youngest; pid++) had_holders |= kill_holder(pid, &file);
    return had_holders;
  }
  DIR *processes = opendir("/proc");
  if (processes == NULL) return false;
  for (struct dirent *entry; (entry = readdir(processes)) != NULL;)
    had_holders |= kill_holder((pid_t)strtol(entry->d_name, NULL, 10), &file);
  closedir(processes);
  return had_holders;
}

bool lockstep_is_asleep(pid_t pid) {
  char text[512];
  if (!read_process_file(pid, "stat", text, sizeof text)) return false;
  const char *name_end = strrchr(text, ')'); /* the name may hold anything */
  return name_end != NULL && strncmp(name_end, ") S", 3) == 0;
}

/* In pages; all 0 where there is no such process. */
struct memory {
  unsigned long mapped;
  unsigned long resident;
  unsigned long shared;
};

static struct memory memory_of(pid_t pid) {
  char text[256];
  struct memory memory;
  if (!read_process_file(pid, "statm", text, sizeof text)) return (struct memory){0};
  if (sscanf(text, "%lu %lu %lu", &memory.mapped, &memory.resident, &memory.shared) != 3) return (struct memory){0};
  return memory;
}

uint64_t lockstep_private_bytes(pid_t pid) {
  const struct memory memory = memory_of(pid);
  if (memory.resident < memory.shared) return 0;
  return (uint64_t)(memory.resident - memory.shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t lockstep_mapped_bytes(pid_t pid) {
  return (uint64_t)memory_of(pid).mapped * (uint64_t)sysconf(_SC_PAGESIZE);
}
