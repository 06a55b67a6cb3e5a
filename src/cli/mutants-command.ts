/**
 * `lockstep mutants`: how good Lockstep is at its job. Builds our runtime with each planted bug, hunts it with the campaign of one seed, and
 * says what was found, by what, how soon and how small; beside it, what the plain generator needs.
 *
 * Exit status 1 when a real defect survives or an equivalent one is reported, 3 when this machine cannot run some of them.
 */
import { setMaxListeners } from "node:events";
import { availableParallelism } from "node:os";
import { type Architecture, machineArchitecture } from "../native-bridge/architecture.js";
import { auditLibrary } from "../native-bridge/audit-library.js";
import { buildDefective, DEFECTS, type Defect } from "../native-bridge/defects.js";
import { describeTargets } from "../native-bridge/doctor.js";
import { interrupting } from "../native-bridge/interrupting.js";
import { stopBuilds, takeOnBuilds } from "../native-bridge/running-builds.js";
import { divergenceLines, indented } from "../report/divergence-text.js";
import type { Readiness } from "../sched/index.js";
import { ExpectedRuns } from "../sim/campaign/expected-runs.js";
import type { GeneratorConstraints } from "../sim/generate/profile.js";
import { ModelTarget } from "../sim/model-target.js";
import { opCountOf } from "../sim/shrink/program-edits.js";
import { type Target, TargetError } from "../sim/target.js";
import { type ShrunkFailure, shrinkFailure } from "../testing/investigate.js";
import type { CommandContext } from "./command-context.js";
import { ExitStatus, interruptedBy, worse } from "./exit-status.js";
import { type Catch, foundBy, hunt, signatureHash } from "./mutant-hunt.js";
import {
  headLine,
  type MutantFound,
  type MutantRow,
  mutantsReport,
  rowLine,
  scoreLines,
} from "./mutants-report.js";
import { closeTarget, isOpen, openTarget, type TargetSettings } from "./open-targets.js";
import { untilAborted } from "./until-aborted.js";

export interface MutantsOptions {
  readonly seed: string;
  readonly runs: number;
  readonly only?: readonly string[];
  readonly arch?: "native" | "aarch64" | "kqueue";
  readonly jobs?: number;
  readonly uniform: boolean;
  readonly shrinkTime: number;
  readonly explain?: boolean;
  readonly list?: boolean;
  readonly json?: boolean;
}

/** A hang costs this much each time; programs of a campaign take well under a millisecond, and a few under an emulator. */
const TIME_LIMIT_MS = 250;
const TIME_LIMIT_EMULATED_MS = 500;

/** A defect and where to hunt it. */
interface Hunted {
  readonly defect: Defect;
  readonly place: Place;
  readonly on: string;
}

/** A target of our runtime, and what it is built for. */
interface Place {
  readonly target: "native" | "aarch64" | "kqueue";
  readonly architecture: Architecture;
  readonly readiness: Readiness;
}

interface BenchRow {
  readonly row: MutantRow;
  /** Lines for `--explain`; none without it. */
  readonly explanation: readonly string[];
}

export async function mutantsCommand(
  options: MutantsOptions,
  settings: TargetSettings,
  context: CommandContext,
): Promise<ExitStatus> {
  const { terminal, interruption } = context;
  const known = new Set(DEFECTS.map(({ name }) => name));
  const unknown = (options.only ?? []).filter((name) => !known.has(name));
  if (unknown.length > 0) {
    terminal.complain(`mutants --only: no defect is called ${unknown.join(", ")}; --list names them`);
    return ExitStatus.badInput;
  }
  const chosen = DEFECTS.filter(({ name }) => options.only?.includes(name) ?? true);
  if (options.list === true) {
    for (const defect of chosen)
      terminal.print(options.json === true ? JSON.stringify(defect) : listLine(defect));
    return ExitStatus.agreement;
  }
  const { hunted, skipped } = await placesOf(chosen, options.arch);
  interruption.isHandled = true;
  // A hunt that waits for its compiler waits no longer.
  takeOnBuilds();
  interruption.signal.addEventListener("abort", () => void stopBuilds());
  if (hunted.length + skipped.length === 0) {
    terminal.complain(`mutants: none of these defects is one of --arch ${options.arch}`);
    return ExitStatus.badInput;
  }
  let status: ExitStatus = ExitStatus.agreement;
  for (const line of skipped) {
    terminal.complain(line);
    status = ExitStatus.unavailable;
  }

  const startMs = performance.now();
  const bench = new Bench(options, settings, context);
  const isText = options.json !== true;
  if (isText) terminal.print(terminal.paint("bold", headLine(options.uniform)));
  const rows: MutantRow[] = [];
  try {
    await bench.huntAll(hunted, (row, explanation) => {
      rows.push(row);
      if (!isText) return;
      terminal.print(rowLine(row, options.uniform, terminal.paint));
      for (const line of explanation) terminal.print(line);
    });
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    // A hunt that was interrupted, or its compiler, is no fault of the machine.
    if (!interruption.signal.aborted) {
      terminal.complain(`${error.message}: the bench ends here`);
      return ExitStatus.unavailable;
    }
  }
  const report = mutantsReport({
    seed: options.seed,
    runsMax: options.runs,
    rows,
    seconds: Number(((performance.now() - startMs) / 1000).toFixed(1)),
    isInterrupted: interruption.signal.aborted,
    hasUniform: options.uniform,
  });
  if (isText) for (const line of scoreLines(report, terminal.paint)) terminal.print(line);
  else terminal.print(JSON.stringify(report));
  if (report.score.survivors.length + report.score.wronglyReported.length > 0)
    status = worse(status, ExitStatus.divergence);
  return interruption.signal.aborted ? worse(status, interruptedBy(interruption.signal)) : status;
}

