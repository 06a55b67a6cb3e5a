/**
 * Where things lie in the memory that a batch shares with the C side: the TypeScript twin of `replay/batch.h`.
 *
 * Invariant: every number here is that of batch.h, which says who writes what and when; `test/encoding.test.ts` holds the two
 * against each other. Offsets and sizes are bytes unless the name says words.
 */

/** Most programs in one batch. */
export const BATCH_PROGRAMS_MAX = 65536;
/** The last that a dead worker printed, bytes. */
export const PRINTED_OFFSET = 1024;
export const PRINTED_BYTES_MAX = 2048;
/** Ends of the traces, one uint32 a program, in words from `TRACES_OFFSET`. */
export const INDEX_OFFSET = 4096;
export const PROGRAMS_OFFSET = 1048576;
export const PROGRAMS_BYTES_MAX = 66060288;
export const TRACES_OFFSET = 67108864;
export const TRACES_BYTES_MAX = 1073741824;
/** All of it; sparse, only what is touched takes memory. */
export const BATCH_BYTES = 1140850688;

/** The fields of `struct lockstep_batch`, as 32-bit words from the start of the memory. */
export const BatchWord = {
  programs: 0,
  traceWords: 1,
  grew: 2,
  printedBytes: 3,
} as const;
