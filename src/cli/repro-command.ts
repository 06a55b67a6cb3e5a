/**
 * `lockstep repro S:i`: exactly that run, from its seed alone, on every target, explained (SPEC section 6).
 *
 * A divergence is shrunk and shown with both traces around it; where the targets agree, the outcome is shown, and of a deadlock or a hang who
 * is stuck, since when, and why nobody will come.
 */

import { divergenceLines, indented } from "../report/divergence-text.js";
import { formatProgram } from "../report/program-text.js";
import { generatorFlags, shellWord } from "../report/shell-word.js";
import { signatureText } from "../sim/campaign/signature.js";
import { decodeTrace } from "../sim/decode-trace.js";
import { batchOf, encodeProgram } from "../sim/encode-program.js";
import { explainStuck } from "../sim/forensics/explain-stuck.js";
import { forensicsLines } from "../sim/forensics/forensics-text.js";
import type { GeneratorConstraints } from "../sim/generate/profile.js";
import { parseRunSeed } from "../sim/generate/run-seed.js";
import type { Program } from "../sim/program.js";
import { traceOf } from "../sim/target.js";
import { outcomeLine } from "../sim/trace-text.js";
import { failuresOf, programOfRun, shrinkFailure } from "../testing/investigate.js";
import type { CommandContext } from "./command-context.js";
import { ExitStatus, worse } from "./exit-status.js";
import { openTargets, type TargetSettings, targetNames } from "./open-targets.js";

export interface ReproOptions {
  readonly on: string;
  readonly world: boolean;
  readonly uniform?: boolean;
  readonly shrinkTime: number;
  readonly format: "text" | "jsonl";
}

export async function reproCommand(
  run: string,
  options: ReproOptions,
  settings: TargetSettings,
  context: CommandContext,
): Promise<ExitStatus> {
  const { terminal } = context;
  if (parseRunSeed(run) === undefined) {
    terminal.complain(
      `${JSON.stringify(run)} is not a run: expected SEED:INDEX, such as nightly:1042, and INDEX from 0 to ${Number.MAX_SAFE_INTEGER}`,
    );
    return ExitStatus.badInput;
  }
  // Shrinking keeps the best so far when it is interrupted, and what is compiled is stopped.
  context.interruption.isHandled = true;
  const { targets, status: openStatus } = await openTargets(targetNames(options.on), settings, context);
  let status = openStatus;
  const [expected, ...others] = targets;
  if (expected === undefined || status !== ExitStatus.agreement) return worse(status, ExitStatus.badInput);
  const constraints: GeneratorConstraints = { world: options.world, uniform: options.uniform ?? false };
  const program = programOfRun(run, constraints);

  const batch = batchOf([encodeProgram(program)]);
  const { outcome } = decodeTrace(program, traceOf(await expected.replay(batch), 0));
  const forensics = explainStuck(program);
  const verdicts: { on: string; agrees: boolean; signature?: string; program?: Program }[] = [];
  const lines: string[] = [];
  for (const other of others) {
    const [failure] = await failuresOf([program], expected, other);
    if (failure === undefined) {
      verdicts.push({ on: other.name, agrees: true });
      continue;
    }
    status = worse(status, ExitStatus.divergence);
    const shrunk = await shrinkFailure(
      failure,
      expected,
      other,
      options.shrinkTime,
      context.interruption.signal,
    );
    const signature = signatureText(failure.signature);
    verdicts.push({ on: other.name, agrees: false, signature, program: shrunk.failure.program });
    lines.push("", `${terminal.paint("red", `DIVERGES on ${other.name}`)}: ${signature}`);
    const report = { paint: terminal.paint, columns: terminal.columns - 2, showsProgram: true };
    const asFound = { ...report, showsProgram: false };
    lines.push(...indented(divergenceLines(program, failure.divergence, asFound), 2), "");
    const state = shrunk.isMinimal ? ", no single removal still fails" : "";
    lines.push(`  shrunk from ${shrunk.opsBefore} to ${shrunk.opsAfter} ops${state}:`);
    lines.push(...indented(divergenceLines(shrunk.failure.program, shrunk.failure.divergence, report), 2));
  }
  const flags = generatorFlags(constraints);
  const again = `lockstep repro ${shellWord(run)} --on ${targets.map(({ name }) => shellWord(name)).join(",")}${flags}`;
  if (options.format === "jsonl") {
    terminal.print(
      JSON.stringify({ seed: run, program, on: expected.name, outcome, forensics, verdicts, again }),
    );
    return status;
  }
  terminal.print(terminal.paint("bold", `run ${run}`));
  for (const line of formatProgram(program).split("\n")) terminal.print(`  ${line}`);
  terminal.print(`${expected.name}: ${outcomeLine(outcome)}`);
  if (forensics !== undefined) for (const line of forensicsLines(forensics)) terminal.print(`  ${line}`);
  for (const { on, agrees } of verdicts)
    if (agrees) terminal.print(`${on}: ${terminal.paint("green", "agrees")}`);
  for (const line of lines) terminal.print(line);
  terminal.print(`again: ${again}`);
  return status;
}