function listLine({ name, kind, rule, text, architectures, readiness }: Defect): string {
  const only = [architectures, readiness].find((builds) => builds.length === 1);
  const where = only === undefined ? "" : ` (${only[0]})`;
  return `${name.padEnd(29)} ${kind.padEnd(10)} ${rule.padEnd(3)} ${text}${where}`;
}

/**
 * Each defect on `native` where it has one there, else on the emulated architecture or the other readiness queue; the slow emulated ones
 * first.
 */
async function placesOf(
  defects: readonly Defect[],
  arch: MutantsOptions["arch"],
): Promise<{ readonly hunted: readonly Hunted[]; readonly skipped: readonly string[] }> {
  const machine = machineArchitecture();
  const places: readonly Place[] = [
    { target: "native", architecture: machine, readiness: "epoll" },
    { target: "aarch64", architecture: "aarch64", readiness: "epoll" },
    { target: "kqueue", architecture: machine, readiness: "kqueue" },
  ];
  const wanted = places.filter(({ target }) => arch === undefined || target === arch);
  const targets = await describeTargets();
  const hunted: Hunted[] = [];
  const lacking = new Map<string, number>();
  for (const defect of defects) {
    const place = wanted.find(
      ({ architecture, readiness }) =>
        defect.architectures.includes(architecture) && defect.readiness.includes(readiness),
    );
    if (place === undefined) continue;
    const { target } = place;
    const { canRun, requirements } = targets.find(({ name }) => name === target)!;
    const lack = requirements.flatMap((need) =>
      need.state === "missing" ? [`${need.what} (${need.install})`] : [],
    );
    // What an audit finds needs no target, only a compiler; but a bench without its targets is not worth a special case.
    if (canRun) hunted.push({ defect, place, on: `${target}+${defect.name}` });
    else
      lacking.set(
        `${target} lacks ${lack.join(", ")}`,
        (lacking.get(`${target} lacks ${lack.join(", ")}`) ?? 0) + 1,
      );
  }
  const isEmulated = ({ place }: Hunted): number => (place.architecture === machine ? 1 : 0);
  return {
    hunted: hunted.sort((a, b) => isEmulated(a) - isEmulated(b)),
    skipped: [...lacking].map(([why, count]) => `${count} defect(s) not hunted: ${why}`),
  };
}

/** Hunts with a few at a time; the programs and the model's traces are shared by all. */
class Bench {
  readonly #options: MutantsOptions;
  readonly #settings: TargetSettings;
  readonly #context: CommandContext;
  readonly #models = { epoll: new ModelTarget("epoll"), kqueue: new ModelTarget("kqueue") } as const;
  readonly #runs = new Map<string, ExpectedRuns>();
  /** Aborted with the first hunt that fails. */
  readonly #end = new AbortController();
  /** Aborted when no hunt goes on: by that, or by an interruption. */
  readonly #over: AbortSignal;

