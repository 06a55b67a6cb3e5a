/**
 * One small program on Lockstep and on what explores programs in Rust: Shuttle, loom, madsim; and on tokio with its clock paused.
 *
 * The program: a coordinator starts three workers, receives a message from each, and joins them in the order it started them; a worker yields, sleeps 1 to
 * 3 ms, sends a message and ends. An event is a record of Lockstep's trace of it, and the others are given the same number, since they
 * do the same operations; none of them writes a trace.
 *
 * What can be compared: how often a second such a program goes from its start to its end in a scheduler under control. What cannot: the
 * explorers run Rust code under test in many schedules of one program, and find races in it; Lockstep runs one schedule, the contract's,
 * of many programs, and finds faults of the scheduler, so that its other side is a second scheduler and a comparison of both traces.
 * loom looks at every memory access and is exhaustive; Shuttle and madsim choose at random. loom and Shuttle have no clock: a sleep is a
 * yield there. Tasks of madsim and tokio are stackless futures. All were built with -O3 and run on the one core that is pinned.
 */
import { BatchRunner, batchOf, encodeProgram, sameBatch, TraceDecoder } from "./support/dist.mjs";
import { figure, ratio } from "./support/format.mjs";
import { measureInTurn } from "./support/measure.mjs";
import { buildPeers, runInTurn } from "./support/peer-programs.mjs";
import { withTargets } from "./support/targets.mjs";

export const title = "explorers: one program on Lockstep, Shuttle, loom, madsim";

const WORKERS = 3;
const BATCH = 1000;
const PEERS = ["shuttle", "madsim", "tokio", "loom"];

/** What is run, how often in a round: some tenths of a second each. */
const CONTENDERS = {
  "Shuttle, random schedules": ["shuttle", "program", 20_000],
  "Shuttle, one schedule (round robin)": ["shuttle", "program-in-turn", 20_000],
  "madsim, a seed each": ["madsim", "program", 20_000],
  "tokio, clock paused, one schedule": ["tokio", "program", 20_000],
  "loom, its first 2,000 interleavings": ["loom", "program", 2000],
};

const PROGRAM = {
  version: 1,
  pipes: ["p"],
  fibers: {
    coordinator: [
      ...workers((i) => ({ op: "go", task: `w${i}` })),
      ...workers(() => [
        { op: "block", pipe: "p" },
        { op: "read", pipe: "p", bytes: 1 },
      ]),
      ...workers((i) => ({ op: "wait", task: `w${i}` })),
    ],
  },
  tasks: Object.fromEntries(
    workers((i) => {
      const ops = [{ op: "yield" }, { op: "sleep", ms: i + 1 }, { op: "write", pipe: "p", bytes: 1 }];
      return [[`w${i}`, { ops, returns: i }]];
    }),
  ),
};

function workers(of) {
  return Array.from({ length: WORKERS }, (_, i) => of(i)).flat();
}

export function prepare({ isOffline }) {
  buildPeers(PEERS, { isOffline, notes: [] });
}

export async function run({ rounds, isQuick, isOffline }) {
  const notes = [];
  const peers = buildPeers(PEERS, { isOffline, notes });
  const turns = isQuick ? 1 : Math.min(rounds, 3);
  const own = await withTargets(["model", "native"], notes, (targets) =>
    ownRows(targets, { rounds, isQuick, notes }),
  );
  const contenders = {};
  for (const [name, [peer, bench, count]] of Object.entries(CONTENDERS)) {
    if (peer in peers) contenders[name] = [peers[peer].path, bench, count];
  }
  const times = await runInTurn(contenders, { turns, notes });
  const same = Object.entries(times).map(([name, ns]) => ({ name, ns, events: own.events }));
  const all = [...own.rows, ...same].sort((a, b) => a.ns.median - b.ns.median);
  const perSecond = ({ median }) => 1e9 / median;
  const versions = Object.fromEntries(Object.entries(peers).map(([name, { version }]) => [name, version]));
  notes.push(
    "comparable: how often a second this program goes from its start to its end in a scheduler under control; Lockstep also writes a trace",
    "not comparable: Shuttle, madsim and loom look for races in many schedules of one program, Lockstep for faults of the scheduler in one schedule of many programs",
    "loom is exhaustive where Shuttle and madsim draw at random; loom and Shuttle have no clock, so a sleep is a yield there",
  );
  return {
    tables: [
      {
        title: `${WORKERS} workers and a coordinator, ${own.events} events, median of ${turns * 3} rounds or more`,
        columns: ["system", "programs/s", "events/s", "µs a program", "least", "greatest", "ratio to best"],
        rows: all.map(({ name, ns, events }) => [
          name,
          perSecond(ns),
          perSecond(ns) * events,
          ...[ns.median, ns.min, ns.max].map((value) => figure(value / 1000)),
          ratio(ns.median, all[0].ns.median),
        ]),
      },
    ],
    goals: [],
    notes,
    figures: Object.fromEntries(all.map(({ name, ns }) => [`program/${name}/1`, ns])),
    versions,
  };
}

/** Lockstep's own rows, in ns a program, and how many events the program has. */
async function ownRows({ model, native }, { rounds, isQuick, notes }) {
  const encoded = encodeProgram(PROGRAM);
  const batch = batchOf(Array.from({ length: BATCH }, () => encoded));
  const events = eventsOf(model.replayNow(batch));
  const contenders = { "Lockstep, model": () => model.replayNow(batch) };
  if (native) {
    contenders["Lockstep, native"] = () => native.replay(batch);
    contenders["Lockstep, model and native, traces compared"] = async () => {
      const [mine, other] = [model.replayNow(batch), await native.replay(batch)];
      if (!sameBatch(mine, other)) throw new Error("the traces of the model and of native differ");
    };
  }
  const repeats = isQuick ? 5 : 20;
  const repeated = Object.fromEntries(
    Object.entries(contenders).map(([name, once]) => [
      name,
      async () => {
        for (let i = 0; i < repeats; i++) await once();
      },
    ]),
  );
  const seconds = await measureInTurn(repeated, { rounds, warmUps: 3 });
  const rows = Object.entries(seconds).map(([name, of]) => ({
    name,
    ns: nsEach(of, repeats * BATCH),
    events,
  }));
  if (native) rows.push(await campaignRow([model, native], { rounds, repeats, notes }));
  return { rows, events };
}

/** Generated programs, each another one: from seed to verdict. Its events are those of the programs that it generated. */
async function campaignRow(targets, { rounds, repeats, notes }) {
  const runner = new BatchRunner(targets, {});
  let events = 0;
  let programs = 0;
  const work = async (round) => {
    for (let i = 0; i < repeats; i++) {
      const result = await runner.run("explorers", { from: (round * repeats + i) * BATCH, count: BATCH });
      events += result.events;
      programs += result.range.count;
      if (result.failures.length > 0) notes.push(`${result.failures.length} runs of the campaign DIVERGED`);
    }
  };
  const { work: of } = await measureInTurn({ work }, { rounds, warmUps: 3 });
  const name = "Lockstep, seed to verdict, generated programs";
  return { name, ns: nsEach(of, repeats * BATCH), events: events / programs };
}

function nsEach({ median, min, max, rounds }, count) {
  const of = (seconds) => (seconds * 1e9) / count;
  return { median: of(median), min: of(min), max: of(max), rounds };
}

function eventsOf(traces) {
  const { records, outcome } = new TraceDecoder(PROGRAM).decode(traces.words.subarray(0, traces.ends[0]));
  if (outcome.outcome !== "completed") throw new Error(`the program ends in ${outcome.outcome}`);
  return records.length;
}
