/**
 * `npm run bench`: runs the benchmarks and prints their tables, with the machine named.
 *
 *     npm run bench                     all parts
 *     npm run bench -- pipeline peers   some of them
 *     npm run bench -- --help           the options
 *
 * These are measurements, not tests: nothing fails because it is slow. Each part runs in a Node of its own, so that what one part has
 * taught the compiler is not another's, and everything is pinned to one core (`taskset`), the native processes with it, but for parts that
 * say otherwise. Nothing here is a dependency of Lockstep; what a part needs beyond it is fetched into the cache folder before anything is
 * timed, and said to be missing when it cannot be.
 */
import { spawn, spawnSync } from "node:child_process";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setUp } from "../scripts/setup.mjs";

const PARTS = [
  "runtime",
  "schedulers",
  "pipeline",
  "targets",
  "explorers",
  "peers",
  "scaling",
  "startup",
  "growth",
  "memory",
];
const ROUNDS = { full: 9, quick: 3 };

const USAGE = `npm run bench -- [PART...] [options]

parts: ${PARTS.join(", ")} (all unless named)
  --quick          small rounds: a first look, in under a minute
  --rounds N       rounds to take the median of (${ROUNDS.full})
  --programs N     programs of the part memory (5000000)
  --cpu N          the CPU to pin to (the last one)
  --json           one JSON document instead of tables
  --write-results  write bench/RESULTS.md too; for all parts only
  --offline        fetch nothing
  --no-setup       take dist/ as it is`;

const OPTIONS = {
  quick: { type: "boolean", default: false },
  rounds: { type: "string" },
  programs: { type: "string" },
  cpu: { type: "string" },
  json: { type: "boolean", default: false },
  "write-results": { type: "boolean", default: false },
  offline: { type: "boolean", default: false },
  "no-setup": { type: "boolean", default: false },
  help: { type: "boolean", default: false },
};

/** Progress and warnings; standard output is for results. */
const say = (line) => process.stderr.write(`${line}\n`);

/** A child of `runAll`: runs one part and sends its result up. */
if (process.send !== undefined && process.env.LOCKSTEP_BENCH_PART !== undefined) {
  const part = await import(`./${process.env.LOCKSTEP_BENCH_PART}.bench.mjs`);
  const result = await part.run(JSON.parse(process.env.LOCKSTEP_BENCH_OPTIONS));
  process.send({ title: part.title, ...result }, () => process.disconnect());
} else {
  process.exitCode = await main();
}

