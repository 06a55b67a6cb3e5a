/**
 * What the definitions of commands share: how one is run, and the options that several take.
 *
 * A definition says what a command is called, what it takes and how it is used; what it does is in its own file.
 */
import { InvalidArgumentError, Option } from "commander";
import { SEED_LENGTH_MAX } from "../sim/generate/run-seed.js";
import type { CommandContext } from "./command-context.js";
import type { ExitStatus } from "./exit-status.js";
import { annotationsDefault } from "./github.js";
import type { TargetSettings } from "./open-targets.js";

/** Runs a command with what every command is given, and keeps its exit status. */
export type RunCommand = (
  command: (context: CommandContext, settings: TargetSettings) => Promise<ExitStatus>,
) => Promise<void>;

export function formatOption(): Option {
  return new Option("--format <format>", "text for people, jsonl for programs")
    .choices(["text", "jsonl"])
    .default("text");
}

export function junitOption(): Option {
  return new Option("--junit <file>", "write the results as JUnit XML");
}

export function annotationsOption(): Option {
  return new Option("--annotations <for>", "annotate failures; github when GITHUB_ACTIONS is true")
    .choices(["github", "none"])
    .default(annotationsDefault(), "by the environment");
}

/** The text under a command's options: one example a line. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

/** The seed of a campaign, as an option gives it. @throws InvalidArgumentError */
export function campaignSeed(text: string): string {
  if (text.length < 1 || text.length > SEED_LENGTH_MAX || /\p{Cc}/u.test(text)) {
    throw new InvalidArgumentError(`expected a seed of 1 to ${SEED_LENGTH_MAX} printable characters.`);
  }
  return text;
}
