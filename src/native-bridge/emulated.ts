/**
 * An aarch64 runtime on a machine of another architecture: an arm64 Node under qemu-user that runs `emulated-server.ts`, driven
 * over its standard input and output.
 *
 * Invariant: everything from ffi-rs down is the code of the native target, of the other architecture; this file only starts it and
 * shares its batch memory. The process is in a session of its own, so a Ctrl-C on the terminal reaches it only by way of its
 * standard input, which ends when this process does.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { Duplex } from "node:stream";
import type { ProgramBatch, Readiness, Target, TraceBatch } from "../sim/target.js";
import { TargetError } from "../sim/target.js";
import { Replayer } from "./bridge.js";
import type { ReplayerOptions } from "./bridge-calls.js";
import { buildNative } from "./build-native.js";
import { EmulatedConnection, ORDERS_FD } from "./emulated-connection.js";
import { EmulatedHost } from "./emulated-host.js";
import {
  ARM64_NODE_INSTALL_COMMAND,
  BUILD_COMMAND,
  emulatedServerPath,
  findArm64Node,
  findQemu,
  findSysroot,
  QEMU_INSTALL_COMMAND,
  SYSROOT_INSTALL_COMMAND,
} from "./emulator.js";
import { limitsOf, type TargetOptions } from "./target-options.js";
import { warmUpBatch } from "./warm-up.js";

/** How many programs a batch has for which a warm-up is worth its time, which is that of some hundred programs. */
const WARM_UP_FROM = 300;

/**
 * Opens the runtime at `runtime`, an absolute path of an aarch64 library that waits by `readiness`; undefined stands for our own, on epoll.
 *
 * @throws TargetError `unavailable` with what to install, `invalid` when the library is no runtime.
 */
export async function openEmulated(
  name: string,
  runtime: string | undefined,
  options: TargetOptions,
  readiness: Readiness = "epoll",
): Promise<Target> {
  const emulator = requireEmulator();
  const [host, bridge, library] = await Promise.all([
    buildNative("lockstep-host", "aarch64"),
    buildNative("liblockstep_bridge.so", "aarch64"),
    runtime ?? buildNative("libsched.so", "aarch64"),
  ]);
  const command = [emulator.qemu, "-L", emulator.sysroot];
  options.logger?.debug(`${name}: ${[...command, emulator.node, emulator.server].join(" ")}`);
  // The user's NODE_OPTIONS are for the user's Node: they may name modules that the arm64 one cannot load.
  const env = { ...process.env, NODE_OPTIONS: "", LOCKSTEP_FFI_RS_FROM: emulator.ffiFolder };
  const child = spawn(emulator.qemu, [...command.slice(1), emulator.node, emulator.server], {
    stdio: ["pipe", "pipe", "pipe", "pipe"],
    detached: true,
    env,
  });
  const connection = new EmulatedConnection(name, child, {
    input: child.stdin!,
    output: child.stdout!,
    errors: child.stderr!,
    orders: child.stdio[ORDERS_FD] as Duplex,
  });
  const request: ReplayerOptions = {
    bridge,
    hostCommand: [...command, host],
    runtime: library,
    ...limitsOf(options),
  };
  try {
    return new EmulatedTarget(name, readiness, new Replayer(await EmulatedHost.open(connection, request)));
  } catch (error) {
    await connection.close();
    throw error;
  }
}

interface Emulator {
  readonly qemu: string;
  readonly sysroot: string;
  readonly node: string;
  readonly ffiFolder: string;
  readonly server: string;
}

function requireEmulator(): Emulator {
  const qemu = findQemu() ?? missing("qemu-aarch64", QEMU_INSTALL_COMMAND);
  const sysroot = findSysroot() ?? missing("the C libraries of aarch64", SYSROOT_INSTALL_COMMAND);
  const node = findArm64Node() ?? missing("the arm64 Node", ARM64_NODE_INSTALL_COMMAND);
  const server = emulatedServerPath();
  if (!existsSync(server)) missing(server, BUILD_COMMAND);
  return { qemu, sysroot, node: node.path, ffiFolder: node.folder, server };
}

function missing(what: string, command: string): never {
  throw new TargetError("unavailable", `aarch64 needs ${what}, which is not there; run: ${command}`);
}

class EmulatedTarget implements Target {
  readonly name: string;
  readonly description: string;
  readonly runsWorlds: boolean;
  readonly readiness: Readiness;
  readonly #replayer: Replayer;
  #isWarm: boolean;

  constructor(name: string, readiness: Readiness, replayer: Replayer) {
    this.name = name;
    this.readiness = readiness;
    this.description = `${replayer.runtime.name} (qemu-user)`;
    this.runsWorlds = replayer.runtime.hasIdleHook;
    this.#replayer = replayer;
    // A runtime without hooks cannot get through a panic or a hang, nor run a world.
    this.#isWarm = !replayer.runtime.hasIdleHook || !replayer.runtime.hasPanicHook;
  }

  async replay(batch: ProgramBatch): Promise<TraceBatch> {
    if (!this.#isWarm && batch.count >= WARM_UP_FROM) {
      this.#isWarm = true;
      await this.#replayer.warmUp(warmUpBatch());
    }
    return this.#replayer.replay(batch);
  }

  close(): Promise<void> {
    return this.#replayer.close();
  }
}
