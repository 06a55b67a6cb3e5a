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
static bool exists[LOCKSTEP_PIPES_MAX]; /* whether this process has made the pipe, and not put it away */
static uint32_t used;                   /* pipes of the program at hand */

static struct lockstep_pipe *pipe_at(uint32_t number) { return &lockstep_desk->pipes[number]; }

static int read_fd(uint32_t number) { return lockstep_pipe_read_fd(number); }

static int write_fd(uint32_t number) { return lockstep_pipe_read_fd(number) + 1; }

/* Bytes that were written and not read yet. */
static size_t left_in(const struct lockstep_pipe *pipe) { return (size_t)(pipe->written - pipe->taken); }

/* Whether both ends are open and the pipe is empty, or now made so. */
static bool is_as_new(uint32_t number) {
  const struct lockstep_pipe *pipe = pipe_at(number);
  if (!pipe->read_open || !pipe->write_open) return false;
  const size_t left = left_in(pipe);
  return left == 0 || (left <= sizeof buffer && read(read_fd(number), buffer, sizeof buffer) == (ssize_t)left);
}

void lockstep_pipes_begin(uint32_t count) {
  for (uint32_t number = 0; number < used; number++) {
    const struct lockstep_pipe *pipe = pipe_at(number);
    if (!exists[number] || is_as_new(number)) continue;
    if (pipe->read_open) close(read_fd(number));
    if (pipe->write_open) close(write_fd(number));
    exists[number] = false;
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
    const struct lockstep_pipe *pipe = pipe_at(number);
    if (exists[number] && pipe->read_open) close(read_fd(number));
    if (exists[number] && pipe->write_open) close(write_fd(number));
    exists[number] = false;
  }
  used = 0;
}

/* Whether the descriptors of a pipe that exists are there, but for ends that are closed, with the bytes that it was left with. */
static bool is_as_left(uint32_t number) {
  const struct lockstep_pipe *pipe = pipe_at(number);
  const size_t left = number < used ? left_in(pipe) : 0;
  int bytes = 0;
  if (pipe->write_open && fcntl(write_fd(number), F_GETFD) == -1) return false;
  return !pipe->read_open || (ioctl(read_fd(number), FIONREAD, &bytes) == 0 && (size_t)bytes == left);
}

bool lockstep_pipes_are_as_left(void) {
  for (uint32_t number = 0; number < LOCKSTEP_PIPES_MAX; number++) {
    if (exists[number] && !is_as_left(number)) return false;
  }
  return true;
}

void lockstep_pipe_open(uint32_t number) {
  const struct lockstep_pipe *pipe = pipe_at(number);
  if (exists[number] || !pipe->read_open || !pipe->write_open) return;
  int ends[2];
  LOCKSTEP_MUST(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0, "no descriptors left for a pipe");
  LOCKSTEP_MUST(dup3(ends[0], read_fd(number), O_CLOEXEC) >= 0, "cannot place the read end of a pipe");
  LOCKSTEP_MUST(dup3(ends[1], write_fd(number), O_CLOEXEC) >= 0, "cannot place the write end of a pipe");
  close(ends[0]);
  close(ends[1]);
  exists[number] = true;
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
