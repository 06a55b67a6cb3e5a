/**
 * The labels of coverage: what a campaign must reach, one for each way in which a rule of SPEC sections 1 and 2 shows in a trace.
 *
 * A label counts runs, not records. Its floor is a share of the runs; a campaign that stays under it has tested less than it says. C5
 * (signals) and M1 (no memory) do not come from programs: native tests hold them.
 */
export interface Label {
  readonly rule: string;
  readonly text: string;
  /** Of 10,000 runs, how many must reach it. */
  readonly floorPer10000: number;
}

const DEFINITIONS = {
  spawnInside: ["F1", "a fiber spawns a fiber", 100],
  yielded: ["F2", "a yield comes back", 1000],
  yieldOutside: ["F2", "yield outside a fiber panics", 3],
  suspendWoken: ["F3", "a suspended fiber is woken", 500],
  suspendOutside: ["F3", "suspend outside a fiber panics", 3],
  wakeNoop: ["F4", "wake of a fiber that is not suspended", 200],
  wakeSleeper: ["F4", "wake evicts a timer", 200],
  wakeReader: ["F4", "wake evicts an io waiter", 100],
  wakeFinished: ["F4", "wake of a finished fiber", 200],
  bodyEnded: ["F5", "a fiber that has switched ends", 2000],
  slept: ["T1", "a sleep comes back", 1000],
  sleepZero: ["T1", "a sleep of 0 ms comes back", 200],
  sleepNegative: ["T1", "a negative sleep panics", 10],
  sleepOutside: ["T1", "sleep outside a fiber panics", 3],
  timerTie: ["T2", "two timers fire at one deadline", 300],
  timersLate: ["T2", "a timer fires after the clock has moved", 500],
  timerBeforeFd: ["T3", "a timer fires while a readable pipe has a waiter", 20],
  blockOutside: ["I1", "block outside a fiber panics", 2],
  blockForWrite: ["I1", "block for writing panics", 2],
  blockTaken: ["I1", "a second waiter on one pipe panics", 20],
  blockClosed: ["I1", "block on a closed read end panics", 10],
  blockDelivered: ["I2", "a blocked fiber is woken by readiness", 500],
  crowd: ["I2", "more than 16 fibers block at once", 40],
  worldActs: ["I2", "the world acts at idle", 80],
  ioHang: ["I2", "nobody writes: io-hang", 20],
  readableAtOnce: ["I3", "block on a pipe that is readable already", 200],
  drained: ["I3", "a waited-for pipe is drained by another", 30],
  refilled: ["I3", "... and written again before the wait", 10],
  endOfFile: ["I3", "closing the write end wakes a waiter", 100],
  closedUnder: ["I3", "the read end is closed under a waiter", 10],
  ranAgain: ["R1", "run is called again", 300],
  deadlock: ["R2", "deadlock", 300],
  deinitUnrun: ["R3", "deinit frees fibers that never ran", 50],
  deinitTwice: ["R3", "deinit is called twice", 100],
  taskDone: ["K1", "a task's work runs to its end", 500],
  taskSkipped: ["K1", "canceled work is skipped", 30],
  waitReady: ["K2", "wait on a task that is ready", 200],
  waitParked: ["K2", "wait parks and gets the value", 300],
  waitCanceled: ["K2", "wait gives Canceled", 30],
  waitTaken: ["K2", "a second waiter on one task panics", 20],
  waitOutside: ["K2", "wait outside a fiber on a pending task panics", 2],
  cancelBefore: ["K3", "cancel before the work", 50],
  cancelDuring: ["K3", "cancel during the work", 20],
  cancelAfter: ["K3", "cancel after the work", 20],
  switched: ["X1", "a fiber comes back after another ran (C1)", 2000],
  wakeWaiter: ["C2", "a third party wakes a fiber that waits for a task", 100],
  waiterLeft: ["C3", "a task ends after its waiter has left", 5],
  sleepOverflow: ["C4", "a deadline past the end of the clock panics", 10],
  runInside: ["C6", "run inside a fiber panics", 10],
  deinitInside: ["C6", "deinit inside a fiber panics", 10],
  overflow: ["C7", "a stack overflow meets the guard", 2],
} as const satisfies Readonly<Record<string, readonly [string, string, number]>>;

export type LabelName = keyof typeof DEFINITIONS;

const NAMES = Object.keys(DEFINITIONS) as LabelName[];

/** The labels, in the order of their rules. */
export const LABELS: readonly Label[] = NAMES.map((name) => {
  const [rule, text, floorPer10000] = DEFINITIONS[name];
  return { rule, text, floorPer10000 };
});

/** Numbers of the labels, by name. */
export const LabelIndex = Object.fromEntries(NAMES.map((name, i) => [name, i])) as Readonly<
  Record<LabelName, number>
>;
