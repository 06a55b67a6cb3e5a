/**
 * Compiles the native artefacts at first use: the replay host, the library that Node calls, and our own scheduler.
 *
 * Invariant: an artefact's file name holds a hash of everything that it is made of (sources, headers, flags, compiler), and a file
 * appears under that name only when it is complete. So what is found is right, nothing is ever rebuilt in place under a process
 * that has it mapped, and two processes that build at once do no harm: the second rename replaces a file by its equal.
 */
import { createHash, randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Readiness, TargetError } from "../sim/target.js";
import type { Architecture } from "./architecture.js";
import { cacheFolder } from "./cache-folder.js";
import { type Compiler, compilerInstallCommand, findCompiler, isGcc } from "./compiler.js";
import { findKqueueSystem } from "./kqueue-system.js";
import { makeFolder } from "./make-folder.js";
import { packagePath } from "./package-path.js";
import { asBuild, runCompiler } from "./running-builds.js";

/** Warnings are errors in scripts/native-check.sh only: a compiler of tomorrow must not stop a user over a new one. */
const FLAGS: readonly string[] = [
  "-std=c11",
  "-D_GNU_SOURCE",
  "-O2",
  "-g",
  "-fPIC",
  "-Wall",
  "-Wextra",
  "-fvisibility=hidden",
];

/**
 * For gcc only: others need a linker of their own for it. Calls between files become calls within one, or none: under qemu-user, where a
 * return costs a lookup, a tenth of the time of a program. A gcc may be built without it: what it cannot build so is built without.
 */
const GCC_FLAGS: readonly string[] = ["-flto"];

/** Compilers, by identity, that have built something only without `GCC_FLAGS`: they are asked with them no more. */
const refusing = new Set<string>();

const LIBRARIES: readonly string[] = ["-pthread", "-ldl"];

export type ArtefactName = "lockstep-host" | "liblockstep_bridge.so" | "libsched.so";

export interface BuildOptions {
  /** The readiness queue that our scheduler is built on; epoll unless told. Of no meaning for other artefacts. */
  readonly readiness?: Readiness;
  /** Where to keep what is built; `cacheFolder()` unless told. */
  readonly cache?: string;
  /** Compiler flags after ours: sanitizers, `-DSCHED_DEFECT_...`. They are part of the key. */
  readonly extraFlags?: readonly string[];
}

/**
 * The absolute path of `name` for `architecture`, compiled now if the cache does not hold it.
 *
 * @throws TargetError `unavailable` when there is no compiler or the compiler refuses; the message holds its first error lines.
 */
export async function buildNative(
  name: ArtefactName,
  architecture: Architecture,
  options: BuildOptions = {},
): Promise<string> {
  const [plan, fallback] = await plansOf(name, architecture, options);
  if (existsSync(plan.path)) return plan.path;
  makeFolder(plan.folder);
  return asBuild(async () => {
    try {
      return await compile(plan);
    } catch (error) {
      if (fallback === undefined || !(error instanceof TargetError)) throw error;
      const path = await compile(fallback);
      refusing.add(fallback.compiler.identity);
      return path;
    }
  });
}

/** The path of `name` if the cache holds it as it would be built now, else undefined. Builds nothing. @throws TargetError as above. */
export async function findBuilt(
  name: ArtefactName,
  architecture: Architecture,
  options: BuildOptions = {},
): Promise<string | undefined> {
  const [{ path }] = await plansOf(name, architecture, options);
  return existsSync(path) ? path : undefined;
}

interface BuildPlan {
  readonly name: ArtefactName;
  readonly architecture: Architecture;
  readonly compiler: Compiler;
  readonly sources: readonly string[];
  readonly flags: readonly string[];
  readonly libraries: readonly string[];
  readonly folder: string;
  readonly path: string;
}

/** How to build it, and how if that fails. Where the cache holds one of the two, that one alone. */
async function plansOf(
  name: ArtefactName,
  architecture: Architecture,
  options: BuildOptions,
): Promise<readonly [BuildPlan, BuildPlan?]> {
  const compiler = await findCompiler(architecture);
  const plain = () => planOf(name, architecture, options, compiler, []);
  if (!isGcc(compiler) || refusing.has(compiler.identity)) return [plain()];
  const plan = planOf(name, architecture, options, compiler, GCC_FLAGS);
  if (existsSync(plan.path)) return [plan];
  const fallback = plain();
  return existsSync(fallback.path) ? [fallback] : [plan, fallback];
}

