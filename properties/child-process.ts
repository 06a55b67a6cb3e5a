/**
 * Runs a TypeScript file of this folder in a Node process of its own, as it stands in the sources: no build is needed, none can be stale.
 *
 * What a law of processes imports (`src/sched`, `src/sim` and the file) is stripped of its types into a folder of the operating system's,
 * which is removed after the tests of the file that asked.
 */
import { execFile } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

let folder: string | undefined;

// Not at the exit of the process: vitest ends its workers by a signal.
afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
});

/** What the file prints. `execArgv`: options of Node; `env`: added to this process's own. */
export async function runInProcess(
  file: string,
  args: readonly string[],
  {
    execArgv = [],
    env = {},
  }: { readonly execArgv?: readonly string[]; readonly env?: Record<string, string> } = {},
): Promise<string> {
  folder ??= transpiled([...sourcesOf("src/sched"), ...sourcesOf("src/sim"), `properties/${file}`]);
  const script = join(folder, "properties", file.replace(/\.ts$/, ".js"));
  const { stdout } = await promisify(execFile)(process.execPath, [...execArgv, script, ...args], {
    env: { ...process.env, ...env },
    maxBuffer: 1 << 28,
  });
  return stdout;
}

function sourcesOf(path: string): string[] {
  const names = readdirSync(join(root, path), { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".ts")).map((name) => join(path, name));
}

function transpiled(files: readonly string[]): string {
  const target = mkdtempSync(join(tmpdir(), "lockstep-laws-"));
  cpSync(join(root, "package.json"), join(target, "package.json"));
  symlinkSync(join(root, "node_modules"), join(target, "node_modules"), "dir");
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  for (const file of files) {
    const { outputText } = ts.transpileModule(readFileSync(join(root, file), "utf8"), { compilerOptions });
    const output = join(target, file.replace(/\.ts$/, ".js"));
    mkdirSync(dirname(output), { recursive: true });
    writeFileSync(output, outputText);
  }
  return target;
}
