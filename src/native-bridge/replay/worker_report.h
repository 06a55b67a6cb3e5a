/*
 * What a worker has left on the desk, checked: the host's side of desk.h.
 *
 * Nothing on the desk is believed. A trace counts when its words have the checksum that the worker kept of them; what
 * does not hold makes the whole report no good (`is_intact`), and the programs are run again.
 */
#ifndef LOCKSTEP_WORKER_REPORT_H
#define LOCKSTEP_WORKER_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "desk.h"
#include "trace_writer.h"

/* How a worker ended, as its process shows it. */
struct lockstep_ending {
  int status;         /* as waitpid() gives it */
  bool was_silent;    /* killed at the time limit */
  bool was_in_idle;   /* then: hung in I2, on a runtime that has no hook to say so */
  bool was_too_large; /* killed at the memory limit */
  bool had_strays;    /* it left processes behind */
};

struct lockstep_worker_report {
  uint32_t closed;    /* traces of the first so many programs are closed and whole */
  uint32_t end_words; /* where the last of them ends */
  bool has_completed; /* whether the last of them has the outcome completed */
  bool has_crashed;   /* whether it has the outcome crash */
  bool is_intact;     /* everything on the desk fits together */
  enum lockstep_leaving leaving;
  uint32_t left_behind; /* what of the process is not as it was, and what an audit found: bits of LOCKSTEP_LEAK_... */
};

/* Reads what a worker of `count` programs has left. */
struct lockstep_worker_report lockstep_worker_report_read(const struct lockstep_desk *desk, uint32_t count,
                                                          const struct lockstep_ending *ending);

/*
 * Writes the outcome that a dead worker could not write, of the program whose header is given, behind the traces that
 * are closed. `message` is what it panicked with, or NULL. Counts it as closed.
 */
void lockstep_worker_report_close(struct lockstep_worker_report *report, struct lockstep_desk *desk,
                                  const int32_t *program, const struct lockstep_ending *ending, const char *message,
                                  size_t message_bytes);

/*
 * Puts what was left behind, or the signal that came after the end, in the place of the outcome of a worker's only
 * program, if that is `completed`.
 */
void lockstep_worker_report_amend(struct lockstep_worker_report *report, struct lockstep_desk *desk,
                                  const int32_t *program, const struct lockstep_ending *ending);

#endif
