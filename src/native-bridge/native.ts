/**
 * A runtime of this machine's own architecture: our `libsched.so`, or a library that the user names.
 *
 * Invariant: the library is loaded in a host process of its own, never in this one, so no fault of a runtime is a fault of Lockstep.
 */
import type { ProgramBatch, Readiness, Target, TraceBatch } from "../sim/target.js";
import { machineArchitecture } from "./architecture.js";
import { Replayer } from "./bridge.js";
import { buildNative } from "./build-native.js";
import { type Logger, limitsOf, type TargetOptions } from "./target-options.js";

/**
 * Opens the runtime at `runtime`, an absolute path; undefined stands for our own on `readiness`, which is built at first use.
 *
 * @throws TargetError `unavailable` with what to install, `invalid` when the library is no runtime.
 */
export async function openNative(
  name: string,
  runtime: string | undefined,
  options: TargetOptions,
  readiness: Readiness = "epoll",
): Promise<Target> {
  const architecture = machineArchitecture();
  const [host, bridge, library] = await Promise.all([
    buildNative("lockstep-host", architecture),
    buildNative("liblockstep_bridge.so", architecture),
    runtime ?? buildNative("libsched.so", architecture, { readiness }),
  ]);
  options.logger?.debug(`${name}: ${host} ${library}`);
  const replayer = await Replayer.open({
    bridge,
    hostCommand: [host],
    runtime: library,
    ...limitsOf(options),
  });
  return new NativeTarget(name, replayer, readiness, options.logger);
}

class NativeTarget implements Target {
  readonly name: string;
  readonly description: string;
  readonly runsWorlds: boolean;
  readonly readiness: Readiness;
  readonly #replayer: Replayer;
  readonly #logger: Logger | undefined;

  constructor(name: string, replayer: Replayer, readiness: Readiness, logger: Logger | undefined) {
    this.name = name;
    this.readiness = readiness;
    this.#logger = logger;
    this.description = replayer.runtime.name;
    this.runsWorlds = replayer.runtime.hasIdleHook;
    this.#replayer = replayer;
  }

  async replay(batch: ProgramBatch): Promise<TraceBatch> {
    const traces = await this.#replayer.replay(batch);
    if (traces.printed !== undefined)
      this.#logger?.debug(`${this.name}: printed before it died: ${traces.printed}`);
    return traces;
  }

  close(): Promise<void> {
    return this.#replayer.close();
  }
}
