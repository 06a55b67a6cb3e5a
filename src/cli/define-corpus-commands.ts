/** Definitions of `corpus run`, `add`, `list`, `accept` and `prune` (SPEC section 6). */

import { type Command, Option } from "commander";
import { CORPUS_DEFAULT } from "../testing/defaults.js";
import type {
  CorpusFolderOptions,
  corpusAddCommand,
  corpusListCommand,
  corpusPruneCommand,
} from "./corpus-keep-commands.js";
import type { CorpusRunOptions } from "./corpus-run-command.js";
import { annotationsOption, examples, formatOption, junitOption, type RunCommand } from "./define-command.js";

type AddOptions = Parameters<typeof corpusAddCommand>[1];
type ListOptions = Parameters<typeof corpusListCommand>[0];
type PruneOptions = Parameters<typeof corpusPruneCommand>[0];

export function defineCorpusCommands(program: Command, run: RunCommand): void {
  const corpus = program
    .command("corpus")
    .description("saved programs with the traces that they must give")
    .addHelpText("after", examples("lockstep corpus run"));
  corpus
    .command("run")
    .description("replay every entry and compare it with its recorded trace")
    .argument("[folder]", "the corpus", CORPUS_DEFAULT)
    .option("--on <targets>", "targets, with commas (default: all that this machine can run)")
    .addOption(formatOption())
    .addOption(junitOption())
    .addOption(annotationsOption())
    .addHelpText(
      "after",
      examples("lockstep corpus run", "lockstep corpus run my-corpus --on model,./mine.so"),
    )
    .action((folder: string, options: CorpusRunOptions) =>
      run(async (context, settings) =>
        (await import("./corpus-run-command.js")).corpusRunCommand(folder, options, settings, context),
      ),
    );

  const folderOption = (): Option => new Option("--corpus <folder>", "the corpus").default(CORPUS_DEFAULT);
  corpus
    .command("add")
    .description("save programs with the traces that the model gives: all of them or none")
    .argument("<file...>", "program files, or - for one program a line on standard input")
    .requiredOption("--reason <line>", "what the entry guards, in one line")
    .option("--name <name>", "name of the entry (default: the file's name, or the seed)")
    .addOption(folderOption())
    .addHelpText("after", examples("lockstep corpus add my.json --reason 'T2: ties fire in order of arming'"))
    .action((files: string[], options: AddOptions) =>
      run(async (context) =>
        (await import("./corpus-keep-commands.js")).corpusAddCommand(files, options, context),
      ),
    );
  corpus
    .command("list")
    .description("list the entries with what they guard")
    .addOption(folderOption())
    .addOption(formatOption())
    .addHelpText("after", examples("lockstep corpus list"))
    .action((options: ListOptions) =>
      run(async (context) => (await import("./corpus-keep-commands.js")).corpusListCommand(options, context)),
    );
  corpus
    .command("accept")
    .description("record entries anew from the model, showing what changes")
    .argument("[name...]", "entries (default: all)")
    .addOption(folderOption())
    .addHelpText("after", examples("lockstep corpus accept 1817-tasks-that-sleep"))
    .action((names: string[], options: CorpusFolderOptions) =>
      run(async (context) =>
        (await import("./corpus-keep-commands.js")).corpusAcceptCommand(names, options, context),
      ),
    );
  corpus
    .command("prune")
    .description("remove entries with the signature or the program of a smaller one")
    .option("--dry-run", "only say what would be removed")
    .addOption(folderOption())
    .addHelpText("after", examples("lockstep corpus prune --dry-run"))
    .action((options: PruneOptions) =>
      run(async (context) =>
        (await import("./corpus-keep-commands.js")).corpusPruneCommand(options, context),
      ),
    );
}
