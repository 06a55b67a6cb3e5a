/*
 * The memory that a batch of programs and its traces lie in, shared by two processes: the caller (Node, through ffi-rs
 * and bridge.c) and the host (host.c, a small process that starts a worker for each batch).
 *
 * One memfd, mapped MAP_SHARED by both, sparse: only what is touched takes memory.
 *
 *   offset                  holds
 *   0                       struct lockstep_batch
 *   LOCKSTEP_INDEX_OFFSET   trace_end[programs]: end of each trace, in words from LOCKSTEP_TRACES_OFFSET (uint32_t)
 *   LOCKSTEP_PROGRAMS_OFFSET encoded programs, one after the other (docs/encoding.md)
 *   LOCKSTEP_TRACES_OFFSET  encoded traces, one after the other
 *
 * Invariant: a worker, which runs code that nobody trusts, cannot write here. It reads the programs, and nothing else of
 * this is mapped in it; its traces come by way of desk.h, and the host copies what it has checked. So what stands here
 * is right whatever a runtime scribbles on.
 * The TypeScript twin of these numbers is src/native-bridge/batch-memory.ts; test/encoding.test.ts compares them.
 */
#ifndef LOCKSTEP_BATCH_H
#define LOCKSTEP_BATCH_H

#include <stdint.h>

#define LOCKSTEP_BATCH_PROGRAMS_MAX 65536
#define LOCKSTEP_PRINTED_OFFSET 1024
#define LOCKSTEP_PRINTED_BYTES_MAX 2048
#define LOCKSTEP_INDEX_OFFSET 4096
#define LOCKSTEP_PROGRAMS_OFFSET 1048576
#define LOCKSTEP_PROGRAMS_BYTES_MAX 66060288 /* 63 MiB */
#define LOCKSTEP_TRACES_OFFSET 67108864      /* 64 MiB */
#define LOCKSTEP_TRACES_BYTES_MAX 1073741824 /* 1 GiB */
#define LOCKSTEP_BATCH_BYTES 1140850688      /* all of it */

struct lockstep_batch {
  uint32_t programs;      /* in: how many programs are in the batch */
  uint32_t trace_words;   /* out: end of what is written of the traces */
  uint32_t grew;          /* out: 1 when what the runtime holds has grown over the batch, so that an audit is worth it */
  uint32_t printed_bytes; /* out: of what stands at LOCKSTEP_PRINTED_OFFSET: the last that a dead worker printed */
};

#endif
