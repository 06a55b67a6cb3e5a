/**
 * `lockstep replay`: what a program does on a target, record by record (SPEC section 6).
 *
 * Exit status 0 whatever the outcomes are; a program that cannot be read makes it 2, and the others are still replayed.
 */
import { TraceDecoder } from "../sim/decode-trace.js";
import { TraceText } from "../sim/trace-text.js";
import type { NamedProgram } from "../testing/replay-batches.js";
import { replayAll } from "../testing/replay-batches.js";
import type { CommandContext } from "./command-context.js";
import { ExitStatus, interruptedBy, worse } from "./exit-status.js";
import { replayLine } from "./json-lines.js";
import { loadPrograms } from "./load-programs.js";
import { openTargets, type TargetSettings, targetNames } from "./open-targets.js";
import type { Terminal } from "./terminal.js";

/** A slow reader of a long trace is waited for every so many lines. */
const LINES_BETWEEN_FLUSHES = 4096;

export interface ReplayOptions {
  readonly on: string;
  readonly format: "text" | "jsonl";
}

export async function replayCommand(
  files: readonly string[],
  options: ReplayOptions,
  settings: TargetSettings,
  context: CommandContext,
): Promise<ExitStatus> {
  const { terminal, interruption } = context;
  const names = targetNames(options.on);
  if (names.length === 0) {
    terminal.complain(`replay --on ${options.on}: name a target, e.g. --on model`);
    return ExitStatus.badInput;
  }
  const { targets, status: openStatus } = await openTargets(names, settings, context);
  let status = openStatus;
  if (targets.length === 0) return status;
  for await (const replayed of replayAll(loadPrograms(files), targets)) {
    if (terminal.isUnread) break;
    if (interruption.signal.aborted) return interruptedBy(interruption.signal);
    if (!replayed.ok) {
      terminal.complain(replayed.complaint);
      status = worse(status, ExitStatus.badInput);
      continue;
    }
    const { named, traces } = replayed.value;
    for (const [i, target] of targets.entries()) {
      const words = traces[i];
      if (words === undefined) {
        terminal.complain(noWorld(named, target.name));
        status = worse(status, ExitStatus.badInput);
      } else if (options.format === "jsonl") {
        for (const part of replayLine(named, target.name, words)) terminal.write(part);
        await terminal.flushed();
      } else {
        await printTrace(terminal, named, target.name, words);
      }
    }
  }
  return status;
}

/** What to say of a program with a world and a runtime without an idle hook. */
export function noWorld(named: NamedProgram, on: string): string {
  return `${named.source}: has a world, which ${on} cannot run: its runtime has no idle hook (docs/your-runtime.md, The two hooks)`;
}

/** How a program is called in what people read: its title, its seed or its source. */
export function headline({ program, seed, source }: NamedProgram): string {
  // One line, and nothing that a terminal would act on.
  const title = (program.title ?? seed)?.replace(/\p{Cc}+/gu, " ");
  return title === undefined ? source : `${title} (${source})`;
}

async function printTrace(
  terminal: Terminal,
  named: NamedProgram,
  on: string,
  words: Int32Array,
): Promise<void> {
  const text = new TraceText(named.program);
  let lines = 0;
  terminal.print(terminal.paint("bold", `${headline(named)} on ${on}`));
  for (const { record } of new TraceDecoder(named.program).places(words)) {
    if ("outcome" in record) terminal.print(terminal.paint("bold", `  ${text.line(record)}`));
    else terminal.print(`  ${text.line(record)}`);
    if (++lines % LINES_BETWEEN_FLUSHES === 0) await terminal.flushed();
  }
}
