/** Definitions of `sim`, `merge`, `status`, `repro`, `generate` and `deadlock` (SPEC section 6). */
import { type Command, Option } from "commander";
import { CANARY_PERCENT, JOURNAL_DEFAULT, SHRINK_MS } from "../testing/defaults.js";
import type { OutputOptions } from "./campaign-outputs.js";
import { parseShard } from "./campaign-shard.js";
import type { DeadlockOptions } from "./deadlock-command.js";
import {
  annotationsOption,
  campaignSeed,
  examples,
  formatOption,
  junitOption,
  type RunCommand,
} from "./define-command.js";
import { durationFlag, durationMs, wholeNumber } from "./duration.js";
import type { GenerateOptions } from "./generate-command.js";
import type { ReproOptions } from "./repro-command.js";
import type { SimOptions } from "./sim-command.js";
import type { StatusOptions } from "./status-command.js";

/** Most runs of one command, and the last index of a run. */
const RUNS_MAX = 1_000_000_000_000;
const INDEX_MAX = Number.MAX_SAFE_INTEGER - RUNS_MAX;

/** What a campaign may write beside what it prints; `sim` and `merge` share it. */
function outputOptions(command: Command): Command {
  return command
    .option("--json", "print the summary as one JSON document")
    .option("--require-coverage", "exit status 1 when a label stays under its floor")
    .option("--out <file>", "write the record of the campaign once it has ended, for lockstep merge")
    .addOption(junitOption())
    .option("--report <folder>", "write the numbers, and the time lines of failures, as HTML pages")
    .addOption(annotationsOption());
}

export function defineCampaignCommands(program: Command, run: RunCommand): void {
  const seedOption = (): Option =>
    new Option("--seed <seed>", "seed of the campaign; its run i is SEED:i")
      .argParser(campaignSeed)
      .default("lockstep");
  const fromOption = (): Option =>
    new Option("--from <index>", "first run").argParser(wholeNumber(0, INDEX_MAX)).default(0);
  const shrinkOption = (): Option =>
    new Option("--shrink-time <duration>", "longest time to shrink a failure")
      .argParser(durationMs)
      .default(SHRINK_MS, durationFlag(SHRINK_MS));
  const generatorOptions = (command: Command): Command =>
    command
      .option("--no-world", "programs without a world, for runtimes without an idle hook")
      .option("--uniform", "the plain generator: every op alike, nothing left out");

  outputOptions(
    generatorOptions(
      program
        .command("sim")
        .description(
          "the campaign: generate programs, replay them on all targets, compare, shrink and save what fails",
        )
        .addOption(seedOption())
        .addOption(fromOption())
        .addOption(
          new Option("--runs <n>", "how many runs (default: 10000, or as many as --time allows)").argParser(
            wholeNumber(1, RUNS_MAX),
          ),
        )
        .addOption(new Option("--time <duration>", "stop after so long: 90s, 10m, 8h").argParser(durationMs))
        .option("--on <targets>", "targets, with commas; each is compared with the first", "model,native")
        .addOption(
          new Option("--jobs <n>", "worker processes (default: one a core)").argParser(wholeNumber(1, 256)),
        )
        .option("--bail", "stop at the first failure")
        .option("--corpus <folder>", "where failures are saved (default: corpus, made if it is not there)")
        .option("--no-save", "do not save failures")
        .addOption(shrinkOption())
        .addOption(
          new Option("--canary <percent>", "share of the runs to run again in another process")
            .argParser(wholeNumber(0, 100))
            .default(CANARY_PERCENT),
        )
        .addOption(
          new Option("--shard <i/n>", "run only this part of --runs, for lockstep merge").argParser(
            parseShard,
          ),
        )
        .option("--resume", "go on where the same campaign was stopped, as --journal has it")
        .option("--take-over", "the same for one that another machine was running, and runs no longer")
        .option("--journal <folder>", "where the campaign notes how far it is", JOURNAL_DEFAULT),
    ),
  )
    .addHelpText(
      "after",
      examples(
        "lockstep sim --runs 100000",
        "lockstep sim --seed nightly-2026-11-20 --time 10m --on model,native,aarch64",
        "lockstep sim --on model,./mine.so --bail",
        "lockstep sim --seed nightly --time 8h --resume",
        "lockstep sim --runs 1000000 --shard 2/7 --out shard-2.json",
      ),
    )
    .action((options: SimOptions) =>
      run(async (context, settings) =>
        (await import("./sim-command.js")).simCommand(options, settings, context),
      ),
    );

  outputOptions(
    program
      .command("merge")
      .description("the report of a campaign from the records of its shards, as one run would have given it")
      .argument("<record...>", "what sim --shard i/n --out wrote, for every i"),
  )
    .addHelpText("after", examples("lockstep merge shard-*.json --require-coverage --junit campaign.xml"))
    .action((files: string[], options: OutputOptions) =>
      run(async (context) => (await import("./merge-command.js")).mergeCommand(files, options, context)),
    );

  program
    .command("status")
    .description("how far the campaigns are that run here, or were stopped")
    .argument("[journal]", "the folder that sim --journal names", JOURNAL_DEFAULT)
    .option("--json", "print one JSON document")
    .addHelpText("after", examples("lockstep status"))
    .action((folder: string, options: StatusOptions) =>
      run(async (context) => (await import("./status-command.js")).statusCommand(folder, options, context)),
    );

  generatorOptions(
    program
      .command("repro")
      .description(
        "one run of a campaign again, from its seed alone, with the explanation of a deadlock or divergence",
      )
      .argument("<run>", "SEED:INDEX")
      .option("--on <targets>", "targets, with commas; each is compared with the first", "model,native")
      .addOption(shrinkOption())
      .addOption(formatOption()),
  )
    .addHelpText(
      "after",
      examples("lockstep repro lockstep:1042", "lockstep repro nightly:7 --on model,./mine.so"),
    )
    .action((runSeed: string, options: ReproOptions) =>
      run(async (context, settings) =>
        (await import("./repro-command.js")).reproCommand(runSeed, options, settings, context),
      ),
    );

  generatorOptions(
    program
      .command("generate")
      .description("print the programs of a campaign, one a line")
      .addOption(seedOption())
      .addOption(fromOption())
      .addOption(new Option("--count <n>", "how many").argParser(wholeNumber(1, RUNS_MAX)).default(10)),
  )
    .addHelpText(
      "after",
      examples("lockstep generate --seed S --count 1000 | lockstep replay - --on native --format jsonl"),
    )
    .action((options: GenerateOptions) =>
      run(async (context) => (await import("./generate-command.js")).generateCommand(options, context)),
    );

  program
    .command("deadlock")
    .description(
      "list the runs of a campaign that leave fibers stuck for good, with who waits for whom and why nobody comes",
    )
    .addOption(seedOption())
    .addOption(fromOption())
    .addOption(
      new Option("--runs <n>", "how many runs to look at").argParser(wholeNumber(1, RUNS_MAX)).default(1000),
    )
    .option("--no-world", "programs without a world")
    .addOption(formatOption())
    .addHelpText("after", examples("lockstep deadlock --seed S --runs 200"))
    .action((options: DeadlockOptions) =>
      run(async (context) => (await import("./deadlock-command.js")).deadlockCommand(options, context)),
    );
}
