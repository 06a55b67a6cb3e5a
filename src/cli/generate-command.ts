/** `lockstep generate`: the programs of a campaign's runs, one line each: `{"seed": "S:0", "program": {...}}` (SPEC section 6). */
import type { GeneratorConstraints } from "../sim/generate/profile.js";
import { runSeed } from "../sim/generate/run-seed.js";
import { programOfRun } from "../testing/investigate.js";
import type { CommandContext } from "./command-context.js";
import { ExitStatus, interruptedBy } from "./exit-status.js";

export interface GenerateOptions {
  readonly seed: string;
  readonly from: number;
  readonly count: number;
  readonly world: boolean;
  readonly uniform?: boolean;
}

export async function generateCommand(
  options: GenerateOptions,
  { terminal, interruption }: CommandContext,
): Promise<ExitStatus> {
  const constraints: GeneratorConstraints = { world: options.world, uniform: options.uniform ?? false };
  for (let index = options.from; index < options.from + options.count; index++) {
    const seed = runSeed(options.seed, index);
    terminal.print(JSON.stringify({ seed, program: programOfRun(seed, constraints) }));
    if (index % 256 !== 0) continue;
    // Lets a reader that is slower than this catch up, and an interruption in.
    await terminal.flushed();
    if (terminal.isUnread) break;
    if (interruption.signal.aborted) return interruptedBy(interruption.signal);
  }
  return ExitStatus.agreement;
}
