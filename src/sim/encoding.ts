/**
 * The binary encoding of programs and traces: the TypeScript half of `docs/encoding.md`.
 *
 * Twin of `src/native-bridge/replay/encoding.h`; `test/encoding.test.ts` holds the two against each other, so a constant is
 * changed in both or the tests are red. Everything is 32-bit little-endian words. Implements SPEC sections 3 and 4.
 */

export const PROGRAM_MAGIC = 0x3150534c;

/** Where the words of a program's header stand, and how long its parts are. */
export const ProgramWord = {
  magic: 0,
  length: 1,
  fibers: 2,
  tasks: 3,
  pipes: 4,
  ops: 5,
  opsExecutedMax: 6,
  flags: 7,
  header: 8,
  body: 4,
  op: 3,
} as const;

/** Bits of a program's flags. */
export const ProgramFlag = { audit: 1 } as const;

export const OpCode = {
  yield: 0,
  suspend: 1,
  sleep: 2,
  wake: 3,
  spawn: 4,
  go: 5,
  wait: 6,
  cancel: 7,
  block: 8,
  blockWrite: 9,
  write: 10,
  read: 11,
  close: 12,
  log: 13,
  repeat: 14,
  call: 15,
  overflow: 16,
  run: 17,
  deinit: 18,
} as const;

export const RecordKind = {
  begin: 0,
  end: 1,
  call: 2,
  ret: 3,
  clobber: 4,
  corrupt: 5,
  outcome: 6,
} as const;

export const ResultCode = {
  none: 0,
  value: 1,
  called: 2,
  unspawned: 3,
  finished: 4,
  spawned: 5,
  already: 6,
  canceled: 7,
  unstarted: 8,
  closed: 9,
  full: 10,
  broken: 11,
  empty: 12,
  ran: 13,
} as const;

export const OutcomeCode = {
  completed: 0,
  panic: 1,
  stackOverflow: 2,
  ioHang: 3,
  crash: 4,
  timeout: 5,
  leak: 6,
} as const;

export const HEADER_RESULT_SHIFT = 3;
export const HEADER_CLOCK_BIT = 256;
export const HEADER_WHO_SHIFT = 9;
export const CRASH_EXIT_BASE = 256;
/** A crash's code, in place of a signal: the memory limit, and a trace that something else has written over. */
export const CRASH_MEMORY_LIMIT = 512;
export const CRASH_OVERWRITTEN = 513;

/** A trace never holds more words than base + perBody * bodies + perOp * ops executed at most. */
export const TraceWords = { base: 64, perBody: 8, perOp: 24 } as const;

/** Bits of a clobber's payload, by register. */
export const CLOBBER_BITS: readonly string[] = [
  "x19",
  "x20",
  "x21",
  "x22",
  "x23",
  "x24",
  "x25",
  "x26",
  "x27",
  "x28",
  "x29",
  "d8",
  "d9",
  "d10",
  "d11",
  "d12",
  "d13",
  "d14",
  "d15",
  "rbx",
  "rbp",
  "r12",
  "r13",
  "r14",
  "r15",
  "mxcsr",
  "x87cw",
  "stack",
];

/** Bits of a leak's payload, by what a program left other than it found it. */
export const LEAK_BITS = [
  "fds",
  "heap",
  "mappings",
  "processes",
  "threads",
  "signals",
  "timers",
  "directory",
  "umask",
  "limits",
] as const;

/** Low word of a 64-bit integer held in a double; exact for any safe integer, negative ones in two's complement. */
export function lowWord(value: number): number {
  return value | 0;
}

/** High word of a 64-bit integer held in a double; exact for any safe integer. */
export function highWord(value: number): number {
  return Math.floor(value / 4294967296) | 0;
}

/** The 64-bit integer of two words: a number where that is exact, else a decimal string (only a faulty runtime gives those). */
export function joinWords(low: number, high: number): number | string {
  const value = high * 4294967296 + (low >>> 0);
  return Number.isSafeInteger(value) ? value : ((BigInt(high) << 32n) | BigInt(low >>> 0)).toString();
}
