/**
 * The same shape of work on Lockstep's model and on other deterministic schedulers in JavaScript.
 *
 * Two shapes of a program, each made anew and run to its end: fibers that yield 10 times each, and fibers that sleep 1 ms ten times
 * each, so that at each of ten instants all timers fire in order of arming; 8 fibers, and 1,000. An op is one of the yields or sleeps;
 * spawning and joining are in the time. Lockstep's interpreter and native target write a full trace meanwhile (two records an op and more);
 * the others write nothing.
 *
 * Peers: fast-check's scheduler, which has no clock, so that a sleep is one more scheduled promise there; Effect with its TestClock;
 * @sinonjs/fake-timers, which has no yield, so that a yield is a timer of 0 ms; and plain async/await, which has no clock at all and is
 * only in the yields. Everybody is given the work in the way its documents show.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { batchOf, encodeProgram, ModelTarget, root, Scheduler } from "./support/dist.mjs";
import { each, figure, ratio } from "./support/format.mjs";
import { LIMITS_MACHINE, PEER_LIMITS } from "./support/limits.mjs";
import { measureInTurn } from "./support/measure.mjs";
import { installNpmPeer, NPM_PEERS, npmPeerPath, requireNpmPeer } from "./support/npm-peers.mjs";
import { withTargets } from "./support/targets.mjs";

export const title = "peers: yields and sleeps on the model and in JavaScript";

const TURNS = 10;
const SHAPES = ["yield", "sleep"];

/** Fibers a program, and ops a round of each contender: some tens of milliseconds, and small where it is slow. */
const SIZES = [
  { fibers: 8, opsOfFast: 400_000, opsOfSlow: 2400 },
  { fibers: 1000, opsOfFast: 400_000, opsOfSlow: 10_000 },
];
/** Ops that warm a slow contender up, which knows no more than its rounds. */
const WARM_UP_OPS = 60_000;

export function prepare({ isOffline }) {
  for (const name of Object.keys(NPM_PEERS)) installNpmPeer(name, { isOffline, notes: [] });
}

export async function run({ rounds, isQuick, isOffline }) {
  const notes = [];
  const peers = await loadPeers({ isOffline, notes });
  const figures = {};
  const tables = await withTargets(["native"], notes, async ({ native }) => {
    const all = [];
    for (const size of SIZES) {
      for (const shape of SHAPES) {
        const systems = { ...ownSystems(shape, size, native), ...peerSystems(shape, size, peers) };
        all.push(await shapeTable(shape, size, systems, { rounds, isQuick, figures }));
      }
    }
    return all;
  });
  tables.push({ title: LIMITS_MACHINE, columns: ["system", "ns an op"], rows: PEER_LIMITS });
  notes.push("plain async/await has no virtual clock, so it is not in the sleeps");
  const { version } = JSON.parse(readFileSync(join(root, "node_modules", "fast-check", "package.json")));
  return { tables, goals: [], notes, figures, versions: { ...NPM_PEERS, "fast-check": version } };
}

/** Those that can be had, by name. */
async function loadPeers({ isOffline, notes }) {
  const peers = {};
  if (installNpmPeer("effect", { isOffline, notes })) {
    const load = (...path) => import(pathToFileURL(npmPeerPath("effect", "dist", ...path)).href);
    const { Effect, Fiber } = await load("index.js");
    peers.effect = { Effect, Fiber, TestClock: await load("testing", "TestClock.js") };
  }
  if (installNpmPeer("@sinonjs/fake-timers", { isOffline, notes }))
    peers.fakeTimers = requireNpmPeer("@sinonjs/fake-timers");
  return peers;
}

/** Systems by name: how many programs a round, and the work of a round. */
function ownSystems(shape, { fibers, opsOfFast }, native) {
  const programs = opsOfFast / fibers / TURNS;
  const generators = programs / 5;
  const systems = {
    "Lockstep model, encoded program, traced": {
      programs,
      work: interpreted(shape, fibers, programs, new ModelTarget()),
    },
    "Lockstep Scheduler, generator bodies": {
      programs: generators,
      work: repeated(generators, generatorBodies(shape, fibers)),
    },
  };
  if (native) {
    systems["Lockstep native, encoded program, traced"] = {
      programs,
      work: interpreted(shape, fibers, programs, native),
    };
  }
  return systems;
}

function peerSystems(shape, { fibers, opsOfFast, opsOfSlow }, { effect, fakeTimers }) {
  const slow = (name, once) => {
    const programs = opsOfSlow / fibers / TURNS;
    return { [name]: { programs, isSlow: true, work: repeated(programs, once) } };
  };
  const plain = opsOfFast / fibers / TURNS;
  return {
    ...(shape === "yield"
      ? { "plain async/await": { programs: plain, work: repeated(plain, asyncBodies(fibers)) } }
      : {}),
    ...slow("fast-check scheduler", fastCheck(fibers)),
    ...(effect
      ? slow(shape === "yield" ? "Effect yieldNow" : "Effect TestClock", effectBodies(effect, shape, fibers))
      : {}),
    ...(fakeTimers ? slow("@sinonjs/fake-timers", fakeTimerBodies(fakeTimers, shape, fibers)) : {}),
  };
}

