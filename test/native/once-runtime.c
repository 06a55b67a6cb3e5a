/*
 * Our scheduler, but for one create() of all that there ever are, in whichever process: the ACT_AT-th stalls for good, or with -DACT_TRAP ends in SIGILL.
 * So a program fails that agrees when it is replayed.
 *
 * Built as test/native/hostile-runtime.c is. -DCOUNT_FILE="PATH" names the file that holds a byte for each create().
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lockstep.h"

#undef lockstep_runtime_v1
const lockstep_runtime *sched_runtime_v1(void);

static const lockstep_runtime *good;
static lockstep_runtime counting;

static lockstep_sched *create(void) {
  struct stat file = {.st_size = 0};
  const int fd = open(COUNT_FILE, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, "", 1) != 1 || fstat(fd, &file) != 0) __builtin_trap();
  close(fd);
  if (file.st_size == ACT_AT) {
#ifdef ACT_TRAP
    __builtin_trap();
#else
    for (;;) pause();
#endif
  }
  return good->create();
}

__attribute__((visibility("default"))) const lockstep_runtime *lockstep_runtime_v1(void) {
  good = sched_runtime_v1();
  counting = *good;
  counting.create = create;
  return &counting;
}
