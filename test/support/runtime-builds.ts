/**
 * Runtimes that tests build: our scheduler with a file of test/native/ around it, or with a place of its sources changed; the toy; for
 * this machine's architecture or, with the cross compiler, for aarch64.
 *
 * An edit must match exactly once, so that a planted fault never silently turns into the good runtime when the source changes.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Architecture, machineArchitecture } from "../../src/native-bridge/architecture.js";
import { describeTargets } from "../../src/native-bridge/doctor.js";
import { packagePath } from "../../src/native-bridge/package-path.js";

/**
 * The targets that run here, one for each architecture: what is built for a test is not on another readiness queue for being run on the
 * target of that name.
 */
export const architecturesHere = (await describeTargets()).filter(
  ({ name, canRun }) => canRun && name !== "kqueue",
);

export interface Edit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface RuntimeBuild {
  readonly architecture: Architecture;
  readonly edits?: readonly Edit[];
  /** A file of test/native/ that exports the runtime in place of our own, which it finds as `sched_runtime_v1`. */
  readonly around?: string;
  readonly flags?: readonly string[];
}

const FLAGS = [
  "-std=c11",
  "-D_GNU_SOURCE",
  "-O2",
  "-g",
  "-fPIC",
  "-shared",
  "-fvisibility=hidden",
  "-pthread",
];

/** Builds our scheduler so in `folder`; the path of the library. */
export function buildRuntime(folder: string, name: string, build: RuntimeBuild): string {
  const sources = join(folder, name);
  mkdirSync(sources, { recursive: true });
  cpSync(packagePath("src", "native-bridge", "runtime"), sources, { recursive: true });
  for (const { file, from, to } of build.edits ?? []) {
    const path = join(sources, file);
    const parts = readFileSync(path, "utf8").split(from);
    if (parts.length !== 2) throw new Error(`${name}: ${file} has the place ${parts.length - 1} times`);
    writeFileSync(path, parts.join(to));
  }
  const files = readdirSync(sources)
    .filter((file) => !/^readiness_(?!epoll)/.test(file))
    .filter((file) => file.endsWith(".c") || file.endsWith(`_${build.architecture}.S`))
    .map((file) => join(sources, file));
  const around =
    build.around === undefined
      ? []
      : ["-Dlockstep_runtime_v1=sched_runtime_v1", packagePath("test", "native", build.around)];
  return compile(join(sources, `${name}.so`), build, [...around, ...files]);
}

/** Builds a file of test/native/ that is a runtime by itself. */
export function buildAlone(folder: string, name: string, file: string, build: RuntimeBuild): string {
  return compile(join(folder, `${name}.so`), build, [packagePath("test", "native", file)]);
}

function compile(path: string, build: RuntimeBuild, files: readonly string[]): string {
  const compiler = build.architecture === machineArchitecture() ? "cc" : "aarch64-linux-gnu-gcc";
  const options = [...FLAGS, ...(build.flags ?? []), `-I${packagePath("include")}`];
  execFileSync(compiler, [...options, "-o", path, ...files], { stdio: ["ignore", "ignore", "inherit"] });
  return path;
}

/** The architecture of a target that this machine can run. */
export function architectureOf(target: string): Architecture {
  return target === "aarch64" ? "aarch64" : machineArchitecture();
}