async function shapeTable(shape, { fibers, opsOfSlow }, systems, { rounds, isQuick, figures }) {
  // The slow ones are warm late, and their rounds are small.
  const warmUps = Math.ceil(WARM_UP_OPS / opsOfSlow / (isQuick ? 5 : 1));
  await warmUp(
    Object.values(systems).filter(({ isSlow }) => isSlow),
    warmUps,
  );
  const contenders = Object.fromEntries(Object.entries(systems).map(([name, { work }]) => [name, work]));
  const seconds = await measureInTurn(contenders, { rounds, warmUps: 3 });
  const opsOf = (name) => systems[name].programs * fibers * TURNS;
  const perOp = (name) => seconds[name].median / opsOf(name);
  const names = Object.keys(systems).sort((a, b) => perOp(a) - perOp(b));
  for (const name of names) {
    const { median, min, max, rounds: of } = seconds[name];
    const ns = (value) => (value * 1e9) / opsOf(name);
    figures[`${shape}/${name}/${fibers}`] = { median: ns(median), min: ns(min), max: ns(max), rounds: of };
  }
  return {
    title: `${figure(fibers)} fibers x ${TURNS} ${shape}s, made and run, median (spread)`,
    columns: ["system", `ns a ${shape}`, "programs/s", "ratio to best"],
    rows: names.map((name) => {
      const perSecond = figure(systems[name].programs / seconds[name].median);
      return [name, each(opsOf(name), seconds[name], 1e9), perSecond, ratio(perOp(name), perOp(names[0]))];
    }),
  };
}

async function warmUp(systems, times) {
  for (const { work } of systems) for (let i = 0; i < times; i++) await work();
}

function repeated(programs, once) {
  return async () => {
    for (let i = 0; i < programs; i++) await once();
  };
}

function interpreted(shape, fiberCount, programs, target) {
  const op = shape === "yield" ? { op: "yield" } : { op: "sleep", ms: 1 };
  const body = Array.from({ length: TURNS }, () => op);
  const fibers = Object.fromEntries(Array.from({ length: fiberCount }, (_, i) => [`f${i}`, body]));
  const program = encodeProgram({ version: 1, fibers });
  const batch = batchOf(Array.from({ length: programs }, () => program));
  return () => target.replay(batch);
}

function generatorBodies(shape, fibers) {
  return () => {
    const s = new Scheduler();
    for (let fiber = 0; fiber < fibers; fiber++) {
      s.spawn(function* () {
        for (let turn = 0; turn < TURNS; turn++) {
          if (shape === "yield") yield* s.yieldNow();
          else yield* s.sleep(1);
        }
      });
    }
    s.run();
    s.deinit();
  };
}

/** A scheduler of its own for each program, from fast-check's own random numbers, as `fc.assert` would make it. */
function fastCheck(fibers) {
  const arbitrary = fc.scheduler();
  const random = new fc.Random(countingSource());
  return async () => {
    const s = arbitrary.generate(random, undefined).value_;
    const fiber = async () => {
      for (let turn = 0; turn < TURNS; turn++) await s.schedule(Promise.resolve());
    };
    const all = Array.from({ length: fibers }, fiber);
    await s.waitIdle();
    await Promise.all(all);
  };
}

/** Enough of a source of random numbers for fast-check: a 32-bit mixer (splitmix32) over a counter. */
function countingSource() {
  let state = 1;
  const next = () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  };
  const source = { next, clone: () => source, jump: () => {}, getState: () => [state] };
  return source;
}

function effectBodies({ Effect, Fiber, TestClock }, shape, count) {
  const step = shape === "yield" ? Effect.yieldNow : Effect.sleep(1);
  const body = Effect.gen(function* () {
    for (let turn = 0; turn < TURNS; turn++) yield* step;
  });
  const program = Effect.gen(function* () {
    const fibers = [];
    for (let fiber = 0; fiber < count; fiber++) fibers.push(yield* Effect.forkChild(body));
    if (shape === "sleep") yield* TestClock.adjust(TURNS);
    for (const fiber of fibers) yield* Fiber.join(fiber);
  });
  const whole = shape === "sleep" ? program.pipe(Effect.provide(TestClock.layer())) : program;
  return () => Effect.runPromise(whole);
}

function fakeTimerBodies({ createClock }, shape, fibers) {
  const ms = shape === "sleep" ? 1 : 0;
  return async () => {
    const clock = createClock(0, Number.MAX_SAFE_INTEGER);
    const fiber = async () => {
      for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => clock.setTimeout(resolve, ms));
    };
    const all = Array.from({ length: fibers }, fiber);
    await clock.runAllAsync();
    await Promise.all(all);
  };
}

function asyncBodies(fibers) {
  const fiber = async () => {
    for (let turn = 0; turn < TURNS; turn++) await null;
  };
  return () => Promise.all(Array.from({ length: fibers }, fiber));
}
