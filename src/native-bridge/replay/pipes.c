/*
 * The pipes of a program (see pipes.h).
 *
 * The k-th byte ever written to a pipe is k mod 251, so the bytes of any write stand somewhere in one fixed pattern and
 * writing and checking copy nothing. An answer of the system that no pipe of ours can give means that the runtime has
 * touched descriptors that are not its own: the worker then aborts, which the trace shows as a crash.
 */
#include "pipes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "must.h"

static unsigned char pattern[LOCKSTEP_PIPE_PATTERN + LOCKSTEP_PIPE_BYTES_MAX];
static unsigned char buffer[LOCKSTEP_PIPE_BYTES_MAX];
static uint32_t used; /* pipes of the program at hand */

/* What there is of a pipe at its descriptors, from the last program that opened it. */
static struct {
  bool is_opened;   /* by the program at hand: the desk then has what there is */
  bool has_read_end;
  bool has_write_end;
  size_t bytes;
} kept[LOCKSTEP_PIPES_MAX];

static struct lockstep_pipe *pipe_at(uint32_t number) { return &lockstep_desk->pipes[number]; }

static int read_fd(uint32_t number) { return lockstep_pipe_read_fd(number); }

static int write_fd(uint32_t number) { return lockstep_pipe_read_fd(number) + 1; }

/* Bytes that were written and not read yet. */
static size_t left_in(const struct lockstep_pipe *pipe) { return (size_t)(pipe->written - pipe->taken); }

/* The program at hand has ended, or is looked at: what it has opened is what there is. */
static void keep(uint32_t number) {
  if (!kept[number].is_opened) return;
  const struct lockstep_pipe *pipe = pipe_at(number);
  kept[number].has_read_end = pipe->read_open;
  kept[number].has_write_end = pipe->write_open;
  kept[number].bytes = left_in(pipe);
}

void lockstep_pipes_begin(uint32_t count) {
  for (uint32_t number = 0; number < used; number++) {
    keep(number);
    kept[number].is_opened = false;
  }
  for (uint32_t number = 0; number < count; number++) {
    *pipe_at(number) = (struct lockstep_pipe){.read_open = true, .write_open = true};
  }
  used = count;
  if (pattern[1] == 0) {
    for (size_t i = 0; i < sizeof pattern; i++) pattern[i] = (unsigned char)(i % LOCKSTEP_PIPE_PATTERN);
  }
}

void lockstep_pipes_forget(void) {
  for (uint32_t number = 0; number < LOCKSTEP_PIPES_MAX; number++) {
    keep(number);
    if (kept[number].has_read_end) close(read_fd(number));
    if (kept[number].has_write_end) close(write_fd(number));
  }
  memset(kept, 0, sizeof kept);
  used = 0;
}

/* Whether the descriptors of a pipe are there, but for ends that are closed, with the bytes that it was left with. */
static bool is_as_left(uint32_t number) {
  int bytes = 0;
  keep(number);
  if (kept[number].has_write_end && fcntl(write_fd(number), F_GETFD) == -1) return false;
  return !kept[number].has_read_end ||
         (ioctl(read_fd(number), FIONREAD, &bytes) == 0 && (size_t)bytes == kept[number].bytes);
}

bool lockstep_pipes_are_as_left(void) {
  for (uint32_t number = 0; number < LOCKSTEP_PIPES_MAX; number++) {
    if (!is_as_left(number)) return false;
  }
  return true;
}

/* Whether the pipe that is there has both ends and is empty, or now made so. */
static bool is_as_new(uint32_t number) {
  if (!kept[number].has_read_end || !kept[number].has_write_end) return false;
  const size_t bytes = kept[number].bytes;
  return bytes == 0 || (bytes <= sizeof buffer && read(read_fd(number), buffer, sizeof buffer) == (ssize_t)bytes);
}

/* Makes a pipe at its descriptors, in place of what there is. */
static void make(uint32_t number) {
  int ends[2];
  LOCKSTEP_MUST(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0, "no descriptors left for a pipe");
  LOCKSTEP_MUST(dup3(ends[0], read_fd(number), O_CLOEXEC) >= 0, "cannot place the read end of a pipe");
  LOCKSTEP_MUST(dup3(ends[1], write_fd(number), O_CLOEXEC) >= 0, "cannot place the write end of a pipe");
  close(ends[0]);
  close(ends[1]);
}

void lockstep_pipe_open(uint32_t number) {
  if (kept[number].is_opened) return;
  if (!is_as_new(number)) make(number);
  kept[number].is_opened = true;
}

struct lockstep_pipe_result lockstep_pipe_write(uint32_t number, uint32_t bytes) {
  struct lockstep_pipe *pipe = pipe_at(number);
  if (!pipe->write_open) return (struct lockstep_pipe_result){.result = LOCKSTEP_RESULT_CLOSED};
  if (pipe->read_open && left_in(pipe) + bytes > LOCKSTEP_PIPE_BYTES_MAX)
    return (struct lockstep_pipe_result){.result = LOCKSTEP_RESULT_FULL};
  lockstep_pipe_open(number);
  const ssize_t count = write(write_fd(number), pattern + pipe->written % LOCKSTEP_PIPE_PATTERN, bytes);
  if (count < 0) {
    if (errno != EPIPE) abort();
    return (struct lockstep_pipe_result){.result = LOCKSTEP_RESULT_BROKEN};
  }
  pipe->written += (uint64_t)count;
  return (struct lockstep_pipe_result){.result = LOCKSTEP_RESULT_VALUE, .count = (int32_t)count};
}

struct lockstep_pipe_result lockstep_pipe_read(uint32_t number, uint32_t bytes) {
  struct lockstep_pipe *pipe = pipe_at(number);
  if (!pipe->read_open) return (struct lockstep_pipe_result){.result = LOCKSTEP_RESULT_CLOSED};
  lockstep_pipe_open(number);
  const ssize_t count = read(read_fd(number), buffer, bytes);
  if (count < 0) {
    if (errno != EAGAIN) abort();
    return (struct lockstep_pipe_result){.result = LOCKSTEP_RESULT_EMPTY};
  }
  const bool corrupt = memcmp(buffer, pattern + pipe->taken % LOCKSTEP_PIPE_PATTERN, (size_t)count) != 0;
  pipe->taken += (uint64_t)count;
  return (struct lockstep_pipe_result){LOCKSTEP_RESULT_VALUE, (int32_t)count, corrupt};
}

struct lockstep_pipe_result lockstep_pipe_close(uint32_t number, bool write_end) {
  struct lockstep_pipe *pipe = pipe_at(number);
  bool *open = write_end ? &pipe->write_open : &pipe->read_open;
  if (!*open) return (struct lockstep_pipe_result){.result = LOCKSTEP_RESULT_ALREADY};
  lockstep_pipe_open(number);
  if (close(write_end ? write_fd(number) : read_fd(number)) != 0) abort();
  *open = false;
  return (struct lockstep_pipe_result){.result = LOCKSTEP_RESULT_CLOSED};
}
