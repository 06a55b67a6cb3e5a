/**
 * `lockstep deadlock`: the runs of a campaign that end in R2's deadlock, or in another panic with fibers that were stuck already, and why.
 *
 * The model alone decides; `lockstep repro` of each shows the same on every target. Runs that end well cost no more than their replay.
 */

import { shellWord } from "../report/shell-word.js";
import { decodeTrace } from "../sim/decode-trace.js";
import { batchOf, encodeProgram } from "../sim/encode-program.js";
import { explainStuck } from "../sim/forensics/explain-stuck.js";
import { forensicsLines } from "../sim/forensics/forensics-text.js";
import { runSeed } from "../sim/generate/run-seed.js";
import { ModelTarget } from "../sim/model-target.js";
import { outcomeLine } from "../sim/trace-text.js";
import { programOfRun } from "../testing/investigate.js";
import type { CommandContext } from "./command-context.js";
import { ExitStatus, interruptedBy } from "./exit-status.js";

export interface DeadlockOptions {
  readonly seed: string;
  readonly from: number;
  readonly runs: number;
  readonly world: boolean;
  readonly format: "text" | "jsonl";
}

/** Exit status 0 whether or not there are any. */
export async function deadlockCommand(
  options: DeadlockOptions,
  { terminal, interruption }: CommandContext,
): Promise<ExitStatus> {
  const model = new ModelTarget();
  const found = { deadlock: 0, partial: 0 };
  for (let index = options.from; index < options.from + options.runs; index++) {
    if (index % 256 === 0) await terminal.flushed();
    if (terminal.isUnread) break;
    if (interruption.signal.aborted) return interruptedBy(interruption.signal);
    const seed = runSeed(options.seed, index);
    const program = programOfRun(seed, { world: options.world });
    const encoded = encodeProgram(program);
    const { outcome } = decodeTrace(program, model.replayNow(batchOf([encoded])).words);
    const forensics = outcome.outcome === "completed" ? undefined : explainStuck(program, encoded);
    if (forensics === undefined || forensics.verdict === "io-hang") continue;
    found[forensics.verdict]++;
    if (options.format === "jsonl") {
      terminal.print(JSON.stringify({ seed, outcome, forensics }));
      continue;
    }
    terminal.print(`${terminal.paint("bold", seed)} ${outcomeLine(outcome)}`);
    for (const line of forensicsLines(forensics)) terminal.print(`  ${line}`);
  }
  if (options.format === "text") {
    terminal.print(
      `${found.deadlock} of ${options.runs} runs deadlock, ${found.partial} more end in something else with fibers stuck; lockstep repro ${shellWord(`${options.seed}:INDEX`)} shows one on every target`,
    );
  }
  return ExitStatus.agreement;
}
