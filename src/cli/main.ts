#!/usr/bin/env node
/**
 * The command `lockstep` (SPEC section 6): arguments in, exit status out.
 *
 * One place ends the process: it closes the targets first, so that no process is left behind however a command ended. Complaints are one
 * line each on standard error; logs go there too, through pino, and are silent unless `--log-level` says otherwise.
 */
import { readFileSync } from "node:fs";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { pino } from "pino";
import { SEED_LENGTH_MAX } from "../sim/generate/run-seed.js";
import type { CommandContext, Interruption } from "./command-context.js";
import { type CorpusRunOptions, corpusRunCommand } from "./corpus-command.js";
import { type DeadlockOptions, deadlockCommand } from "./deadlock-command.js";
import { diffCommand } from "./diff-command.js";
import { type DoctorOptions, doctorCommand } from "./doctor-command.js";
import { durationMs, wholeNumber } from "./duration.js";
import { ExitStatus } from "./exit-status.js";
import { type GenerateOptions, generateCommand } from "./generate-command.js";
import { closeTargets, type TargetSettings } from "./open-targets.js";
import { type ReplayOptions, replayCommand } from "./replay-command.js";
import { type ReproOptions, reproCommand } from "./repro-command.js";
import { type SimOptions, simCommand } from "./sim-command.js";
import { processTerminal } from "./terminal.js";

const LOG_LEVELS = ["silent", "error", "warn", "info", "debug", "trace"];
const TIME_LIMIT_MS = 5000;
/** Most runs of one command, and the last index of a run. */
const RUNS_MAX = 1_000_000_000_000;
const INDEX_MAX = Number.MAX_SAFE_INTEGER - RUNS_MAX;

const TARGETS_HELP = `
Targets:
  model       the TypeScript model, in this process
  native      the native scheduler on this machine's architecture
  aarch64     the native aarch64 scheduler, under qemu-user where this machine is not one
  PATH        a shared library that exports lockstep_runtime_v1 (include/lockstep.h)

Exit status: 0 agreement, 1 divergence, 2 bad usage or input, 3 a target that this machine cannot run.`;

