/**
 * What people would use instead of our native runtime: Go's goroutines and tokio's tasks, on one thread. In ns of the processor.
 *
 * The same shapes of work as in the part `runtime`, which measures ours: a FIFO yield at 10, 1,000 and 100,000 tasks; a task spawned, run
 * and reaped, 1, 1,000 and 100,000 at once; a timer fired at 1,000 and 100,000 sleepers. Ratios to ours are in the table of goals, which
 * needs both parts in one run. Go's and tokio's clocks are virtual in the timer bench: a synctest bubble, and tokio's paused clock.
 *
 * Not the same: tokio's tasks are stackless futures, without a stack to guard or to switch; its clock wakes all timers of one millisecond
 * together, where ours drains the ready queue after each (T2); goroutines may be preempted, and their stacks grow.
 */
import { figure, spread } from "./support/format.mjs";
import { LIMITS_MACHINE, SCHEDULER_LIMITS } from "./support/limits.mjs";
import { buildPeers, runInTurn } from "./support/peer-programs.mjs";

export const title = "schedulers: Go and tokio";

const PEERS = ["go", "tokio"];

/** At which N each bench runs. */
const BENCHES = {
  yield: { what: "ns a yield, by tasks", counts: [10, 1000, 100_000] },
  spawn: { what: "ns to spawn, run and reap, by tasks at once", counts: [1, 1000, 100_000] },
  timer: { what: "ns to fire a timer and switch to its task, by timers armed", counts: [1000, 100_000] },
};
const NAMES = {
  go: { yield: "Go, runtime.Gosched", spawn: "Go, go and WaitGroup", timer: "Go, time.Sleep in synctest" },
  tokio: { yield: "tokio, yield_now", spawn: "tokio, spawn and join", timer: "tokio, sleep, clock paused" },
};

export function prepare({ isOffline }) {
  buildPeers(PEERS, { isOffline, notes: [] });
}

export async function run({ rounds, isQuick, isOffline }) {
  const notes = [];
  const peers = buildPeers(PEERS, { isOffline, notes });
  const turns = isQuick ? 1 : Math.min(rounds, 3);
  const figures = {};
  const tables = [];
  for (const [bench, { what, counts }] of Object.entries(BENCHES)) {
    const rows = new Map();
    for (const count of counts) {
      const contenders = Object.fromEntries(
        Object.entries(peers).map(([name, { path }]) => [name, [path, bench, count]]),
      );
      const times = await runInTurn(contenders, { turns, notes });
      for (const [name, time] of Object.entries(times)) {
        figures[`${bench}/${name}/${count}`] = time;
        rows.set(name, [...(rows.get(name) ?? [NAMES[name][bench]]), spread(time)]);
      }
    }
    const columns = ["system", ...counts.map(figure)];
    tables.push({ title: `${what}, median (spread)`, columns, rows: [...rows.values()] });
  }
  tables.push({ title: LIMITS_MACHINE, columns: ["what", "ns an op"], rows: SCHEDULER_LIMITS });
  const versions = Object.fromEntries(Object.entries(peers).map(([name, { version }]) => [name, version]));
  return { tables, goals: [], notes, figures, versions };
}
