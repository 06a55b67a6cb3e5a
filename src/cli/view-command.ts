/**
 * `lockstep view`: one program on one or several targets as a time line in one HTML file, or as text for other tools.
 *
 * The ending of `--out` says what is written: .html, .json (Chrome trace events), .mmd (Mermaid) or .dot (who waits for whom). The file
 * is written whole or not at all. Exit status 0 whatever the traces say, as of `replay`.
 */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { divergenceSentence } from "../report/divergence-sentence.js";
import { generatorFlags, shellWord } from "../report/shell-word.js";
import { decodeTrace } from "../sim/decode-trace.js";
import type { Divergence, Side } from "../sim/diff.js";
import { batchOf, bodyNamesOf, encodeProgram } from "../sim/encode-program.js";
import { diffTargets } from "../sim/expected-trace.js";
import { explainStuck } from "../sim/forensics/explain-stuck.js";
import { forensicsLines } from "../sim/forensics/forensics-text.js";
import { ProgramOps } from "../sim/forensics/program-ops.js";
import { RecordTable } from "../sim/record-table.js";
import { traceOf } from "../sim/target.js";
import { TraceText } from "../sim/trace-text.js";
import { chromeTrace, type ExportSide } from "../view/chrome-trace.js";
import { mermaidSequence } from "../view/mermaid.js";
import { type PageAssets, pageHtml } from "../view/page-html.js";
import { timelineOf } from "../view/timeline.js";
import type { ViewData } from "../view/view-data.js";
import { waitForDot } from "../view/wait-for-dot.js";
import type { CommandContext } from "./command-context.js";
import { ExitStatus, worse } from "./exit-status.js";
import { type FoundProgram, findProgram } from "./find-program.js";
import { openTargets, type TargetSettings, targetNames } from "./open-targets.js";
import { outputFileComplaint, writeOutput } from "./write-output.js";

export interface ViewOptions {
  readonly on: string;
  readonly out?: string;
  readonly corpus: string;
  readonly world: boolean;
  readonly uniform?: boolean;
}

/** A program with the encoded traces of some targets, the expected one first. */
export interface Viewed {
  readonly found: FoundProgram;
  readonly sides: readonly Side[];
  readonly again: string;
}

const FORMATS = ["html", "json", "mmd", "dot"] as const;
type Format = (typeof FORMATS)[number];

export async function viewCommand(
  word: string,
  options: ViewOptions,
  settings: TargetSettings,
  context: CommandContext,
): Promise<ExitStatus> {
  const { terminal } = context;
  const refuse = (complaint: string): ExitStatus => {
    terminal.complain(complaint);
    return ExitStatus.badInput;
  };
  const constraints = { world: options.world, uniform: options.uniform ?? false };
  const found = await findProgram(word, options.corpus, constraints);
  if (!found.ok) return refuse(found.complaint);
  const out = options.out ?? `${found.value.fileName}.html`;
  const format = FORMATS.find((ending) => out.endsWith(`.${ending}`));
  if (format === undefined)
    return refuse(`${out}: the ending says what to write: .html, .json, .mmd or .dot`);
  if (resolve(out) === resolve(word)) return refuse(`${out}: is the program itself: name another file`);
  const outComplaint = outputFileComplaint(out);
  if (outComplaint !== undefined) return refuse(outComplaint);
  const names = targetNames(options.on);
  if (names.length === 0) return refuse("view --on: name at least one target");

  const { targets, status: openStatus } = await openTargets(names, settings, context);
  let status = openStatus;
  const sides: Side[] = [];
  const batch = batchOf([encodeProgram(found.value.program)]);
  for (const target of targets) {
    if (!target.runsWorlds && (found.value.program.world ?? []).length > 0) {
      status = worse(status, refuse(`${target.name} has no idle hook: it cannot run a program with a world`));
    } else {
      const words = traceOf(await target.replay(batch), 0).slice();
      sides.push({ on: target.name, words, readiness: target.readiness });
    }
  }
  if (status !== ExitStatus.agreement) return status;
  const again = `lockstep view ${shellWord(word)} --on ${names.map(shellWord).join(",")}${generatorFlags(constraints)}`;
  const complaint = await writeOutput(out, await textOf(format, { found: found.value, sides, again }));
  if (complaint !== undefined) return refuse(complaint);
  terminal.print(out);
  return ExitStatus.agreement;
}

async function textOf(format: Format, viewed: Viewed): Promise<string> {
  const { found, sides } = viewed;
  const { program, title } = found;
  switch (format) {
    case "html":
      return pageHtml(viewDataOf(viewed), await pageAssets());
    case "json":
      return chromeTrace(exportSidesOf(viewed), bodyNamesOf(program));
    case "mmd": {
      const [side] = exportSidesOf(viewed);
      const [sentence] = viewDataOf(viewed).divergences.flatMap((d) => d?.sentence ?? []);
      const trace = decodeTrace(program, sides[0]!.words);
      return mermaidSequence(side!, trace, bodyNamesOf(program), new TraceText(program), sentence);
    }
    case "dot":
      return waitForDot(title, explainStuck(program));
  }
}

function exportSidesOf({ found, sides }: Viewed): ExportSide[] {
  const ops = new ProgramOps(encodeProgram(found.program));
  return sides.map(({ on, words }) => {
    const table = new RecordTable(words);
    return { on, table, timeline: timelineOf(ops, table) };
  });
}

/** What the page of a program is given. */
export function viewDataOf({ found, sides, again }: Viewed): ViewData {
  const { program, title } = found;
  const [first, ...others] = sides;
  const text = new TraceText(program);
  const told = (divergence: Divergence | undefined) =>
    divergence === undefined
      ? null
      : { index: divergence.index, sentence: divergenceSentence(text, divergence) };
  const forensics = explainStuck(program);
  return {
    title,
    again,
    program,
    sides: sides.map(({ on, words }) => ({ on, trace: base64Of(words) })),
    divergences: [null, ...others.map((other) => told(diffTargets(program, first!, other)))],
    forensics: forensics === undefined ? [] : forensicsLines(forensics),
    ...(forensics?.stages[0] && { stuckFrom: forensics.stages[0].record }),
  };
}

function base64Of(words: Int32Array): string {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength).toString("base64");
}

/** The bundled page, as `npm run build` leaves it beside the command. */
export async function pageAssets(): Promise<PageAssets> {
  const read = (name: string): Promise<string> =>
    readFile(new URL(`../view/${name}`, import.meta.url), "utf8");
  return {
    script: await read("page.js"),
    style: await read("page.css"),
    campaignStyle: await read("campaign.css"),
  };
}
