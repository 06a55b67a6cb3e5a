/**
 * The native runtime alone: switch, yield, spawn and timers, against Boost.Context, glibc's swapcontext, and the seed's ways (a mapping a
 * fiber, a list of timers that is searched). The programs are `bench/native/`, compiled here with the runtime's own sources.
 *
 * A round is one process in which all contenders run, so that ratios are of one run. Nanoseconds are of the CPU: what else the machine
 * does adds nothing to them but for the caches, which 100,000 fibers do not fit into. Without libboost-context-dev its figures are missing.
 */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import {
  cacheFolder,
  findCompiler,
  machineArchitecture,
  makeFolder,
  root,
  runtimeSources,
} from "./support/dist.mjs";
import { figure } from "./support/format.mjs";
import { LIMITS_MACHINE, RUNTIME_LIMITS } from "./support/limits.mjs";
import { summarize } from "./support/measure.mjs";

export const title = "runtime: switch, yield, spawn and timers of the native runtime";

const FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-fPIC", "-fvisibility=hidden"];
const BOOST = ["-DBENCH_BOOST", "-lboost_context"];

/** What is measured, in the order shown, and what it is to be: `key` of a figure, and nanoseconds at most. */
const GOALS = [
  ["yield, 10 fibers: ns", "yield/lockstep/10", 5],
  ["yield, 1,000 fibers: ns", "yield/lockstep/1000", 8],
  ["yield, 100,000 fibers: ns", "yield/lockstep/100000", 30],
  ["spawn + run + reap, warm: ns", "spawn/lockstep/1000", 20],
  ["timer fired at 100,000: ns", "timer fired/lockstep/100000", 120],
  ["timer fired at 100,000, with its fiber: ns", "timer fired, with its fiber/lockstep/100000", 250],
];

export async function run({ rounds, isQuick }) {
  const notes = [];
  let program;
  try {
    program = await compile(notes);
  } catch (error) {
    notes.push(`without the native runtime: ${error.message.split("\n", 1)[0]}`);
    return { tables: [], goals: [], notes };
  }
  const samples = new Map();
  for (let round = 0; round < rounds; round++) {
    for (const { what, who, count, ns } of figuresOf(program, isQuick)) {
      const key = `${what}/${who}/${count}`;
      if (!samples.has(key)) samples.set(key, { what, who, count, ns: [] });
      samples.get(key).ns.push(ns);
    }
  }
  const of = new Map([...samples].map(([key, { ns }]) => [key, summarize(ns)]));
  return {
    tables: [
      table(samples, of, rounds),
      { title: LIMITS_MACHINE, columns: ["what", "ns"], rows: RUNTIME_LIMITS },
    ],
    goals: goalsOf(of),
    notes,
    figures: Object.fromEntries(of),
  };
}

/** The path of the program, built in the cache folder; without Boost.Context where that does not link. */
async function compile(notes) {
  const architecture = machineArchitecture();
  const { path, leadingArguments } = await findCompiler(architecture);
  const runtime = join(root, "src", "native-bridge", "runtime");
  const native = join(root, "bench", "native");
  const sources = [
    ...readdirSync(native)
      .filter((name) => name.endsWith(".c"))
      .map((name) => join(native, name)),
    ...runtimeSources(architecture, "epoll"),
  ];
  const folder = join(cacheFolder(), "bench");
  makeFolder(folder);
  const program = join(folder, "runtime-bench");
  const build = (extra) =>
    execFileSync(
      path,
      [
        ...leadingArguments,
        ...FLAGS,
        `-I${join(root, "include")}`,
        `-I${runtime}`,
        "-o",
        program,
        ...sources,
        ...extra,
      ],
      { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" },
    );
  try {
    build(BOOST);
  } catch {
    notes.push("without Boost.Context: it does not link (Debian: libboost-context-dev)");
    build([]);
  }
  return program;
}

function figuresOf(program, isQuick) {
  const lines = execFileSync(program, isQuick ? ["quick"] : [], { encoding: "utf8" })
    .trim()
    .split("\n");
  return lines.map((line) => JSON.parse(line));
}

function table(samples, of, rounds) {
  const rows = [...samples].map(([key, { what, who, count }]) => {
    const { median, min, max } = of.get(key);
    const ours = of.get(`${what}/lockstep/${count}`) ?? of.get(`${what}/lockstep/1`);
    const ratio = ours === undefined ? "" : figure(median / ours.median);
    return [what, figure(count), who, `${figure(median)} (${figure(min)} to ${figure(max)})`, ratio];
  });
  return {
    title: `Nanoseconds of the CPU, median of ${rounds} rounds (spread)`,
    columns: ["what", "among", "who", "ns", "times ours"],
    rows,
  };
}

function goalsOf(of) {
  const median = (key) => of.get(key)?.median;
  const goals = GOALS.map(([what, key, goal]) => ({ what, goal, measured: median(key), isMost: true }));
  const boost = median("switch/Boost.Context/1");
  if (boost !== undefined) {
    const measured = median("switch/lockstep/1") / boost;
    goals.unshift({ what: "one-way switch, of Boost.Context's", goal: 0.6, measured, isMost: true });
  }
  const measured = median("spawn/mmap a fiber/1") / median("spawn/lockstep/1000");
  goals.push({ what: "a mapping a fiber, times our spawn", goal: 400, measured, isMost: false });
  return goals;
}
