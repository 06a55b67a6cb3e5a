/**
 * What a run of the command loads: V8 lists every script of a process in its coverage, modules of both kinds, and Node's own left out.
 */
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { packagePath } from "../../src/native-bridge/package-path.js";
import { lockstep } from "./command.js";

export interface LoadedModules {
  /** The packages of node_modules, by name, in order. */
  readonly packages: readonly string[];
  /** The files of dist, in order, as `sim/diff.js`. */
  readonly files: readonly string[];
}

/** Runs `lockstep ...args` and lists what it loads. `folder`: for what V8 writes. The command must end with 0. */
export function loadedBy(args: readonly string[], folder: string): LoadedModules {
  const coverage = mkdtempSync(join(folder, "coverage-"));
  const { status, stderr } = lockstep(args, { env: { NODE_V8_COVERAGE: coverage } });
  if (status !== 0) throw new Error(`lockstep ${args.join(" ")} ends with ${status}: ${stderr}`);
  const paths = readdirSync(coverage).flatMap((name) => {
    const { result } = JSON.parse(readFileSync(join(coverage, name), "utf8")) as {
      readonly result: readonly { readonly url: string }[];
    };
    const files = result.filter(({ url }) => url.startsWith("file:"));
    return files.map(({ url }) => relative(packagePath(), fileURLToPath(url)));
  });
  const packages = paths.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
  const files = paths.filter((path) => path.startsWith("dist/")).map((path) => path.slice("dist/".length));
  return { packages: [...new Set(packages)].sort(), files: [...new Set(files)].sort() };
}
