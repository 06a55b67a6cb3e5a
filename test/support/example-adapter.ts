/**
 * The worked adapter of examples/boost-context, built by its own Makefile in a folder of the test's.
 *
 * It needs what the native targets do not: a C++ compiler, make and Boost.Context. `whyNoExample` says in one line what is missing and how
 * to install it; whoever skips a test for that says so.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { packagePath } from "../../src/native-bridge/package-path.js";

/** What each target of the Makefile gives. */
const LIBRARIES = {
  all: "libboost_fibers.so",
  "no-hooks": "libboost_fibers_no_hooks.so",
  wrong: "libboost_fibers_wrong.so",
} as const;

export const EXAMPLE_INSTALL_COMMAND = "sudo apt-get install g++ make libboost-context-dev";

/** Undefined when the example can be built here. */
export function whyNoExample(): string | undefined {
  const probe = "#include <boost/context/detail/fcontext.hpp>\n";
  const compiled = spawnSync("g++", ["-std=c++17", "-fsyntax-only", "-x", "c++", "-"], { input: probe });
  const hasMake = spawnSync("make", ["--version"]).status === 0;
  if (compiled.status === 0 && hasMake) return undefined;
  return `examples/boost-context cannot be built here; install: ${EXAMPLE_INSTALL_COMMAND}`;
}

/** Builds one of the three libraries into `folder`; its path. Warnings are errors here. */
export function buildExample(folder: string, target: keyof typeof LIBRARIES): string {
  const flags = "CXXFLAGS=-O2 -Wall -Wextra -Wpedantic -Werror";
  const args = ["-C", packagePath("examples", "boost-context"), target, `OUT=${folder}`, flags];
  const { status, stdout, stderr } = spawnSync("make", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`make ${target} failed:\n${stdout}${stderr}`);
  return join(folder, LIBRARIES[target]);
}
