/**
 * What grows in the part `growth`: for each axis the sizes above the least, and the fiber program of a size. Where a limit of the program format (SPEC
 * section 3) ends an axis before 1,000,000, `limit` says so.
 */
const SIZES = [100, 1000, 10_000, 100_000, 1_000_000];
const FIBERS_MAX = 100_000;
const REPEAT_MAX = 1_000_000;
const SLEEP_MS_END = 1_000_000;

const upTo = (most) => [...SIZES.filter((size) => size < most), most];
const fibersOf = (count, bodyOf) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, bodyOf(i)]));
const programOf = (fibers, rest = {}) => ({ version: 1, ...rest, fibers });

/** Deadlines scattered by a stride that has no divisor in common with their end. */
const sleep = (index) => ({ op: "sleep", ms: (index * 7919) % SLEEP_MS_END });

/** The size that all axes begin at: what it takes is taken off the others. */
export const LEAST_SIZE = 10;

export const AXES = {
  fibers: {
    what: "fibers, alive at once, that yield once",
    sizes: upTo(FIBERS_MAX),
    limit: "a program has at most 100,000 fibers and tasks",
    programOf: (size) => programOf(fibersOf(size, () => [{ op: "yield" }])),
  },
  timers: {
    what: "timers armed at once, at scattered deadlines",
    sizes: upTo(FIBERS_MAX),
    limit: "a timer is a fiber, of which a program has at most 100,000",
    programOf: (size) => programOf(fibersOf(size, (i) => [sleep(i)])),
  },
  sleeps: {
    what: "timers fired, at most 100,000 armed at once",
    sizes: SIZES,
    programOf: (size) => {
      const fibers = Math.min(size, FIBERS_MAX);
      const each = size / fibers;
      return programOf(
        fibersOf(fibers, (i) => Array.from({ length: each }, (_, turn) => sleep(i * each + turn))),
      );
    },
  },
  pipes: {
    what: "pipes, each with a reader that waits and a writer",
    sizes: [30, 100, 256],
    limit: "a program has at most 256 pipes",
    programOf: (size) => {
      const pipes = Array.from({ length: size }, (_, i) => `p${i}`);
      const end = (name, of) => pipes.map((pipe) => [`${name}_${pipe}`, of(pipe)]);
      const reads = (pipe) => [
        { op: "block", pipe },
        { op: "read", pipe, bytes: 1 },
      ];
      const writes = (pipe) => [{ op: "write", pipe, bytes: 1 }];
      return programOf(Object.fromEntries([...end("r", reads), ...end("w", writes)]), { pipes });
    },
  },
  ops: {
    what: "ops as written, yields of 10 fibers",
    sizes: SIZES,
    programOf: (size) =>
      programOf(fibersOf(10, () => Array.from({ length: size / 10 }, () => ({ op: "yield" })))),
  },
  trace: {
    what: "records of the trace, logs of one fiber",
    sizes: SIZES,
    programOf: (size) => {
      const times = Math.min(size, REPEAT_MAX);
      return programOf(fibersOf(1, () => [{ op: "repeat", times, ops: [{ op: "log", value: 7 }] }]));
    },
  },
};
