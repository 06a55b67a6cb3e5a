/*
 * What a worker tells its host beside the batch: one anonymous shared page, made by the host before it forks.
 *
 * The caller never sees this. It is what the host needs to close a trace in a dead worker's place, to judge whether a
 * silent worker hangs in I2, and to start the next worker where the last one stopped. Files of the worker include this
 * header ahead of must.h, so that a failed LOCKSTEP_MUST of the harness is told from a runtime that aborts.
 */
#ifndef LOCKSTEP_WORKER_STATE_H
#define LOCKSTEP_WORKER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "encoding.h"

struct lockstep_pipe {
  bool read_open;
  bool write_open;
  uint64_t written; /* bytes ever, in this program */
  uint64_t taken;   /* of these, bytes read */
};

struct lockstep_worker_state {
  const char *failure; /* text of a LOCKSTEP_MUST that failed; a literal of this executable, so the host can read it */
  uint64_t heartbeat;  /* moves where the worker works without writing records */
  uint32_t handed_over; /* 1: the worker left on purpose, its last trace closed; go on with a new one */
  uint32_t limit_words; /* of the trace at hand, see trace_writer.h */
  struct lockstep_pipe pipes[LOCKSTEP_PIPES_MAX];
};

/* The state of this process's worker; NULL in a process that is none. */
extern struct lockstep_worker_state *lockstep_worker_state;

#define LOCKSTEP_MUST_NOTE(text) ((void)(lockstep_worker_state ? (lockstep_worker_state->failure = (text)) : NULL))

/* Whether a fiber that waits for the pipe would be woken: SPEC section 3, `world`. */
static inline bool lockstep_pipe_readable(const struct lockstep_pipe *pipe) {
  return pipe->read_open && (pipe->written > pipe->taken || !pipe->write_open);
}

#endif
