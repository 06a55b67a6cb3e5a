/** Definition of `mutants`. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { SHRINK_MS } from "../testing/defaults.js";
import { campaignSeed, examples, type RunCommand } from "./define-command.js";
import { durationFlag, durationMs, wholeNumber } from "./duration.js";
import type { MutantsOptions } from "./mutants-command.js";

const RUNS_DEFAULT = 50_000;
const RUNS_MAX = 10_000_000;

export function defineMutantsCommand(program: Command, run: RunCommand): void {
  program
    .command("mutants")
    .description(
      "plant bugs in our runtime, one at a time, and measure how many are found, how soon and how small",
    )
    .addOption(
      new Option("--seed <seed>", "seed of the campaign").argParser(campaignSeed).default("lockstep"),
    )
    .addOption(
      new Option("--runs <n>", "most runs for each bug")
        .argParser(wholeNumber(1, RUNS_MAX))
        .default(RUNS_DEFAULT),
    )
    .addOption(new Option("--only <names>", "only these bugs, with commas").argParser(defectNames))
    .addOption(
      new Option(
        "--arch <arch>",
        "only bugs of this target (default: native, and on aarch64 and kqueue what native lacks)",
      ).choices(["native", "aarch64", "kqueue"]),
    )
    .addOption(
      new Option("--jobs <n>", "bugs hunted at a time (default: one a core)").argParser(wholeNumber(1, 256)),
    )
    .option("--no-uniform", "do not ask the plain generator too")
    .addOption(
      new Option("--shrink-time <duration>", "longest time to shrink a failure")
        .argParser(durationMs)
        .default(SHRINK_MS, durationFlag(SHRINK_MS)),
    )
    .option("--explain", "print the shrunk program and the divergence of each bug that is found")
    .option("--list", "only list the bugs")
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      examples(
        "lockstep mutants",
        "lockstep mutants --list",
        "lockstep mutants --only C2,TIES_BY_LAST --explain",
        "lockstep diff corpus/1817-tasks-that-sleep.json --on model,native+BUG_A",
      ),
    )
    .action((options: MutantsOptions) =>
      run(async (context, settings) =>
        (await import("./mutants-command.js")).mutantsCommand(options, settings, context),
      ),
    );
}

/** @throws InvalidArgumentError for an empty list. */
function defectNames(text: string): string[] {
  const names = text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (names.length === 0) throw new InvalidArgumentError("expected names with commas.");
  return names;
}
