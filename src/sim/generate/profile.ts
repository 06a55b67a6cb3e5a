/**
 * The profile of a run: which kinds of ops its program may use, and how large it is. Drawn first, from the run's own numbers.
 *
 * Swarm testing: a program that may use every op at once rarely does much with any of them, so each run leaves out a random subset of
 * kinds (Groce et al., "Swarm Testing", ISSTA 2012). What is left decides how many tasks and pipes there are to use it on.
 */

import type { SeededStream } from "./random-numbers.js";

/** Kinds that a run may leave out, as bits. Fibers and `run` are always there. */
export const Kind = {
  yield: 1 << 0,
  suspend: 1 << 1,
  sleep: 1 << 2,
  wake: 1 << 3,
  spawnInside: 1 << 4,
  tasks: 1 << 5,
  cancel: 1 << 6,
  pipes: 1 << 7,
  close: 1 << 8,
  log: 1 << 9,
  repeat: 1 << 10,
  call: 1 << 11,
  world: 1 << 12,
  rerun: 1 << 13,
} as const;

const KINDS_ALL = (1 << 14) - 1;
/** The kinds that every second run leaves out; pipes and their closing have shares of their own. */
const KINDS_SWARMED = KINDS_ALL & ~(Kind.pipes | Kind.close);
/** The kinds that have ops of their own: those of the lowest 12 bits. */
export const KINDS_OF_OPS = (1 << 12) - 1;
const KINDS_THAT_SWITCH = Kind.yield | Kind.suspend | Kind.sleep | Kind.tasks;

/** Bounds of what is generated; see `SPEC section 3, limits` for what they may be at most. */
export interface GeneratorConstraints {
  /** Fibers of a program, 1 to 64. Default 5. */
  readonly fibersMax?: number;
  /** Tasks of a program, 0 to 64. Default 4. */
  readonly tasksMax?: number;
  /** Pipes of a program, 0 to 64. Default 3; a share of runs has about 20 all the same, to fill more than one batch of events. */
  readonly pipesMax?: number;
  /** Ops of a body as drawn, 1 to 64, without what nesting adds. Default 6. */
  readonly opsPerBodyMax?: number;
  /** Of 1000 programs, how many hold a misuse that panics. Default 120. */
  readonly misusePerMille?: number;
  /** Whether programs may have a world; false for runtimes without an idle hook. Default true. */
  readonly world?: boolean;
  /** Leave no kind out and draw every op with the same chance: the plain generator that swarm is measured against. Default false. */
  readonly uniform?: boolean;
}

export const CONSTRAINTS_DEFAULT: Required<GeneratorConstraints> = {
  fibersMax: 5,
  tasksMax: 4,
  pipesMax: 3,
  opsPerBodyMax: 6,
  misusePerMille: 120,
  world: true,
  uniform: false,
};

export interface Profile {
  kinds: number;
  fibers: number;
  tasks: number;
  pipes: number;
  opsPerBodyMax: number;
  /** A crowd of readers on more pipes than one wait delivers (MAXEV). */
  isCrowd: boolean;
  /** A crowd of sleepers that wake each other early: enough timers at once for a heap of several levels. */
  isDormitory: boolean;
  hasMisuse: boolean;
}

/** Of so many runs, one is a crowd of readers and two are dormitories. */
const SPECIAL_EVERY = 96;
const DORMITORIES = 2;
const CROWD_PIPES_MIN = 17;
const CROWD_PIPES_MAX = 22;
const DORMITORY_FIBERS_MIN = 10;
const DORMITORY_FIBERS_MAX = 24;
/**
 * Of 1000 runs, how many have pipes, and of those how many close some. Pipes are the kernel's, and cost the native side more than all else
 * does; closed ones have to be made anew for the next program. So they are few, and dense where they are.
 */
const PIPES_PER_MILLE = 260;
const CLOSE_PER_MILLE = 60;
const KINDS_OF_PIPES = Kind.close | Kind.pipes;

// What a module exports is looked up at each use; constants that it keeps to itself are compiled in.
const Has = Kind;
const KINDS_WRITTEN = KINDS_OF_OPS;

/** Draws a profile into `profile`. */
export function drawProfile(
  random: SeededStream,
  constraints: Required<GeneratorConstraints>,
  profile: Profile,
): void {
  const { fibersMax, tasksMax, pipesMax, opsPerBodyMax, uniform } = constraints;
  const bits = random.bits();
  let kinds = uniform ? KINDS_ALL : bits & KINDS_SWARMED;
  if (!uniform) {
    const share = random.below(1000);
    if (share < CLOSE_PER_MILLE) kinds |= KINDS_OF_PIPES;
    else if (share < PIPES_PER_MILLE) kinds |= Has.pipes;
  }
  // Something has to switch, or there is nothing to schedule; other bits decide what.
  if ((kinds & KINDS_THAT_SWITCH) === 0) kinds |= KINDS_THAT_SWITCH & (bits >>> 18);
  if (!constraints.world) kinds &= ~Has.world;
  const special = uniform ? SPECIAL_EVERY : random.below(SPECIAL_EVERY);
  profile.isCrowd = special === DORMITORIES && pipesMax > 0;
  profile.isDormitory = special < DORMITORIES;
  if (profile.isDormitory) {
    kinds |= Has.sleep | Has.wake;
    profile.pipes = 0;
    profile.fibers = between(random, DORMITORY_FIBERS_MIN, DORMITORY_FIBERS_MAX);
  } else if (profile.isCrowd) {
    kinds |= Has.pipes;
    profile.pipes = between(random, CROWD_PIPES_MIN, CROWD_PIPES_MAX);
    profile.fibers = profile.pipes + between(random, 1, 2);
  } else {
    profile.pipes = (kinds & Has.pipes) !== 0 && pipesMax > 0 ? between(random, 1, pipesMax) : 0;
    profile.fibers = between(random, Math.min(2, fibersMax), fibersMax);
  }
  profile.tasks = (kinds & Has.tasks) !== 0 && tasksMax > 0 ? between(random, 1, tasksMax) : 0;
  if (profile.tasks === 0) kinds &= ~(Has.tasks | Has.cancel);
  if (profile.pipes === 0) kinds &= ~(Has.pipes | Has.close | Has.world);
  // Where all kinds of ops are left out there is still something to write.
  if ((kinds & KINDS_WRITTEN) === 0) kinds |= Has.yield;
  profile.kinds = kinds;
  profile.opsPerBodyMax = profile.isCrowd ? 3 : between(random, 1, opsPerBodyMax);
  profile.hasMisuse = random.below(1000) < constraints.misusePerMille;
}

/** A whole number from `min` to `max`, both included. */
function between(random: SeededStream, min: number, max: number): number {
  return min + random.below(max - min + 1);
}
