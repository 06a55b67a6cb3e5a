/**
 * What a machine allows: figures measured apart from Lockstep, each alone and bare, on two cores of an AMD EPYC (x86-64, Linux 6.18,
 * gcc 12 -O2, Node 20.20), one core pinned, medians. Ratios carry over to other machines, absolute times do not.
 */
export const LIMITS_MACHINE = "LIMITS: AMD EPYC, Linux 6.18, gcc 12, Node 20.20, one core";

/** End to end: generate, model, native, compare; without coverage. Programs a second. */
export const PIPELINE_LIMITS = [
  ["nested fast-check arbitraries, one call a program", "19,000", ""],
  ["custom fast-check arbitrary, one call a program", "83,000", ""],
  ["raw generator, 1,000 programs a call", "490,000", "24"],
  ["raw generator, 1,000 programs a call", "260,000", "65"],
];

/** Generating 8 fibers x 10 ops. Microseconds a program. */
export const GENERATE_LIMITS = "raw PRNG 0.6, custom fast-check arbitrary 3, nested arbitraries 41 to 80";

/** One target alone. */
export const TARGET_LIMITS = {
  model: "TypeScript, traced, full semantics: 23 to 50 ns a step; bare switch over typed arrays: 3 ns",
  native: "yield through a FIFO scheduler, untraced: 3.7 to 16 ns; spawn + run + reap: 10 to 24 ns",
  aarch64: "C harness under qemu-user: 447,000 programs/s; one-way switch 14 to 20 ns",
};

/** Nanoseconds an op (a yield, a schedule, a sleep). */
export const PEER_LIMITS = [
  ["generators, ring buffer", "17 to 26"],
  ["async/await", "47 to 405"],
  ["Effect 4 yieldNow", "900"],
  ["fast-check scheduler", "3,600 to 10,400"],
  ["Effect TestClock", "12,000 to 104,000"],
];

/** Nanoseconds an op, by number of fibers or tasks. */
export const SCHEDULER_LIMITS = [
  ["yield, direct fiber to fiber", "3.7 (10), 6.4 (1,000), 20 to 39 (100,000)"],
  ["yield, through the scheduler's context", "6 to 16 (10), 9.8 to 18 (1,000), 50 to 67 (100,000)"],
  ["yield, Go 1.19 Gosched", "35 (10), 42 (1,000), 323 (100,000)"],
  ["live guarded stack, madvise guard", "800 each (100,000)"],
  ["timer fire at 100,000 timers", "45 radix heap, 97 4-ary heap, 138,000 linear scan (the seed's way)"],
];

/** The native runtime's pieces. Nanoseconds each. */
export const RUNTIME_LIMITS = [
  ["one-way switch, callee-saved registers, ends in pop + jmp", "2.3"],
  ["the same into a context struct, with mxcsr and the x87 control word", "5.2"],
  ["Boost.Context fcontext", "5.5"],
  ["glibc swapcontext", "223"],
  ["yield through a FIFO scheduler, direct, 10 / 1,000 / 100,000 fibers", "3.7 / 6.4 / 20 to 39"],
  ["spawn + run + reap, pooled stacks", "10 to 24"],
  ["a mapping a fiber, with its guard", "8,600 to 12,100"],
  ["timer fire at 100,000, radix heap / 4-ary heap", "45 / 97"],
];
