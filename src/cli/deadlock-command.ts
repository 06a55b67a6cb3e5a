/**
 * `lockstep deadlock`: the runs of a campaign that end in R2's deadlock, with who waits for whom.
 *
 * The model alone decides; `lockstep repro` of each shows the same on every target.
 */
import { decodeTrace } from "../sim/decode-trace.js";
import { batchOf, encodeProgram } from "../sim/encode-program.js";
import { runSeed } from "../sim/generate/run-seed.js";
import { ModelTarget } from "../sim/model-target.js";
import type { CommandContext } from "./command-context.js";
import { ExitStatus } from "./exit-status.js";
import { programOfRun } from "./investigate.js";
import { explainEnd } from "./repro-command.js";
import { shellWord } from "./shell-word.js";

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
  let found = 0;
  for (let index = options.from; index < options.from + options.runs; index++) {
    if (index % 256 === 0) await terminal.flushed();
    if (interruption.signal.aborted) return ExitStatus.interrupted;
    const seed = runSeed(options.seed, index);
    const program = programOfRun(seed, { world: options.world });
    const { outcome } = decodeTrace(program, model.replayNow(batchOf([encodeProgram(program)])).words);
    if (outcome.outcome !== "panic" || !outcome.message.startsWith("sched: deadlock")) continue;
    found++;
    const waits = explainEnd(program, outcome.outcome);
    if (options.format === "jsonl") {
      terminal.print(JSON.stringify({ seed, t: outcome.t, message: outcome.message, waits }));
      continue;
    }
    terminal.print(`${terminal.paint("bold", seed)} at t=${outcome.t}: ${outcome.message}`);
    for (const line of waits) terminal.print(`  ${line}`);
  }
  if (options.format === "text") {
    terminal.print(
      `${found} of ${options.runs} runs deadlock; lockstep repro ${shellWord(`${options.seed}:INDEX`)} shows one on every target`,
    );
  }
  return ExitStatus.agreement;
}
