/*
 * The memory of the desk (see desk.h): a memfd of the greatest size, of which a process maps what it needs.
 *
 * Most traces are short, and under qemu-user a mapping costs time for each of its pages, in many places. So the view is
 * small, and a large one only while a program needs it, whose trace may be long.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "desk.h"

#include "must.h"

uint32_t lockstep_desk_trace_words;

static struct lockstep_desk *view;
static int memory_fd = -1;

static size_t view_bytes(void) {
  return LOCKSTEP_DESK_TRACES_OFFSET + (size_t)lockstep_desk_trace_words * sizeof(int32_t);
}

struct lockstep_desk *lockstep_desk_map(uint32_t trace_words) {
  LOCKSTEP_MUST((uint64_t)trace_words * sizeof(int32_t) <= LOCKSTEP_TRACES_BYTES_MAX, "a trace fits the greatest desk");
  if (memory_fd < 0) {
    memory_fd = memfd_create("lockstep-desk", MFD_CLOEXEC);
    LOCKSTEP_MUST(memory_fd >= 0, "no memory for the desk of the workers");
    LOCKSTEP_MUST(ftruncate(memory_fd, (off_t)LOCKSTEP_DESK_BYTES) == 0, "no memory for the desk of the workers");
  }
  if (view != NULL) {
    munmap(view, view_bytes());
    if (trace_words < lockstep_desk_trace_words) { /* what a long trace took goes back to the system */
      const off_t kept = LOCKSTEP_DESK_TRACES_OFFSET + (off_t)trace_words * (off_t)sizeof(int32_t);
      fallocate(memory_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, kept, (off_t)LOCKSTEP_DESK_BYTES - kept);
    }
  }
  lockstep_desk_trace_words = trace_words;
  view = mmap(NULL, view_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memory_fd, 0);
  LOCKSTEP_MUST(view != MAP_FAILED, "no memory for the desk of the workers");
  return view;
}

void lockstep_desk_unmap(void) {
  munmap(view, view_bytes());
  view = NULL;
}
