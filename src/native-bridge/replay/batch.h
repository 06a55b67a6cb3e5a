/*
 * The memory that a batch of programs and its traces lie in, shared by three processes: the caller (Node, through
 * ffi-rs and bridge.c), the host (host.c, a small process that forks a worker a batch) and the worker (worker.c, which
 * interprets the programs over the runtime's C ABI and may die at any moment).
 *
 * One memfd, mapped MAP_SHARED by all three, sparse: only what is touched takes memory.
 *
 *   offset                  holds
 *   0                       struct lockstep_batch
 *   LOCKSTEP_INDEX_OFFSET   trace_end[programs]: end of each trace, in words from LOCKSTEP_TRACES_OFFSET (uint32_t)
 *   LOCKSTEP_PROGRAMS_OFFSET encoded programs, one after the other (docs/encoding.md)
 *   LOCKSTEP_TRACES_OFFSET  encoded traces, one after the other
 *
 * Invariant: traces are written front to back and cursor_words never goes back within a batch, so that after any death
 * of the worker the host finds the trace up to the fault and closes it with an outcome record.
 * The TypeScript twin of these numbers is src/native-bridge/batch-memory.ts; test/encoding.test.ts compares them.
 */
#ifndef LOCKSTEP_BATCH_H
#define LOCKSTEP_BATCH_H

#include <stdint.h>

#define LOCKSTEP_BATCH_PROGRAMS_MAX 65536
#define LOCKSTEP_INDEX_OFFSET 4096
#define LOCKSTEP_PROGRAMS_OFFSET 1048576
#define LOCKSTEP_PROGRAMS_BYTES_MAX 66060288 /* 63 MiB */
#define LOCKSTEP_TRACES_OFFSET 67108864      /* 64 MiB */
#define LOCKSTEP_TRACES_BYTES_MAX 1073741824 /* 1 GiB */
#define LOCKSTEP_BATCH_BYTES 1140850688      /* all of it */

struct lockstep_batch {
  uint32_t programs;     /* in: how many programs are in the batch */
  uint32_t current;      /* the program being run, counted from 0 */
  uint32_t cursor_words; /* end of what is written of the traces */
  uint32_t who;          /* body number of the last body known to run: whom a crash is laid to */
  uint32_t clock_low;    /* t of the last record written, for the header bit of the next */
  uint32_t clock_high;
  uint32_t waiting_count; /* fibers inside block, in order of arming: who and pipe of each, for io-hang */
  uint32_t in_run;        /* 1 while main is inside run() and no body runs */
  struct {
    uint32_t who;
    uint32_t pipe;
  } waiting[256];
};

#endif