async function main(argv: readonly string[]): Promise<ExitStatus> {
  const terminal = processTerminal();
  const interrupting = new AbortController();
  const interruption: Interruption = { signal: interrupting.signal, isHandled: false };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      const isSecond = interrupting.signal.aborted;
      interrupting.abort();
      if (isSecond || !interruption.isHandled)
        void closeTargets().finally(() => process.exit(ExitStatus.interrupted));
    });
  }
  let status: ExitStatus = ExitStatus.agreement;
  const program = new Command("lockstep");

  const context = (): CommandContext => ({
    terminal,
    logger: pino(
      { level: program.opts<{ logLevel: string }>().logLevel },
      pino.destination({ fd: 2, sync: true }),
    ),
    interruption,
  });
  const settings = ({ logger }: CommandContext): TargetSettings => ({
    timeLimitMs: program.opts<{ timeLimit: number }>().timeLimit,
    logger,
  });
  const format = (): Option =>
    new Option("--format <format>", "text for people, jsonl for programs")
      .choices(["text", "jsonl"])
      .default("text");

  program
    .description(
      "Deterministic simulation testing for M:1 fiber schedulers: one program, a model, a native runtime, one diff.",
    )
    .version(version(), "--version", "print the version")
    .addOption(
      new Option("--log-level <level>", "log to standard error").choices(LOG_LEVELS).default("silent"),
    )
    .addOption(
      new Option("--time-limit <ms>", "how long a native program may go on without a record")
        .argParser(wholeNumber(1, 86_400_000))
        .default(TIME_LIMIT_MS),
    )
    .helpCommand(true)
    .showHelpAfterError("(lockstep --help, or lockstep COMMAND --help, says more)")
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "lockstep: ")) })
    .addHelpText("after", TARGETS_HELP)
    .addHelpText(
      "after",
      "\nExamples:\n  lockstep replay corpus/1817-tasks-that-sleep.json\n  lockstep diff my.json --on model,native,./mine.so\n  lockstep corpus run\n  lockstep doctor",
    );

  program
    .command("replay")
    .description("replay programs on a target and print what they did")
    .argument("<file...>", "program files, or - for one program a line on standard input")
    .option("--on <target>", "where to replay; several with commas", "model")
    .addOption(format())
    .addHelpText(
      "after",
      "\nExamples:\n  lockstep replay my.json --on native\n  lockstep replay - --format jsonl < programs.jsonl",
    )
    .action(async (files: string[], options: ReplayOptions) => {
      const given = context();
      status = await replayCommand(files, options, settings(given), given);
    });

  program
    .command("diff")
    .description("replay programs on several targets and show where the first divergence is")
    .argument("<file...>", "program files, or - for one program a line on standard input")
    .option(
      "--on <targets>",
      "two targets or more, with commas; each is compared with the first",
      "model,native",
    )
    .addOption(format())
    .addHelpText(
      "after",
      "\nExamples:\n  lockstep diff my.json\n  lockstep diff corpus/*.json --on model,native,aarch64",
    )
    .action(async (files: string[], options: ReplayOptions) => {
      const given = context();
      status = await diffCommand(files, options, settings(given), given);
    });

  const corpus = program
    .command("corpus")
    .description("saved programs with the traces that they must give")
    .addHelpText("after", "\nExamples:\n  lockstep corpus run");
  corpus
    .command("run")
    .description("replay every entry and compare it with its recorded trace")
    .argument("[folder]", "the corpus", "corpus")
    .option("--on <targets>", "targets, with commas (default: all that this machine can run)")
    .addOption(format())
    .addHelpText(
      "after",
      "\nExamples:\n  lockstep corpus run\n  lockstep corpus run my-corpus --on model,./mine.so",
    )
    .action(async (folder: string, options: CorpusRunOptions) => {
      const given = context();
      status = await corpusRunCommand(folder, options, settings(given), given);
    });

  const seedOption = (): Option =>
    new Option("--seed <seed>", "seed of the campaign; its run i is SEED:i")
      .argParser(campaignSeed)
      .default("lockstep");
  const fromOption = (): Option =>
    new Option("--from <index>", "first run").argParser(wholeNumber(0, INDEX_MAX)).default(0);
  const shrinkOption = (): Option =>
    new Option("--shrink-time <duration>", "longest time to shrink a failure")
      .argParser(durationMs)
      .default(10_000, "10s");
  const generatorOptions = (command: Command): Command =>
    command
      .option("--no-world", "programs without a world, for runtimes without an idle hook")
      .option("--uniform", "the plain generator: every op alike, nothing left out");

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
      .option("--json", "print the summary as one JSON document")
      .option("--corpus <folder>", "where failures are saved (default: corpus, made if it is not there)")
      .option("--no-save", "do not save failures")
      .addOption(shrinkOption())
      .addOption(
        new Option("--canary <percent>", "share of the runs to run again in another process")
          .argParser(wholeNumber(0, 100))
          .default(1),
      )
      .option("--require-coverage", "exit status 1 when a label stays under its floor")
      .option("--journal <folder>", "where the runs in flight are noted", ".lockstep"),
  )
    .addHelpText(
      "after",
      "\nExamples:\n  lockstep sim --runs 100000\n  lockstep sim --seed nightly-2026-11-20 --time 10m --on model,native,aarch64\n  lockstep sim --on model,./mine.so --bail",
    )
    .action(async (options: SimOptions) => {
      const given = context();
      status = await simCommand(options, settings(given), version(), given);
    });

  generatorOptions(
    program
      .command("repro")
      .description(
        "one run of a campaign again, from its seed alone, with the explanation of a deadlock or divergence",
      )
      .argument("<run>", "SEED:INDEX")
      .option("--on <targets>", "targets, with commas; each is compared with the first", "model,native")
      .addOption(shrinkOption())
      .addOption(format()),
  )
    .addHelpText(
      "after",
      "\nExamples:\n  lockstep repro lockstep:1042\n  lockstep repro nightly:7 --on model,./mine.so",
    )
    .action(async (run: string, options: ReproOptions) => {
      const given = context();
      status = await reproCommand(run, options, settings(given), given);
    });

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
      "\nExamples:\n  lockstep generate --seed S --count 1000 | lockstep replay - --on native --format jsonl",
    )
    .action(async (options: GenerateOptions) => {
      status = await generateCommand(options, context());
    });

  program
    .command("deadlock")
    .description("list the runs of a campaign that deadlock, with who waits for whom")
    .addOption(seedOption())
    .addOption(fromOption())
    .addOption(
      new Option("--runs <n>", "how many runs to look at").argParser(wholeNumber(1, RUNS_MAX)).default(1000),
    )
    .option("--no-world", "programs without a world")
    .addOption(format())
    .addHelpText("after", "\nExamples:\n  lockstep deadlock --seed S --runs 200")
    .action(async (options: DeadlockOptions) => {
      status = await deadlockCommand(options, context());
    });

  program
    .command("doctor")
    .description("list the targets, what each needs and how to install what is missing")
    .option("--install", "first install what needs no rights: the arm64 Node that the target aarch64 runs in")
    .addOption(format())
    .addHelpText("after", "\nExamples:\n  lockstep doctor\n  lockstep doctor --install")
    .action(async (options: DoctorOptions) => {
      status = await doctorCommand(options, context());
    });

  try {
    await program.parseAsync(argv as string[], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander asks for 1 on bad usage; help that was asked for is no error.
    return error.exitCode === 0 ? ExitStatus.agreement : ExitStatus.badInput;
  } finally {
    await closeTargets();
  }
  return status;
}

function version(): string {
  const path = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(path, "utf8")) as { readonly version: string }).version;
}

function campaignSeed(text: string): string {
  if (text.length < 1 || text.length > SEED_LENGTH_MAX || /[\p{Cc}]/u.test(text)) {
    throw new InvalidArgumentError(`expected a seed of 1 to ${SEED_LENGTH_MAX} printable characters.`);
  }
  return text;
}

process.exitCode = await main(process.argv.slice(2));
