/**
 * The C compiler for an architecture: which one it is, and what to install where there is none.
 *
 * Invariant: two compilers with the same `identity` produce the same code from the same sources and flags, so `identity` is part
 * of the key of whatever is built. Overrides: `$CC` for this machine's architecture, `$LOCKSTEP_CC_AARCH64` for aarch64 elsewhere;
 * both may hold arguments (`ccache gcc`).
 */
import { TargetError } from "../sim/target.js";
import { type Architecture, machineArchitecture } from "./architecture.js";
import { findProgram } from "./find-program.js";
import { failureOf, runProgram } from "./run-program.js";

export interface Compiler {
  /** Absolute. */
  readonly path: string;
  /** Arguments that come before all others, from `$CC`. */
  readonly leadingArguments: readonly string[];
  /** The first line of `--version`, for people. */
  readonly version: string;
  /** Path, leading arguments and the whole answer to `--version`. */
  readonly identity: string;
}

/** The command that installs a compiler for `architecture` on Debian and its kin. */
export function compilerInstallCommand(architecture: Architecture): string {
  return architecture === machineArchitecture()
    ? "sudo apt-get install gcc libc6-dev"
    : "sudo apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross";
}

/**
 * @throws TargetError `unavailable`, with what to install, when there is no compiler or it does not answer to `--version`.
 */
export async function findCompiler(architecture: Architecture): Promise<Compiler> {
  const [variable, names] =
    architecture === machineArchitecture()
      ? (["CC", ["cc", "gcc", "clang"]] as const)
      : (["LOCKSTEP_CC_AARCH64", ["aarch64-linux-gnu-gcc"]] as const);
  const override = process.env[variable]?.trim();
  const commands = override ? [override.split(/\s+/)] : names.map((name) => [name]);
  for (const [name, ...leadingArguments] of commands) {
    const path = findProgram(name ?? "");
    if (path !== undefined) return identified(path, leadingArguments);
  }
  const what = override
    ? `${variable}=${override} is not a program`
    : `none of ${names.join(", ")} is on the PATH`;
  throw new TargetError(
    "unavailable",
    `no C compiler for ${architecture}: ${what}; install one: ${compilerInstallCommand(architecture)}`,
  );
}

/** A compiler is asked once a process: a target has three artefacts, and a process takes longer to start than any of them to be found. */
const asked = new Map<string, Promise<Compiler>>();

function identified(path: string, leadingArguments: readonly string[]): Promise<Compiler> {
  const command = [path, ...leadingArguments].join("\n");
  const identity = asked.get(command) ?? identify(path, leadingArguments);
  asked.set(command, identity);
  return identity;
}

/** Whether it is gcc, whatever it is called. */
export function isGcc({ identity }: Compiler): boolean {
  return identity.includes("Free Software Foundation");
}

async function identify(path: string, leadingArguments: readonly string[]): Promise<Compiler> {
  try {
    const { stdout } = await runProgram(path, [...leadingArguments, "--version"]);
    const version = stdout.split("\n", 1)[0] ?? "";
    return { path, leadingArguments, version, identity: [path, ...leadingArguments, stdout].join("\n") };
  } catch (error) {
    const [reason] = failureOf(error).message.split("\n", 1);
    throw new TargetError("unavailable", `the C compiler ${path} does not run: ${reason}`);
  }
}
