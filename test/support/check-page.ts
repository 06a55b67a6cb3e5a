/**
 * Tries every fenced block of a Markdown page, in order, in a folder, as a `Reader` does. A block says by its language what it is:
 *
 * - `json`, `jsonc`: a program or a corpus entry; it is checked and replayed on the model.
 * - `jsonl`: records of the trace that the program above it gives on the model, in order; others may lie between.
 * - `sh`: commands; they run, and end with exit status 0.
 * - `console`: commands after `$ `, each with what it prints; the last one ends with 0, or with N after `console exit=N`.
 * - `ts`: runs, and prints what the comments behind its `console.log` say; as a file `*.test.ts`, is run by `npx vitest` after it.
 * - `c`, `cpp`: compiles against lockstep.h when it is a file, else stands in the header or in the example as it is.
 * - `text`: says nothing that could be checked.
 *
 * A block of no language or another one is a complaint: nothing in a page is unchecked by accident.
 */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { packagePath } from "../../src/native-bridge/package-path.js";
import { decodeTrace } from "../../src/sim/decode-trace.js";
import { batchOf, encodeProgram } from "../../src/sim/encode-program.js";
import { ModelTarget } from "../../src/sim/model-target.js";
import { readProgram } from "../../src/sim/parse-program.js";
import { problemLine } from "../../src/sim/problem.js";
import { traceOf } from "../../src/sim/target.js";
import { mainPath, readerEnvironment } from "./command.js";
import { type Block, blocksOf, firstDifference, sessionsOf } from "./markdown.js";
import { textOf } from "./source-files.js";

/** Copied and not linked: commands of a page write there. */
const WRITTEN = ["corpus", "examples"];
const LEFT_OUT = [".git", ".lockstep", ".cache"];
/** What make has left in the checkout: a page builds its own, and this might be old. */
const BUILT = /\.so$|_wrong\.cpp$/;

/** Who tries the blocks of a page: where the commands come from, and what is around them. */
export interface Reader {
  /** The Node that runs a block of TypeScript. */
  readonly node: string;
  /** Bash that stands before the commands of each block, as what the reader has set up stands before all that is typed. */
  readonly prelude: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Whether blocks that are marked `only packed` are for this reader: those that install the package. */
  readonly isPacked: boolean;
}

/** Makes `folder` look like a checkout of the package. */
export function furnish(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const entry of readdirSync(packagePath())) {
    if (LEFT_OUT.includes(entry)) continue;
    const [source, target] = [packagePath(entry), join(folder, entry)];
    if (WRITTEN.includes(entry))
      cpSync(source, target, { recursive: true, filter: (path) => !BUILT.test(path) });
    else symlinkSync(source, target);
  }
}

/** One line for each block of the page that does not hold, with the line that it stands on; none when all do. */
export async function checkPage(
  markdown: string,
  folder: string,
  reader: Reader = checkoutReader(),
): Promise<string[]> {
  const page = new Page(folder, reader);
  const complaints: string[] = [];
  for (const block of blocksOf(markdown)) {
    const complaint = await page.check(block);
    if (complaint !== undefined) complaints.push(`line ${block.line}: ${complaint}`);
  }
  return complaints;
}

/** One who works in a checkout: the command is what the build made, and nothing is installed. */
function checkoutReader(): Reader {
  return {
    node: process.execPath,
    environment: readerEnvironment(),
    isPacked: false,
    prelude: `lockstep() { '${process.execPath}' '${mainPath}' "$@"; }
vitest() { NO_COLOR=1 '${process.execPath}' '${packagePath("node_modules", "vitest", "vitest.mjs")}' "$@"; }
npx() { local command="$1"; shift; case "$command" in lockstep | vitest) "$command" "$@" ;; *) return 9 ;; esac; }
npm() { echo "npm is not for a test to run: mark the block as not run" >&2; return 9; }`,
  };
}

class Page {
  readonly #folder: string;
  readonly #reader: Reader;
  /** Of the last program: the records and the outcome, as JSON. */
  #trace: readonly string[] = [];

  constructor(folder: string, reader: Reader) {
    this.#folder = folder;
    this.#reader = reader;
  }