function planOf(
  name: ArtefactName,
  architecture: Architecture,
  options: BuildOptions,
  compiler: Compiler,
  compilerFlags: readonly string[],
): BuildPlan {
  const readiness = options.readiness ?? "epoll";
  const system = readiness === "kqueue" ? findKqueueSystem() : undefined;
  const sources = [...sourcesOf(name, architecture, readiness), ...(system?.sources ?? [])];
  const flags = [
    ...FLAGS,
    ...compilerFlags,
    `-I${packagePath("include")}`,
    ...(system?.flags ?? []),
    ...(options.extraFlags ?? []),
  ];
  const libraries = [...LIBRARIES, ...(system?.libraries ?? [])];
  const headers = system === undefined ? [] : [system.header];
  const key = hashOf(
    [name, architecture, compiler.identity, ...flags, ...libraries],
    [...sources, ...headers],
  );
  const folder = join(options.cache ?? cacheFolder(), "native");
  const label = `${architecture}${system === undefined ? "" : "-kqueue"}-${key}`;
  const path = join(folder, fileName(name, label));
  return { name, architecture, compiler, sources, flags, libraries, folder, path };
}

/** The sources of our own scheduler, for a program that compiles them in. Absolute, in a fixed order. */
export function runtimeSources(architecture: Architecture, readiness: Readiness): string[] {
  return sourcesOf("libsched.so", architecture, readiness);
}

/** Absolute, in a fixed order. The C side keeps one file per architecture and per backend, so the choice is made by name. */
function sourcesOf(name: ArtefactName, architecture: Architecture, readiness: Readiness): string[] {
  const folder = packagePath("src", "native-bridge", name === "libsched.so" ? "runtime" : "replay");
  const files = readdirSync(folder)
    .sort()
    .map((file) => join(folder, file));
  return files.filter((file) => {
    const isBridge = basename(file) === "bridge.c";
    if (name === "liblockstep_bridge.so") return isBridge;
    const isOtherReadiness = /readiness_\w+\.c$/.test(file) && !file.endsWith(`readiness_${readiness}.c`);
    return (file.endsWith(".c") && !isBridge && !isOtherReadiness) || file.endsWith(`_${architecture}.S`);
  });
}

/**
 * Headers count for every artefact: which file includes which is the compiler's business. Read in one go: a promise for each of the small
 * files takes longer than the files, and every command with a native target waits for it.
 */
function hashOf(settings: readonly string[], sources: readonly string[]): string {
  const headers: string[] = [];
  for (const folder of ["include", "src/native-bridge/runtime", "src/native-bridge/replay"]) {
    const files = readdirSync(packagePath(folder))
      .filter((file) => file.endsWith(".h"))
      .sort();
    headers.push(...files.map((file) => packagePath(folder, file)));
  }
  const hash = createHash("sha256").update(JSON.stringify(settings));
  for (const file of [...sources, ...headers]) {
    const content = readFileSync(file);
    hash.update(`\0${basename(file)}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex").slice(0, 16);
}

/** `libsched.so` becomes `libsched-<label>.so`: a debugger and /proc/self/maps show which build it is. */
function fileName(name: ArtefactName, label: string): string {
  return name.endsWith(".so") ? `${name.slice(0, -".so".length)}-${label}.so` : `${name}-${label}`;
}

/** The path of what was compiled. @throws TargetError `unavailable` when the compiler refuses; no file is left then. */
async function compile(plan: BuildPlan): Promise<string> {
  const { name, compiler, sources, flags, libraries, path } = plan;
  const unfinished = `${path}.${randomUUID()}`;
  const kind = name === "lockstep-host" ? ["-pie"] : ["-shared"];
  const compilerOptions = [...flags, ...kind, "-o", unfinished, ...sources, ...libraries];
  try {
    const stderr = await runCompiler(compiler.path, [...compiler.leadingArguments, ...compilerOptions]);
    if (stderr !== undefined) throw refusal(plan, stderr);
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
  return path;
}

/** `stderr`: all that the compiler said. */
function refusal({ name, architecture, compiler }: BuildPlan, stderr: string): TargetError {
  const errors = stderr.split("\n").filter((line) => /error|undefined|cannot find/i.test(line));
  const shown = (errors.length > 0 ? errors : stderr.split("\n")).slice(0, 5).join("\n  ");
  // A compiler without the C library's headers or start files is half installed.
  const isHalfInstalled = /fatal error: \S+\.h: No such file|cannot find \S*crt[1in]\.o|cannot find -lc/.test(
    stderr,
  );
  const advice = isHalfInstalled ? `\n  install: ${compilerInstallCommand(architecture)}` : "";
  return new TargetError(
    "unavailable",
    `${name} for ${architecture} does not compile (${compiler.path}):\n  ${shown}${advice}`,
  );
}
