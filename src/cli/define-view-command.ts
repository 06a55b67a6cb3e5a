/** Definition of `view`. */

import type { Command } from "commander";
import { CORPUS_DEFAULT } from "../testing/defaults.js";
import { examples, type RunCommand } from "./define-command.js";
import type { ViewOptions } from "./view-command.js";

export function defineViewCommand(program: Command, run: RunCommand): void {
  program
    .command("view")
    .description("write the time line of a program as one HTML file, or as text for other tools")
    .argument("<program>", "a program file, a run SEED:INDEX, or the name of a corpus entry")
    .option("--on <targets>", "targets, with commas; each is compared with the first", "model")
    .option("--out <file>", "NAME.html, .json (Perfetto), .mmd (Mermaid) or .dot (who waits for whom)")
    .option("--corpus <folder>", "where entries are looked up", CORPUS_DEFAULT)
    .option("--no-world", "of a run: programs without a world")
    .option("--uniform", "of a run: the plain generator")
    .addHelpText(
      "after",
      examples(
        "lockstep view 1817-tasks-that-sleep",
        "lockstep view my.json --on model,./mine.so --out divergence.html",
        "lockstep view lockstep:1042 --out run.mmd",
      ),
    )
    .action((word: string, options: ViewOptions) =>
      run(async (context, settings) =>
        (await import("./view-command.js")).viewCommand(word, options, settings, context),
      ),
    );
}
