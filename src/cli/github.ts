/**
 * What a job on GitHub Actions is told: annotations, as workflow commands on standard error, and the summary of the step.
 *
 * Standard output stays what it is elsewhere; the runner reads commands from both streams.
 */
import { appendFile } from "node:fs/promises";
import { fileComplaint } from "../testing/text-file.js";
import type { Terminal } from "./terminal.js";

export type Annotations = "github" | "none";

/** What `--annotations` is when nobody says. */
export function annotationsDefault(): Annotations {
  return process.env.GITHUB_ACTIONS === "true" ? "github" : "none";
}

interface Annotation {
  readonly title: string;
  /** A path from the root of the checkout, where there is one. */
  readonly file?: string;
  readonly message: string;
}

/** A workflow command: one line. */
export function annotationLine({ title, file, message }: Annotation): string {
  const properties = [...(file === undefined ? [] : [`file=${property(file)}`]), `title=${property(title)}`];
  return `::error ${properties.join(",")}::${data(message)}`;
}

function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

/** GitHub shows ten annotations of a step and takes 1 MiB of summary. */
const ANNOTATIONS_MAX = 10;
const SUMMARY_CHARACTERS_MAX = 500_000;

/** Prints the annotations, and appends to the summary of the step where the job has one. */
export async function tellGithub(
  annotations: readonly Annotation[],
  markdown: string,
  terminal: Terminal,
): Promise<void> {
  for (const annotation of annotations.slice(0, ANNOTATIONS_MAX)) terminal.tell(annotationLine(annotation));
  const path = process.env.GITHUB_STEP_SUMMARY ?? "";
  if (path === "") return;
  const isLong = markdown.length > SUMMARY_CHARACTERS_MAX;
  const text = isLong ? `${markdown.slice(0, SUMMARY_CHARACTERS_MAX)}\n\n(cut here)` : markdown;
  try {
    await appendFile(path, `${text}\n`);
  } catch (error) {
    terminal.complain(`${path}: the summary of the step cannot be written: ${fileComplaint(error)}`);
  }
}

/** A table of Markdown, whatever the cells hold. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(markdownText).join(" | ")} |`;
  return [line(head), `|${" --- |".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

/** Text that Markdown shows as it is, on one line. */
export function markdownText(text: string): string {
  return text.replace(/\s+/g, " ").replace(/[\\`*_{}[\]<>#|~]/g, "\\$&");
}

/** A block of code, with a fence longer than any in it. */
export function markdownCode(text: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map(({ length }) => length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}