async function main() {
  let settings;
  try {
    settings = readArguments();
  } catch (error) {
    say(`${error.message}\n\n${USAGE}`);
    return 2;
  }
  if (settings.values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  if (!settings.values["no-setup"]) await setUp();
  return runAll(settings);
}

function readArguments() {
  // npm hands "--" on in some versions.
  const args = process.argv.slice(2).filter((argument) => argument !== "--");
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  const unknown = positionals.find((name) => !PARTS.includes(name));
  if (unknown !== undefined) throw new Error(`no part is called ${unknown}`);
  const number = (name, least) => {
    if (values[name] === undefined) return undefined;
    const value = Number(values[name].replaceAll("_", ""));
    if (!Number.isInteger(value) || value < least)
      throw new Error(`--${name} takes a whole number from ${least}`);
    return value;
  };
  if (values["write-results"] && positionals.length > 0)
    throw new Error("--write-results is for all parts: a page of some would lose the others");
  const options = {
    rounds: number("rounds", 1) ?? (values.quick ? ROUNDS.quick : ROUNDS.full),
    programs: number("programs", 1000),
    isQuick: values.quick,
    isOffline: values.offline,
  };
  return { values, options, cpu: number("cpu", 0), parts: positionals.length > 0 ? positionals : PARTS };
}

async function runAll({ values, options, cpu, parts }) {
  const startMs = performance.now();
  // After the set-up: these read dist/.
  const { describeMachine, lastAllowedCpu } = await import("./support/machine.mjs");
  const { goalsOf, goalsTable } = await import("./support/goals.mjs");
  const { tableText } = await import("./support/format.mjs");
  const pin = pinTo(cpu ?? lastAllowedCpu());
  const machine = { ...describeMachine(), pinned: pin.text };
  if (!values.json) print(machineText(machine));
  const results = {};
  for (const name of parts) {
    say(`bench: ${name} ...`);
    results[name] = await timePart(name, options, pin.command);
    if (!values.json) print(await partText(results[name]));
  }
  const versions = Object.assign({}, ...Object.values(results).map((result) => result.versions));
  const goals = goalsOf(results);
  machine["load at end"] = loadText();
  const seconds = (performance.now() - startMs) / 1000;
  const whole = { machine, versions, options, seconds, goals, results };
  if (values.json) print(JSON.stringify(whole, null, 2));
  else {
    if (Object.keys(versions).length > 0) print(machineText(versions));
    if (goals.length > 0) print(tableText(goalsTable(goals)));
    print(`load at end: ${machine["load at end"]}; ${seconds.toFixed(0)} s`);
  }
  if (values["write-results"]) {
    const { RESULTS_FILE, writeResults } = await import("./support/results-page.mjs");
    writeResults({ ...whole, date: new Date().toISOString().slice(0, 10) });
    say(`bench: wrote ${RESULTS_FILE}`);
  }
  return Object.values(results).some(({ error }) => error !== undefined) ? 1 : 0;
}

/** What a part fetches or builds is there, on all cores, before its process is pinned and its time counts. */
async function timePart(name, options, pinCommand) {
  const { prepare, isUnpinned = false } = await import(`./${name}.bench.mjs`);
  prepare?.(options);
  const startMs = performance.now();
  const result = await runPart(name, options, isUnpinned ? [] : pinCommand);
  return { ...result, seconds: Number(((performance.now() - startMs) / 1000).toFixed(1)) };
}

function loadText() {
  return loadavg()
    .map((value) => value.toFixed(2))
    .join(" ");
}

/** The command that pins what follows it, or none with the reason. */
function pinTo(cpu) {
  const command = ["taskset", "-c", String(cpu)];
  const { status, error } = spawnSync(command[0], [...command.slice(1), "true"]);
  if (status === 0) return { command, text: `to CPU ${cpu}, all processes` };
  const why = error ? "taskset is missing (Debian: util-linux)" : `taskset refuses CPU ${cpu}`;
  return { command: [], text: `NOT: ${why}; more than one core may be at work` };
}

/** Runs a part in a process of its own. A part that fails gives a result that says so, and the others go on. */
function runPart(name, options, pinCommand) {
  const [command, ...args] = [...pinCommand, process.execPath, "--expose-gc", fileURLToPath(import.meta.url)];
  const env = { ...process.env, LOCKSTEP_BENCH_PART: name, LOCKSTEP_BENCH_OPTIONS: JSON.stringify(options) };
  const child = spawn(command, args, { env, stdio: ["ignore", "inherit", "inherit", "ipc"] });
  return new Promise((resolve) => {
    let result = { title: name, tables: [], goals: [], notes: [], error: "the part ended without a result" };
    child.on("message", (message) => {
      result = message;
    });
    child.on("error", ({ message }) => resolve({ ...result, error: message }));
    child.on("close", () => resolve(result));
  });
}

function machineText(machine) {
  const width = Math.max(...Object.keys(machine).map((key) => key.length));
  return Object.entries(machine)
    .map(([key, value]) => `${key.padEnd(width)}  ${value}`)
    .join("\n");
}

async function partText({ title, tables, notes, error, seconds }) {
  const { tableText } = await import("./support/format.mjs");
  const texts = tables.map(tableText);
  if (notes.length > 0) texts.push(notes.map((note) => `  note: ${note}`).join("\n"));
  if (error !== undefined) texts.push(`  FAILED: ${error}`);
  return [`== ${title} (${seconds} s)`, ...texts].join("\n\n");
}

function print(text) {
  process.stdout.write(`${text}\n\n`);
}
