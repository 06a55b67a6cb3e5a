/**
 * What the bench of planted bugs comes to: a row for each, the score, and the generator beside the plain one. Data, and its text for people.
 */
import { durationText } from "./duration.js";
import type { FoundBy } from "./mutant-hunt.js";
import type { Terminal } from "./terminal.js";

export interface MutantFound {
  readonly by: FoundBy;
  /** The run that found it, `SEED:INDEX`; absent for an audit. */
  readonly run: string | null;
  /** Runs replayed up to it, itself included; 0 for an audit. */
  readonly runs: number;
  readonly milliseconds: number;
  /** Ops of the run's program, and of what it was shrunk to; null for an audit. */
  readonly opsBefore: number | null;
  readonly ops: number | null;
  readonly isMinimal: boolean | null;
  readonly signature: string;
  readonly hash: string;
  /** The shrunk program, as JSON. */
  readonly program: unknown;
}

export interface MutantRow {
  readonly name: string;
  readonly kind: "seed" | "planted" | "equivalent";
  readonly rule: string;
  readonly text: string;
  /** The target that it was hunted on: `native+NAME`, `aarch64+NAME` or `kqueue+NAME`. */
  readonly on: string;
  readonly found: MutantFound | null;
  /** Runs replayed. */
  readonly runs: number;
  /** Runs that failed once and agreed when they were replayed alone. */
  readonly vanished: readonly string[];
  /** Runs that the plain generator needed; null where it found nothing or was not asked. */
  readonly uniformRuns: number | null;
}

export interface MutantsReport {
  readonly seed: string;
  readonly runsMax: number;
  readonly rows: readonly MutantRow[];
  readonly seconds: number;
  readonly isInterrupted: boolean;
  /** Whether the plain generator was asked too. */
  readonly hasUniform: boolean;
  readonly score: {
    /** Of the defects that are none of the equivalent ones. */
    readonly found: number;
    readonly of: number;
    readonly medianRuns: number | null;
    readonly slowestRuns: number | null;
    readonly shrunkTo8Ops: number | null;
    readonly uniformFound: number | null;
    readonly uniformMedianRuns: number | null;
    readonly survivors: readonly string[];
    /** Equivalent ones that were reported. */
    readonly wronglyReported: readonly string[];
  };
}

const OPS_WANTED = 8;

export function mutantsReport(given: Omit<MutantsReport, "score">): MutantsReport {
  const real = given.rows.filter(({ kind }) => kind !== "equivalent");
  const found = real.filter((row) => row.found !== null);
  // A bug that an audit finds needs no run of either generator, and counts for neither.
  const hunted = real.filter(({ found: how }) => how?.by !== "audit");
  const runs = hunted.flatMap((row) => (row.found === null ? [] : [row.found.runs]));
  const uniformRuns = hunted.flatMap((row) => (row.uniformRuns === null ? [] : [row.uniformRuns]));
  const ops = found.flatMap((row) => (row.found!.ops === null ? [] : [row.found!.ops]));
  return {
    ...given,
    score: {
      found: found.length,
      of: real.length,
      medianRuns: medianWithMisses(runs, hunted.length),
      slowestRuns: runs.length === 0 ? null : Math.max(...runs),
      shrunkTo8Ops: ops.length === 0 ? null : ops.filter((count) => count <= OPS_WANTED).length / ops.length,
      uniformFound: given.hasUniform ? uniformRuns.length + (real.length - hunted.length) : null,
      uniformMedianRuns: given.hasUniform ? medianWithMisses(uniformRuns, hunted.length) : null,
      survivors: real.filter((row) => row.found === null).map(({ name }) => name),
      wronglyReported: given.rows
        .filter(({ kind, found: how }) => kind === "equivalent" && how !== null)
        .map(({ name }) => name),
    },
  };
}

/** The median of `count` numbers of which only those that are known are given; the missing ones are larger. Null when it is one of them. */
function medianWithMisses(known: readonly number[], count: number): number | null {
  const sorted = [...known].sort((a, b) => a - b);
  return sorted[Math.ceil(count / 2) - 1] ?? null;
}

/** The line over the rows. */
export function headLine(hasUniform: boolean): string {
  return columns(
    ["defect", "rule", "on", "verdict", "by", "runs", "ms", "ops", "signature"],
    hasUniform ? "uniform" : "",
  );
}

export function rowLine(row: MutantRow, hasUniform: boolean, paint: Terminal["paint"]): string {
  const { found, kind } = row;
  const on = row.on.replace(/\+.*/, "");
  const uniform = !hasUniform ? "" : row.uniformRuns === null ? "-" : String(row.uniformRuns);
  const isGood = (found !== null) === (kind !== "equivalent");
  const verdict = found === null ? (isGood ? "equivalent" : "SURVIVED") : isGood ? "found" : "REPORTED";
  const line = columns(
    [
      row.name,
      row.rule,
      on,
      verdict,
      found?.by ?? "-",
      String(found?.runs ?? row.runs),
      found === null ? "-" : String(Math.round(found.milliseconds)),
      found?.ops == null ? "-" : `${found.ops}${found.isMinimal === false ? "+" : ""}`,
      found?.hash ?? "-",
    ],
    found?.by === "audit" ? "" : uniform,
  );
  return isGood ? line : paint("red", line);
}

function columns(cells: readonly string[], uniform: string): string {
  const widths = [29, 4, 7, 10, 7, -6, -6, -4, 9];
  const padded = cells.map((cell, i) => {
    const width = widths[i]!;
    return width < 0 ? cell.padStart(-width) : cell.padEnd(width);
  });
  return `${padded.join(" ")} ${uniform.padStart(8)}`.trimEnd();
}

export function scoreLines(report: MutantsReport, paint: Terminal["paint"]): string[] {
  const { score, hasUniform } = report;
  const number = (value: number | null): string => (value === null ? "more than the budget" : String(value));
  if (score.of === 0) return ["", "no defect was hunted"];
  const lines = [
    "",
    `${score.found} of ${score.of} defects found with seed ${JSON.stringify(report.seed)} in ${durationText(report.seconds * 1000)}; ` +
      `median ${number(score.medianRuns)} runs to find, slowest ${number(score.slowestRuns)}`,
  ];
  if (score.shrunkTo8Ops !== null)
    lines.push(`shrunk to at most ${OPS_WANTED} ops: ${(score.shrunkTo8Ops * 100).toFixed(0)}%`);
  if (hasUniform) {
    lines.push(
      `the plain generator (--uniform) finds ${score.uniformFound} of ${score.of}; median ${number(score.uniformMedianRuns)} runs`,
    );
  }
  if (score.survivors.length > 0) lines.push(paint("red", `SURVIVED: ${score.survivors.join(", ")}`));
  if (score.wronglyReported.length > 0)
    lines.push(paint("red", `REPORTED, though equivalent: ${score.wronglyReported.join(", ")}`));
  if (report.isInterrupted) lines.push("interrupted: not every defect was hunted");
  return lines;
}
