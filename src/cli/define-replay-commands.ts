/** Definitions of `replay`, `diff` and `doctor` (SPEC section 6). */
import type { Command } from "commander";
import { examples, formatOption, type RunCommand } from "./define-command.js";
import type { DoctorOptions } from "./doctor-command.js";
import type { ReplayOptions } from "./replay-command.js";

export function defineReplayCommands(program: Command, run: RunCommand): void {
  program
    .command("replay")
    .description("replay programs on a target and print what they did")
    .argument("<file...>", "program files, or - for one program a line on standard input")
    .option("--on <target>", "where to replay; several with commas", "model")
    .addOption(formatOption())
    .addHelpText(
      "after",
      examples("lockstep replay my.json --on native", "lockstep replay - --format jsonl < programs.jsonl"),
    )
    .action((files: string[], options: ReplayOptions) =>
      run(async (context, settings) =>
        (await import("./replay-command.js")).replayCommand(files, options, settings, context),
      ),
    );

  program
    .command("diff")
    .description("replay programs on several targets and show where the first divergence is")
    .argument("<file...>", "program files, or - for one program a line on standard input")
    .option(
      "--on <targets>",
      "two targets or more, with commas; each is compared with the first",
      "model,native",
    )
    .addOption(formatOption())
    .addHelpText(
      "after",
      examples("lockstep diff my.json", "lockstep diff corpus/*.json --on model,native,aarch64"),
    )
    .action((files: string[], options: ReplayOptions) =>
      run(async (context, settings) =>
        (await import("./diff-command.js")).diffCommand(files, options, settings, context),
      ),
    );
}

export function defineDoctor(program: Command, run: RunCommand): void {
  program
    .command("doctor")
    .description("list the targets, what each needs and how to install what is missing")
    .option("--install", "first install what needs no rights: the arm64 Node that the target aarch64 runs in")
    .option("--include", "only print the folder of lockstep.h, which a runtime of your own is built with")
    .addOption(formatOption())
    .addHelpText(
      "after",
      examples(
        "lockstep doctor",
        "lockstep doctor --install",
        'cc -shared -fPIC -I"$(lockstep doctor --include)" -o mine.so mine.c',
      ),
    )
    .action((options: DoctorOptions) =>
      run(async (context) => (await import("./doctor-command.js")).doctorCommand(options, context)),
    );
}
