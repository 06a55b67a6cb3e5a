/** The verdicts of `corpus run`, row by row, and totals with the time that each target took. */
import type { Target } from "../sim/target.js";
import type { CorpusVerdict } from "../testing/replay-corpus.js";
import type { Terminal } from "./terminal.js";

type Verdict = CorpusVerdict["verdict"];

export class VerdictTable {
  readonly #terminal: Terminal;
  readonly #targets: readonly Target[];
  readonly #format: "text" | "jsonl";
  readonly #counts: Record<Verdict, number>[];
  readonly #nameWidth = 52;

  constructor(terminal: Terminal, targets: readonly Target[], format: "text" | "jsonl") {
    this.#terminal = terminal;
    this.#targets = targets;
    this.#format = format;
    this.#counts = targets.map(() => ({ agrees: 0, differs: 0, "cannot run": 0 }));
    if (format === "text")
      this.#line(
        "entry",
        targets.map((target) => target.name),
        "bold",
      );
  }

  row(name: string, verdicts: readonly Verdict[], report: readonly string[]): void {
    for (const [i, verdict] of verdicts.entries()) this.#counts[i]![verdict]++;
    if (this.#format === "jsonl") {
      const on = Object.fromEntries(this.#targets.map((target, i) => [target.name, verdicts[i]]));
      this.#terminal.print(JSON.stringify({ entry: name, on, ...(report.length === 0 ? {} : { report }) }));
      return;
    }
    this.#line(
      name,
      verdicts.map((verdict) => (verdict === "agrees" ? "agrees" : verdict.toUpperCase())),
    );
    for (const line of report) this.#terminal.print(`    ${line}`);
  }

  end(startsMs: ReadonlyMap<Target, number>, replaysMs: ReadonlyMap<Target, number>): void {
    const ms = (times: ReadonlyMap<Target, number>, target: Target): string =>
      `${Math.round(times.get(target) ?? 0)} ms`;
    if (this.#format === "jsonl") return;
    const total = (verdict: Verdict): string[] => this.#counts.map((counts) => String(counts[verdict]));
    this.#line("agree", total("agrees"), "bold");
    this.#line("differ", total("differs"), "bold");
    this.#line(
      "time to start",
      this.#targets.map((target) => ms(startsMs, target)),
      "dim",
    );
    this.#line(
      "time to replay",
      this.#targets.map((target) => ms(replaysMs, target)),
      "dim",
    );
    for (const target of this.#targets)
      this.#terminal.print(this.#terminal.paint("dim", `${target.name}: ${target.description}`));
  }

  #line(first: string, cells: readonly string[], style?: "bold" | "dim"): void {
    const line = first.padEnd(this.#nameWidth) + cells.map((cell) => cell.padEnd(12)).join("");
    const { paint } = this.#terminal;
    const coloured = line
      .replaceAll("DIFFERS", paint("red", "DIFFERS"))
      .replaceAll("agrees", paint("green", "agrees"));
    this.#terminal.print(style === undefined ? coloured.trimEnd() : paint(style, line.trimEnd()));
  }
}
