/**
 * Progress of a long command on standard error: one line drawn again on a terminal, a plain line now and then elsewhere.
 *
 * It shows and decides nothing; results never go through here.
 */
import { durationText } from "./duration.js";
import type { Terminal } from "./terminal.js";

const REDRAW_MS = 200;
const PLAIN_LINE_MS = 10_000;

export interface ProgressState {
  readonly runs: number;
  /** Infinity where time decides. */
  readonly runsTotal: number;
  readonly events: number;
  readonly failedRuns: number;
}

export class Progress {
  readonly #terminal: Terminal;
  readonly #startMs = performance.now();
  readonly #limitMs: number;
  /** What an earlier part of the campaign took. */
  readonly #beforeMs: number;
  #shownMs = performance.now();
  #isDrawn = false;

  /** `limitMs`: how long the whole may take; Infinity where runs decide. `beforeMs`: how long it has taken before. */
  constructor(terminal: Terminal, limitMs: number, beforeMs: number) {
    this.#terminal = terminal;
    this.#limitMs = limitMs;
    this.#beforeMs = beforeMs;
  }

  update(state: ProgressState): void {
    const nowMs = performance.now();
    const isDue = nowMs - this.#shownMs >= (this.#terminal.isInteractive ? REDRAW_MS : PLAIN_LINE_MS);
    if (!isDue) return;
    this.#shownMs = nowMs;
    const line = this.#line(state, this.#beforeMs + nowMs - this.#startMs);
    if (this.#terminal.isInteractive) {
      process.stderr.write(`\r\x1b[2K${line}`);
      this.#isDrawn = true;
    } else {
      process.stderr.write(`${line}\n`);
    }
  }

  /** Wipes the line, so that something else can be printed. */
  clear(): void {
    if (this.#isDrawn) process.stderr.write("\r\x1b[2K");
    this.#isDrawn = false;
  }

  /** The last line: what depends on the time and the machine, which results do not. */
  end(runs: number, jobs: number): void {
    this.clear();
    const elapsedMs = this.#beforeMs + performance.now() - this.#startMs;
    if (!this.#terminal.isInteractive && elapsedMs < PLAIN_LINE_MS) return;
    const rate = Math.round((runs * 1000) / elapsedMs);
    process.stderr.write(
      `${runs} runs in ${durationText(elapsedMs)}: ${rate} runs/s, ${jobs} worker process(es)\n`,
    );
  }

  #line({ runs, runsTotal, events, failedRuns }: ProgressState, elapsedMs: number): string {
    const perSecond = (runs * 1000) / elapsedMs;
    const leftMs = Math.min(((runsTotal - runs) / perSecond) * 1000, this.#limitMs - elapsedMs);
    const total = Number.isFinite(runsTotal) ? `/${runsTotal}` : "";
    const left = Number.isFinite(leftMs) ? `, ${durationText(Math.max(0, leftMs))} left` : "";
    const rates = `${Math.round(perSecond)} runs/s, ${((events * 1000) / elapsedMs / 1e6).toFixed(1)} M events/s`;
    return `${runs}${total} runs, ${rates}, ${failedRuns} failed${left}`;
  }
}
