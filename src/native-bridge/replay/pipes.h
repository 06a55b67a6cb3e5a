/*
 * The pipes of a program: real ones, at the descriptors that SPEC section 3 gives them.
 *
 * Opened at first use. One that a program left with both ends open is emptied then and serves the next program that
 * opens it; any other is replaced. Invariant: before a body uses a pipe, and a runtime is told of it, it is fresh in all
 * that they can see.
 */
#ifndef LOCKSTEP_PIPES_H
#define LOCKSTEP_PIPES_H

#include <stdbool.h>
#include <stdint.h>

#include "encoding.h"
#include "desk.h"

struct lockstep_pipe_result {
  enum lockstep_result result;
  int32_t count; /* where result is LOCKSTEP_RESULT_VALUE */
  bool corrupt;  /* what was read was not what was written */
};

static inline int32_t lockstep_pipe_read_fd(uint32_t number) {
  return LOCKSTEP_PIPE_READ_FD_BASE + 2 * (int32_t)number;
}

/* Prepares pipes 0 ... count - 1 for a program. What the one before left stays until a pipe is opened in its place. */
void lockstep_pipes_begin(uint32_t count);

/* Closes all pipes that are there: a process that is forked from this one must make its own. */
void lockstep_pipes_forget(void);

/* Makes sure that the pipe's descriptors exist, as far as they are not closed by now. */
void lockstep_pipe_open(uint32_t number);

/* Whether the descriptors of all pipes are there, but for ends that the program closed, with the bytes that it left. */
bool lockstep_pipes_are_as_left(void);

/* The ops of SPEC section 3. */
struct lockstep_pipe_result lockstep_pipe_write(uint32_t number, uint32_t bytes);
struct lockstep_pipe_result lockstep_pipe_read(uint32_t number, uint32_t bytes);
struct lockstep_pipe_result lockstep_pipe_close(uint32_t number, bool write_end);

#endif
