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
import type { CommandContext } from "./command-context.js";
import { type CorpusRunOptions, corpusRunCommand } from "./corpus-command.js";
import { diffCommand } from "./diff-command.js";
import { type DoctorOptions, doctorCommand } from "./doctor-command.js";
import { ExitStatus } from "./exit-status.js";
import { closeTargets, type TargetSettings } from "./open-targets.js";
import { type ReplayOptions, replayCommand } from "./replay-command.js";
import { processTerminal } from "./terminal.js";

const LOG_LEVELS = ["silent", "error", "warn", "info", "debug", "trace"];
const TIME_LIMIT_MS = 5000;

const TARGETS_HELP = `
Targets:
  model       the TypeScript model, in this process
  native      the native scheduler on this machine's architecture
  aarch64     the native aarch64 scheduler, under qemu-user where this machine is not one
  PATH        a shared library that exports lockstep_runtime_v1 (include/lockstep.h)

Exit status: 0 agreement, 1 divergence, 2 bad usage or input, 3 a target that this machine cannot run.`;

async function main(argv: readonly string[]): Promise<ExitStatus> {
  const terminal = processTerminal();
  const interruption = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      interruption.abort();
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
    interrupted: interruption.signal,
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
        .argParser(wholeMilliseconds)
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

function wholeMilliseconds(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 86_400_000) {
    throw new InvalidArgumentError("expected whole milliseconds from 1 to 86400000.");
  }
  return value;
}

process.exitCode = await main(process.argv.slice(2));