  async check(block: Block): Promise<string | undefined> {
    if (block.file !== undefined) {
      const path = join(this.#folder, block.file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, block.text);
    }
    if (block.notRun !== undefined || (block.onlyPacked !== undefined && !this.#reader.isPacked))
      return undefined;
    switch (block.language) {
      case "json":
      case "jsonc":
        return this.#checkProgram(block);
      case "jsonl":
        return this.#checkRecords(block);
      case "sh":
        return this.#checkCommands(block);
      case "console":
        return this.#checkSessions(block);
      case "ts":
        // A test is run by the command that the page shows after it.
        if (block.file?.endsWith(".test.ts")) return undefined;
        return this.#checkTypeScript(block);
      case "c":
      case "cpp":
        return block.file === undefined ? checkQuotation(block) : this.#checkCompiles(block);
      case "text":
        return undefined;
      default:
        return `a block of language "${block.language}": say what it is, and how it is checked`;
    }
  }

  async #checkProgram({ language, text }: Block): Promise<string | undefined> {
    const parsed = language === "jsonc" ? ts.parseConfigFileTextToJson("", text) : { config: parse(text) };
    const value = parsed.config as { readonly program?: unknown } | undefined;
    if (value === undefined || parsed.error !== undefined) return "is no JSON";
    const checked = readProgram(value.program ?? value);
    if (!checked.ok) return `is no program: ${problemLine(checked.problem)}`;
    const traces = await new ModelTarget().replay(batchOf([encodeProgram(checked.value)]));
    const { records, outcome } = decodeTrace(checked.value, traceOf(traces, 0));
    this.#trace = [...records, outcome].map((record) => JSON.stringify(record));
    return undefined;
  }

  #checkRecords({ text }: Block): string | undefined {
    let at = 0;
    for (const line of text.trim().split("\n")) {
      const record = parse(line);
      if (record === undefined) return `is no JSON: ${line}`;
      at = this.#trace.indexOf(JSON.stringify(record), at) + 1;
      if (at === 0) return `the program above has no such record there: ${line}`;
    }
    return undefined;
  }

  #checkCommands({ text, exitStatus }: Block): string | undefined {
    const { status, stdout, stderr } = this.#bash(`set -e\n${text}`);
    if (status === exitStatus) return undefined;
    return `exit status ${status}, not ${exitStatus}:\n${stdout}${stderr}`;
  }

  #checkSessions({ text, exitStatus }: Block): string | undefined {
    const sessions = sessionsOf(text);
    if (sessions.length === 0) return "has no line that begins with $";
    for (const [i, { command, output }] of sessions.entries()) {
      const { status, stdout, stderr } = this.#bash(`{ ${command}\n} 2>&1`);
      const real = `${stdout}${stderr}`;
      const difference = firstDifference(output, real);
      if (difference !== undefined)
        return `$ ${command}: no "${difference}" there in what it prints:\n${real}`;
      const wanted = i === sessions.length - 1 ? exitStatus : 0;
      if (status !== wanted) return `$ ${command}: exit status ${status}, not ${wanted}:\n${real}`;
    }
    return undefined;
  }

  #checkTypeScript({ text, line }: Block): string | undefined {
    const source = text.replace(/"\.\/src\/(\S+?)"/g, (_, path: string) =>
      JSON.stringify(packagePath("dist", path)),
    );
    const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
    const path = join(this.#folder, `line-${line}.mjs`);
    writeFileSync(path, ts.transpile(source, options));
    const { status, stdout, stderr } = this.#run(this.#reader.node, [path]);
    if (status !== 0) return `fails: ${stderr}`;
    const shown = [...text.matchAll(/console\.log\(.*\/\/ (.*)$/gm)].map((match) => match[1]);
    const difference = firstDifference(shown.join("\n"), stdout);
    return difference === undefined ? undefined : `no "${difference}" there in what it prints:\n${stdout}`;
  }

  #checkCompiles({ language, file }: Block): string | undefined {
    const [compiler, standard] = language === "c" ? ["cc", "-std=c11"] : ["c++", "-std=c++17"];
    const flags = [standard!, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", `-I${packagePath("include")}`];
    const { status, stderr } = this.#run(compiler!, [...flags, file!]);
    return status === 0 ? undefined : `does not compile: ${stderr}`;
  }

  #bash(script: string): SpawnSyncReturns<string> {
    return this.#run("bash", ["-c", `set -o pipefail\n${this.#reader.prelude}\n${script}`]);
  }

  #run(program: string, args: readonly string[]): SpawnSyncReturns<string> {
    return spawnSync(program, args, {
      cwd: this.#folder,
      env: this.#reader.environment,
      encoding: "utf8",
      input: "",
      maxBuffer: 64 * 1024 * 1024,
    });
  }
}

/** Code that a page shows from this project must stand there word for word; a line of three dots leaves lines out. */
function checkQuotation({ text }: Block): string | undefined {
  const sources = ["include/lockstep.h", "examples/boost-context/boost_fibers.cpp"];
  const anywhere = (quoted: string): boolean =>
    sources.some((path) => firstDifference(`...\n${quoted}...`, textOf(path)) === undefined);
  return anywhere(text) ? undefined : `stands neither in ${sources.join(" nor in ")}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
