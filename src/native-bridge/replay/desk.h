/*
 * What a worker and its host share: the desk. One mapping, made by the host before it forks, in two parts:
 *
 *   offset                       holds
 *   0                            struct lockstep_desk
 *   LOCKSTEP_DESK_TRACES_OFFSET  the traces that this worker writes, one after the other, from its first program on
 *
 * The worker may die at any moment, and the runtime in it may write anywhere, here too. So the host believes nothing
 * that it finds here before it has checked it: each trace by its checksum, which the worker counts up in memory of its
 * own, each number by its range. Invariant: a record is written first and `written` moved after, so that after any
 * death of the worker the host finds the trace up to the fault and closes it with an outcome.
 */
#ifndef LOCKSTEP_DESK_H
#define LOCKSTEP_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include "batch.h"
#include "encoding.h"

#define LOCKSTEP_DESK_TRACES_OFFSET 2097152
#define LOCKSTEP_DESK_TRACE_WORDS 4194304 /* 16 MiB: what it holds while no program needs more */
#define LOCKSTEP_DESK_BYTES (LOCKSTEP_DESK_TRACES_OFFSET + (uint64_t)LOCKSTEP_TRACES_BYTES_MAX)

struct lockstep_pipe {
  bool read_open;
  bool write_open;
  uint64_t written; /* bytes ever, in this program */
  uint64_t taken;   /* of these, bytes read */
};

/* The end of a trace, in words from the start of the desk's traces, and the checksum of its words. */
struct lockstep_mark {
  uint64_t checksum;
  uint32_t end_words;
  uint32_t outcome_words; /* of a closed trace: how long its last record is */
};

/* How a worker that left by itself has left. Values that no stray write is likely to give. */
enum lockstep_leaving {
  LOCKSTEP_LEFT_NOT = 0,
  LOCKSTEP_LEFT_DONE = 0x646f6e65,    /* all its programs have run */
  LOCKSTEP_LEFT_EARLY = 0x6561726c,   /* its last trace is closed; go on with a new worker */
  LOCKSTEP_LEFT_REFUSED = 0x72656675  /* the batch itself is wrong, see `refusal` */
};

struct lockstep_desk {
  uint64_t heartbeat; /* moves where the worker works without writing records */
  struct lockstep_mark written; /* of the trace at hand, up to its last whole record */
  uint32_t limit_words;         /* of the trace at hand, see trace_writer.h */
  uint32_t closed;              /* traces that are closed, and their marks */
  uint32_t who;                 /* body number of the last body known to run: whom a crash is laid to */
  uint32_t in_run;              /* 1 while main is inside run() and no body runs */
  uint32_t waiting_count;       /* fibers inside block, in order of arming: who and pipe of each, for io-hang */
  struct {
    uint32_t who;
    uint32_t pipe;
  } waiting[LOCKSTEP_PIPES_MAX];
  struct lockstep_pipe pipes[LOCKSTEP_PIPES_MAX];
  uint32_t leaving;  /* enum lockstep_leaving */
  uint32_t left_behind; /* then: what is not as it was at the start, and what audits found: bits of LOCKSTEP_LEAK_... */
  uint32_t grew;     /* then: 1 when memory or descriptors have grown since the first programs */
  char refusal[128];
  struct lockstep_mark marks[LOCKSTEP_BATCH_PROGRAMS_MAX];
};

_Static_assert(sizeof(struct lockstep_desk) <= LOCKSTEP_DESK_TRACES_OFFSET, "the traces begin after the desk's head");

/* The desk of this process's worker; NULL in a process that is none. */
extern struct lockstep_desk *lockstep_desk;

/* How many words of trace the desk holds, as this process has it mapped. */
extern uint32_t lockstep_desk_trace_words;

/*
 * Maps the desk, so that it holds so many words of trace, in place of the mapping before, and gives back what that one
 * held beyond them. For the host: processes forked before keep the mapping that they have.
 */
struct lockstep_desk *lockstep_desk_map(uint32_t trace_words);

/* Takes the desk from this process. */
void lockstep_desk_unmap(void);

/* Ends the worker because of what the caller gave it: the host then ends too, and says why. */
_Noreturn void lockstep_desk_refuse(const char *why);

/* Whether a fiber that waits for the pipe would be woken: SPEC section 3, `world`. */
static inline bool lockstep_pipe_readable(const struct lockstep_pipe *pipe) {
  return pipe->read_open && (pipe->written > pipe->taken || !pipe->write_open);
}

/*
 * The checksum of a trace: a sum, so that words do not wait for each other, of each word times a factor by its position,
 * which is odd, so that a word that changes or moves shows.
 */
#define LOCKSTEP_CHECKSUM_STEP UINT64_C(2)

static inline uint64_t lockstep_checksum_factor(uint32_t position) {
  return UINT64_C(0x9e3779b97f4a7c15) + LOCKSTEP_CHECKSUM_STEP * position;
}

/* Adds a word; `factor` is that of its position. */
static inline uint64_t lockstep_checksum_add(uint64_t checksum, uint64_t factor, uint32_t word) {
  return checksum + ((uint64_t)word + 1) * factor;
}

#endif
