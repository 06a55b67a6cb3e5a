/**
 * The same shape of work on Lockstep's model and on other deterministic schedulers.
 *
 * Two shapes of a program, each made anew and run to its end: 8 fibers that yield 10 times each, and 8 fibers that sleep 1 ms ten times
 * each, so that at each of ten instants eight timers fire in order of arming. An op is one of the 80 yields or sleeps; spawning and
 * joining are in the time. Lockstep's interpreter and native target write a full trace meanwhile (184 records and an outcome); the others
 * write nothing.
 *
 * Peers: fast-check's scheduler, which has no clock, so that a sleep is one more scheduled promise there; and Effect with its TestClock,
 * installed by npm into the cache folder when it is first wanted. Everybody is given the work in the way its documents show.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { batchOf, cacheFolder, encodeProgram, ModelTarget, Scheduler } from "./support/dist.mjs";
import { each, figure, ratio } from "./support/format.mjs";
import { LIMITS_MACHINE, PEER_LIMITS } from "./support/limits.mjs";
import { measureInTurn } from "./support/measure.mjs";
import { withTargets } from "./support/targets.mjs";

export const title = "peers: 8 fibers x 10 yields or sleeps";

const FIBERS = 8;
const TURNS = 10;
const OPS = FIBERS * TURNS;
const EFFECT_VERSION = "4.1.0";
const SHAPES = ["yield", "sleep"];

export async function run({ rounds, isQuick, isOffline }) {
  const notes = [];
  const effect = await loadEffect(isOffline, notes);
  const tables = await withTargets(["native"], notes, async ({ native }) => {
    const all = [];
    for (const shape of SHAPES) all.push(await shapeTable(shape, { native, effect, rounds, isQuick }));
    return all;
  });
  tables.push({ title: LIMITS_MACHINE, columns: ["system", "ns an op"], rows: PEER_LIMITS });
  return { tables, goals: [], notes };
}

/** Programs a round are chosen so that each contender's round takes some tens of milliseconds. */
async function shapeTable(shape, { native, effect, rounds, isQuick }) {
  const systems = {
    "Lockstep model, encoded program, traced": {
      programs: 5000,
      work: interpreted(shape, 5000, new ModelTarget()),
    },
    "Lockstep Scheduler, generator bodies": { programs: 1000, work: repeated(1000, generatorBodies(shape)) },
    "fast-check scheduler": { programs: 30, work: repeated(30, fastCheck()) },
  };
  if (native) {
    systems["Lockstep native, encoded program, traced"] = {
      programs: 5000,
      work: interpreted(shape, 5000, native),
    };
  }
  if (effect) {
    const name = shape === "yield" ? "Effect yieldNow" : "Effect TestClock";
    systems[`${name} (effect ${EFFECT_VERSION})`] = {
      programs: 30,
      work: repeated(30, effectBodies(effect, shape)),
    };
  }
  const contenders = Object.fromEntries(Object.entries(systems).map(([name, { work }]) => [name, work]));
  // The slow ones are warm late: their rounds are small.
  const seconds = await measureInTurn(contenders, { rounds, warmUps: isQuick ? 5 : 30 });
  const perOp = (name) => seconds[name].median / systems[name].programs / OPS;
  const names = Object.keys(systems).sort((a, b) => perOp(a) - perOp(b));
  return {
    title: `${FIBERS} fibers x ${TURNS} ${shape}s, made and run, median (spread)`,
    columns: ["system", `ns a ${shape}`, "programs/s", "ratio to best"],
    rows: names.map((name) => {
      const { programs } = systems[name];
      const perSecond = figure(programs / seconds[name].median);
      return [name, each(programs * OPS, seconds[name], 1e9), perSecond, ratio(perOp(name), perOp(names[0]))];
    }),
  };
}

function repeated(programs, once) {
  return async () => {
    for (let i = 0; i < programs; i++) await once();
  };
}

function interpreted(shape, programs, target) {
  const op = shape === "yield" ? { op: "yield" } : { op: "sleep", ms: 1 };
  const body = Array.from({ length: TURNS }, () => op);
  const fibers = Object.fromEntries(Array.from({ length: FIBERS }, (_, i) => [`f${i}`, body]));
  const program = encodeProgram({ version: 1, fibers });
  const batch = batchOf(Array.from({ length: programs }, () => program));
  return () => target.replay(batch);
}

function generatorBodies(shape) {
  return () => {
    const s = new Scheduler();
    for (let fiber = 0; fiber < FIBERS; fiber++) {
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
function fastCheck() {
  const arbitrary = fc.scheduler();
  const random = new fc.Random(countingSource());
  return async () => {
    const s = arbitrary.generate(random, undefined).value_;
    const fiber = async () => {
      for (let turn = 0; turn < TURNS; turn++) await s.schedule(Promise.resolve());
    };
    const fibers = Array.from({ length: FIBERS }, fiber);
    await s.waitIdle();
    await Promise.all(fibers);
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

function effectBodies({ Effect, Fiber, TestClock }, shape) {
  const step = shape === "yield" ? Effect.yieldNow : Effect.sleep(1);
  const body = Effect.gen(function* () {
    for (let turn = 0; turn < TURNS; turn++) yield* step;
  });
  const program = Effect.gen(function* () {
    const fibers = [];
    for (let fiber = 0; fiber < FIBERS; fiber++) fibers.push(yield* Effect.forkChild(body));
    if (shape === "sleep") yield* TestClock.adjust(TURNS);
    for (const fiber of fibers) yield* Fiber.join(fiber);
  });
  const whole = shape === "sleep" ? program.pipe(Effect.provide(TestClock.layer())) : program;
  return () => Effect.runPromise(whole);
}

/** The peer from the cache folder, fetched by npm when it is not there. Undefined, with a note, when it cannot be had. */
async function loadEffect(isOffline, notes) {
  const folder = join(cacheFolder(), "bench", `effect-${EFFECT_VERSION}`);
  const installed = join(folder, "node_modules", "effect", "dist");
  try {
    if (!existsSync(join(installed, "index.js"))) {
      if (isOffline) throw new Error("not in the cache folder, and --offline was given");
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, "package.json"), '{ "private": true }\n');
      const options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
      execFileSync("npm", ["install", "--prefix", folder, ...options, `effect@${EFFECT_VERSION}`], {
        stdio: "pipe",
      });
    }
    const load = (...path) => import(pathToFileURL(join(installed, ...path)).href);
    const { Effect, Fiber } = await load("index.js");
    return { Effect, Fiber, TestClock: await load("testing", "TestClock.js") };
  } catch (error) {
    notes.push(
      `without Effect: ${error.message.split("\n", 1)[0]}; to have it: npm run bench -- peers, with a network`,
    );
    return undefined;
  }
}
