#!/usr/bin/env node
/**
 * The command `lockstep` (SPEC section 6): arguments in, exit status out.
 *
 * One place ends the process: it closes the targets first, so that no process is left behind however a command ended. Complaints are one
 * line each on standard error; logs go there too, through pino, and are silent unless `--log-level` says otherwise.
 */
import { Command, CommanderError, Option } from "commander";
import { isSystemError } from "../native-bridge/system-error.js";
import { MEMORY_LIMIT_MIB, TIME_LIMIT_MS } from "../native-bridge/target-options.js";
import { printable } from "../report/printable.js";
import { TargetError } from "../sim/target.js";
import { fileComplaint } from "../testing/text-file.js";
import { VERSION } from "../testing/version.js";
import type { Interruption } from "./command-context.js";
import { defineCampaignCommands } from "./define-campaign-commands.js";
import { examples, type RunCommand } from "./define-command.js";
import { defineCorpusCommands } from "./define-corpus-commands.js";
import { defineMutantsCommand } from "./define-mutants-command.js";
import { defineDoctor, defineReplayCommands } from "./define-replay-commands.js";
import { defineViewCommand } from "./define-view-command.js";
import { wholeNumber } from "./duration.js";
import { ENDING_SIGNALS, ExitStatus, interruptedBy } from "./exit-status.js";
import type { OpenLog } from "./open-logger.js";
import { closeTargets } from "./open-targets.js";
import { processTerminal, type Terminal } from "./terminal.js";

const NO_COLOUR = "--no-color";
const LOG_LEVELS = ["silent", "error", "warn", "info", "debug", "trace"];

const TARGETS_HELP = `
Targets:
  model       the TypeScript model, in this process
  native      the native scheduler on this machine's architecture
  aarch64     the native aarch64 scheduler, under qemu-user where this machine is not one
  kqueue      this machine's native scheduler on kqueue(2) instead of epoll
  PATH        a shared library that exports lockstep_runtime_v1 (lockstep.h, in the
              folder that lockstep doctor --include prints); kqueue:PATH for one
              that waits by kqueue instead of epoll

Exit status: 0 agreement, 1 divergence, 2 bad usage or input, 3 a target that this machine cannot run,
129, 130 and 143 ended by SIGHUP, SIGINT and SIGTERM. docs/troubleshooting.md of the package explains every message.`;

/** A command that ends what is under way, when it is interrupted, says so if that takes longer than the first, and is ended after the second. */
const STOPPING_TOLD_MS = 1_000;
const STOPPING_LIMIT_MS = 30_000;

function stoppingComplaint(): string {
  return `stopping when what is under way is done, in ${STOPPING_LIMIT_MS / 1_000} seconds at the latest; a second signal stops at once`;
}

async function main(argv: readonly string[]): Promise<ExitStatus> {
  // Asked for anywhere on the line, for it is nobody's in particular.
  const words = argv.filter((word) => word !== NO_COLOUR);
  const terminal = processTerminal(words.length < argv.length);
  const interrupting = new AbortController();
  const interruption: Interruption = { signal: interrupting.signal, isHandled: false };
  for (const signal of ENDING_SIGNALS) {
    process.on(signal, () => {
      const isSecond = interrupting.signal.aborted;
      interrupting.abort(signal);
      const stop = (): void =>
        void closeTargets().finally(() => process.exit(interruptedBy(interrupting.signal)));
      if (isSecond || !interruption.isHandled) return stop();
      setTimeout(() => terminal.complain(stoppingComplaint()), STOPPING_TOLD_MS).unref();
      setTimeout(stop, STOPPING_LIMIT_MS).unref();
    });
  }
  let status: ExitStatus = ExitStatus.agreement;
  let openLog: OpenLog | undefined;
  const program = new Command("lockstep");

  const run: RunCommand = async (command) => {
    const { logLevel, logFile, timeLimit, memoryLimit } = program.opts<{
      logLevel?: string;
      logFile?: string;
      timeLimit: number;
      memoryLimit: number;
    }>();
    const complaint =
      logFile === undefined ? undefined : (await import("./write-output.js")).logFileComplaint(logFile);
    if (complaint !== undefined) {
      terminal.complain(complaint);
      status = ExitStatus.badInput;
      return;
    }
    const level = logLevel ?? (logFile === undefined ? "silent" : "info");
    // Loaded only where something is to be logged, as every command is only when it is run: most of a short command is its start.
    if (level !== "silent") openLog = (await import("./open-logger.js")).openLogger(level, logFile, terminal);
    const log = openLog === undefined ? {} : { logger: openLog.logger };
    const settings = { timeLimitMs: timeLimit, memoryLimitMiB: memoryLimit, ...log };
    status = await command({ terminal, interruption, ...log }, settings);
  };

  program
    .description(
      "Deterministic simulation testing for M:1 fiber schedulers: one program, a model, a native runtime, one diff.",
    )
    .version(VERSION, "--version", "print the version")
    .option(NO_COLOUR, "no colours on a terminal either")
    .addOption(
      new Option("--log-level <level>", "what to log (default: silent, info with --log-file)").choices(
        LOG_LEVELS,
      ),
    )
    .option(
      "--log-file <file>",
      "log there and not to standard error; at most 10 MB, with five older parts FILE.1 to FILE.5",
    )
    .addOption(
      new Option("--time-limit <ms>", "how long a native program may go on without a record")
        .argParser(wholeNumber(1, 86_400_000))
        .default(TIME_LIMIT_MS),
    )
    .addOption(
      new Option("--memory-limit <MiB>", "how much memory a native program may take")
        .argParser(wholeNumber(1, 1_048_576))
        .default(MEMORY_LIMIT_MIB),
    )
    .helpCommand(true)
    .showHelpAfterError("(lockstep --help, or lockstep COMMAND --help, says more)")
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(printable(text.replace(/^error: /, "lockstep: "))),
    })
    .addHelpText("after", TARGETS_HELP)
    .addHelpText(
      "after",
      examples(
        "lockstep replay corpus/1817-tasks-that-sleep.json",
        "lockstep diff my.json --on model,native,./mine.so",
        "lockstep corpus run",
        "lockstep doctor",
      ),
    );

  defineReplayCommands(program, run);
  defineCampaignCommands(program, run);
  defineViewCommand(program, run);
  defineCorpusCommands(program, run);
  defineMutantsCommand(program, run);
  defineDoctor(program, run);

  try {
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) return complainOf(error, terminal);
    // Commander asks for 1 on bad usage; help that was asked for is no error.
    return error.exitCode === 0 ? ExitStatus.agreement : ExitStatus.badInput;
  } finally {
    await closeTargets();
    await openLog?.close();
  }
  return status;
}

/** What the machine refused, or a target that was lost, in one line; anything else is a fault of ours and keeps its stack. */
function complainOf(error: unknown, terminal: Terminal): ExitStatus {
  if (error instanceof TargetError) {
    terminal.complain(error.message);
    return error.reason === "invalid" ? ExitStatus.badInput : ExitStatus.unavailable;
  }
  if (!isSystemError(error)) throw error;
  const { path, syscall } = error;
  terminal.complain(`${path ?? syscall}: ${fileComplaint(error, /dir$/.test(syscall) ? "folder" : "file")}`);
  return ExitStatus.badInput;
}

process.exitCode = await main(process.argv.slice(2));
