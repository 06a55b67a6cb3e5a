/**
 * What `corpus run` writes beside what it prints: JUnit XML with a case for each entry, and what GitHub is told.
 */

import { ExitStatus } from "./exit-status.js";
import type { Annotations } from "./github.js";
import { markdownCode, markdownTable, markdownText, tellGithub } from "./github.js";
import { junitXml } from "./junit-xml.js";
import type { Terminal } from "./terminal.js";
import { outputFileComplaint, writeOutput } from "./write-output.js";

export interface CorpusOutputOptions {
  readonly junit?: string;
  readonly annotations: Annotations;
}

/** An entry: 0 where it agrees, 1 where it differs, 2 where it could not be read or run. */
export interface EntryResult {
  readonly name: string;
  readonly path: string;
  readonly status: ExitStatus;
  /** The lines that say what is wrong. */
  readonly report: readonly string[];
}

interface CorpusResults {
  readonly folder: string;
  readonly on: readonly string[];
  readonly results: readonly EntryResult[];
}

/** What is wrong with the place that is to be written, before anything runs. */
export function corpusOutputsComplaint({ junit }: CorpusOutputOptions): string | undefined {
  return junit === undefined ? undefined : outputFileComplaint(junit);
}

/** 2 where something could not be written. */
export async function writeCorpusOutputs(
  corpus: CorpusResults,
  { junit, annotations }: CorpusOutputOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  if (annotations === "github") {
    const bad = corpus.results.filter(({ status }) => status !== ExitStatus.agreement);
    const told = bad.map(({ name, path, report }) => ({
      title: `lockstep corpus: ${name}`,
      file: path,
      message: report.join("\n"),
    }));
    await tellGithub(told, stepSummary(corpus, bad), terminal);
  }
  const complaint = junit === undefined ? undefined : await writeOutput(junit, corpusJunit(corpus));
  if (complaint === undefined) return ExitStatus.agreement;
  terminal.complain(complaint);
  return ExitStatus.badInput;
}

function corpusJunit({ folder, on, results }: CorpusResults): string {
  return junitXml({
    name: "lockstep corpus run",
    properties: [
      ["folder", folder],
      ["targets", on.join(",")],
    ],
    cases: results.map(({ name, status, report }) => {
      const text = report.join("\n");
      const failed = { message: report[0] ?? "", text };
      return {
        classname: "lockstep.corpus",
        name,
        failures: status === ExitStatus.divergence ? [{ ...failed, type: "divergence" }] : [],
        errors: status === ExitStatus.badInput ? [{ ...failed, type: "bad input" }] : [],
      };
    }),
  });
}

function stepSummary({ folder, on, results }: CorpusResults, bad: readonly EntryResult[]): string {
  const numbers = [
    ["entries", String(results.length)],
    ["targets", on.join(", ")],
    ["entries that fail", String(bad.length)],
  ];
  return [
    `### lockstep corpus run: ${bad.length === 0 ? "all agree" : "FAILED"}`,
    "",
    markdownTable(["corpus", folder], numbers),
    ...bad.flatMap(({ name, report }) => [
      "",
      `**${markdownText(name)}**`,
      "",
      markdownCode(report.join("\n")),
    ]),
    "",
  ].join("\n");
}