  constructor(options: MutantsOptions, settings: TargetSettings, context: CommandContext) {
    this.#options = options;
    this.#settings = settings;
    this.#context = context;
    this.#over = AbortSignal.any([context.interruption.signal, this.#end.signal]);
    // One for each hunt under way.
    setMaxListeners(0, this.#over);
  }

  /** Rows are handed over in the order of `hunted`, as soon as they are there. @throws TargetError when a target is lost. */
  async huntAll(
    hunted: readonly Hunted[],
    onRow: (row: MutantRow, explanation: readonly string[]) => void,
  ): Promise<void> {
    let failure: unknown;
    const done: (BenchRow | undefined)[] = hunted.map(() => undefined);
    let next = 0;
    let shown = 0;
    const work = async (): Promise<void> => {
      while (next < hunted.length && !this.#over.aborted) {
        const number = next++;
        try {
          done[number] = await this.#huntOne(hunted[number]!);
        } catch (error) {
          failure ??= error;
          this.#end.abort();
        }
        for (let ready = done[shown]; ready !== undefined; ready = done[shown]) {
          onRow(ready.row, ready.explanation);
          shown++;
        }
      }
    };
    // All come to their end before any target is closed from outside: what a target shares with them is gone then.
    await Promise.all(Array.from({ length: this.#options.jobs ?? availableParallelism() }, work));
    if (failure !== undefined) throw failure;
  }

  /** Undefined when the hunt was interrupted before it found anything, which says nothing about the defect. */
  async #huntOne({ defect, place, on }: Hunted): Promise<BenchRow | undefined> {
    const { name, kind, rule, text } = defect;
    const row = { name, kind, rule, text, on, runs: 0, vanished: [], uniformRuns: null } as const;
    const library = await buildDefective(defect, place.architecture, place.readiness);
    const audit = await auditLibrary(library);
    if (audit.missing.length > 0) {
      const explanation =
        this.#options.explain === true ? audit.missing.map((line) => `  ${library}: ${line}`) : [];
      return { row: { ...row, found: foundByAudit(audit.missing) }, explanation };
    }
    const opened = await this.#open(on);
    const target = untilAborted(rule === "C5" ? interrupting(opened, library) : opened, this.#over);
    // One of its own: what a target answers is good until its next answer, and other hunts go on meanwhile.
    const model = new ModelTarget(place.readiness);
    try {
      const signal = this.#over;
      const constraints = { world: target.runsWorlds };
      const expected = (uniform: boolean) => this.#expected({ ...constraints, uniform }, place.readiness);
      const first = await hunt(expected(false), model, target, signal);
      if (first.caught === undefined && signal.aborted) return undefined;
      const shrunk =
        first.caught === undefined
          ? undefined
          : await shrinkFailure(first.caught.failure, model, target, this.#options.shrinkTime, signal);
      const plain = this.#options.uniform ? await hunt(expected(true), model, target, signal) : undefined;
      return {
        row: {
          ...row,
          found: first.caught === undefined ? null : foundInRun(first.caught, shrunk!),
          runs: first.runs,
          vanished: first.vanished,
          uniformRuns: plain?.caught?.runs ?? null,
        },
        explanation: shrunk === undefined || this.#options.explain !== true ? [] : this.#explain(shrunk),
      };
    } finally {
      await closeTarget(opened);
    }
  }

  async #open(on: string): Promise<Target> {
    const timeLimitMs = on.startsWith("aarch64") ? TIME_LIMIT_EMULATED_MS : TIME_LIMIT_MS;
    const target = await openTarget(on, { ...this.#settings, timeLimitMs });
    if (!isOpen(target)) throw new TargetError("unavailable", target.complaint);
    return target;
  }

  #expected(constraints: GeneratorConstraints, readiness: Readiness): ExpectedRuns {
    const key = JSON.stringify([constraints, readiness]);
    let runs = this.#runs.get(key);
    if (runs === undefined) {
      runs = new ExpectedRuns(this.#options.seed, constraints, this.#options.runs, this.#models[readiness]);
      this.#runs.set(key, runs);
    }
    return runs;
  }

  #explain({ failure }: ShrunkFailure): string[] {
    const { paint, columns } = this.#context.terminal;
    const report = { paint, columns: columns - 2, showsProgram: true };
    return ["", ...indented(divergenceLines(failure.program, failure.divergence, report), 2), ""];
  }
}

function foundByAudit(missing: readonly string[]): MutantFound {
  const { hash, text } = signatureHash(missing.join("; "));
  return {
    by: "audit",
    run: null,
    runs: 0,
    milliseconds: 0,
    opsBefore: null,
    ops: null,
    isMinimal: null,
    signature: text,
    hash,
    program: null,
  };
}

function foundInRun(caught: Catch, shrunk: ShrunkFailure): MutantFound {
  return {
    by: foundBy(caught.failure),
    run: caught.seed,
    runs: caught.runs,
    milliseconds: Math.round(caught.milliseconds),
    opsBefore: shrunk.opsBefore,
    // A bug that one program leaves to the next can make a smaller program fail only among others: then this is the whole one.
    ops: opCountOf(shrunk.failure.program),
    isMinimal: shrunk.isMinimal,
    ...signatureOfCatch(caught),
    program: shrunk.failure.program,
  };
}

function signatureOfCatch({ failure }: Catch): { readonly signature: string; readonly hash: string } {
  const { text, hash } = signatureHash(failure.signature);
  return { signature: text, hash };
}
