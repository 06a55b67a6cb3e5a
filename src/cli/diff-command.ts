/**
 * `lockstep diff`: a program on several targets, and the first divergence of each from the first of them (SPEC section 6).
 */

import { divergenceLines } from "../report/divergence-text.js";
import { shellWord } from "../report/shell-word.js";
import { diffTargets } from "../sim/expected-trace.js";
import type { NamedProgram } from "../testing/replay-batches.js";
import { replayAll } from "../testing/replay-batches.js";
import type { CommandContext } from "./command-context.js";
import { ExitStatus, interruptedBy, worse } from "./exit-status.js";
import { diffLine } from "./json-lines.js";
import { loadPrograms } from "./load-programs.js";
import { openTargets, type TargetSettings, targetNames } from "./open-targets.js";
import { headline, noWorld, type ReplayOptions } from "./replay-command.js";

export async function diffCommand(
  files: readonly string[],
  options: ReplayOptions,
  settings: TargetSettings,
  context: CommandContext,
): Promise<ExitStatus> {
  const { terminal, interruption } = context;
  const names = targetNames(options.on);
  if (names.length < 2) {
    terminal.complain(`diff --on ${options.on}: name at least two targets, e.g. --on model,native`);
    return ExitStatus.badInput;
  }
  const { targets, status: openStatus } = await openTargets(names, settings, context);
  let status = openStatus;
  // With one target left there is nothing to compare, and silence would look like agreement.
  if (targets.length < 2) return status;
  const on = targets.map((target) => target.name);

  for await (const replayed of replayAll(loadPrograms(files), targets)) {
    if (interruption.signal.aborted) return interruptedBy(interruption.signal);
    if (!replayed.ok) {
      terminal.complain(replayed.complaint);
      status = worse(status, ExitStatus.badInput);
      continue;
    }
    const { named, traces, printed } = replayed.value;
    const ran = targets.flatMap(({ name, readiness }, i) =>
      traces[i] === undefined ? [] : [{ on: name, words: traces[i], readiness }],
    );
    for (const [i, name] of on.entries()) {
      if (traces[i] !== undefined) continue;
      terminal.complain(noWorld(named, name));
      status = worse(status, ExitStatus.badInput);
    }
    const [first, ...others] = ran;
    if (first === undefined || others.length === 0) continue;
    const divergences = others.flatMap((other) => diffTargets(named.program, first, other) ?? []);
    if (divergences.length > 0) status = worse(status, ExitStatus.divergence);
    if (options.format === "jsonl") {
      terminal.print(
        diffLine(
          named,
          ran.map((side) => side.on),
          divergences[0],
        ),
      );
    } else if (divergences.length === 0) {
      terminal.print(
        `${terminal.paint("green", "agree")}    ${headline(named)} on ${ran.map((side) => side.on).join(", ")}`,
      );
    } else {
      for (const divergence of divergences) {
        terminal.print(`${terminal.paint("red", "DIVERGE")}  ${headline(named)}`);
        const again = repeatCommand(named, divergence.left.on, divergence.right.on);
        const report = { paint: terminal.paint, columns: terminal.columns - 2, showsProgram: true, again };
        for (const line of divergenceLines(named.program, divergence, report)) terminal.print(`  ${line}`);
        const said = printed[on.indexOf(divergence.right.on)];
        if (said !== undefined && divergence.right.outcome.outcome === "crash")
          terminal.print(`    the runtime printed: ${said.split("\n").at(-1)}`);
      }
    }
  }
  return status;
}

/** Of programs that came one a line, the file; of standard input, what has to be given again. */
function repeatCommand({ source }: NamedProgram, left: string, right: string): string {
  const file = source.replace(/:\d+$/, "");
  return `lockstep diff ${shellWord(file)} --on ${shellWord(left)},${shellWord(right)}`;
}
