/**
 * The functions of liblockstep_bridge.so (`replay/bridge.h`) as TypeScript, called through ffi-rs.
 *
 * Invariant: one function here for each one there, and nothing is kept between calls but the order of opens. What takes long runs on
 * a thread of ffi-rs' own and gives a promise. `bridge`, everywhere: the path of the library.
 */
import { TargetError } from "../sim/target.js";
import { BATCH_BYTES } from "./batch-memory.js";
import { loadFfi, openLibrary } from "./ffi.js";

export interface ReplayerOptions {
  /** The path of liblockstep_bridge.so, of the architecture of this process. */
  readonly bridge: string;
  /** The command line of the host: the path of lockstep-host, or an emulator, its options and that path. */
  readonly hostCommand: readonly string[];
  /** The absolute path of the runtime, of the architecture of lockstep-host. */
  readonly runtime: string;
  /** How long a program may go on without a record before it is stopped with the outcome timeout. Milliseconds, > 0. */
  readonly timeLimitMs: number;
  /** How much private memory the process of a program may take before it is stopped as a crash. MiB, > 0. */
  readonly memoryLimitMiB: number;
}

/** What a runtime says about itself once it is loaded. */
export interface RuntimeDescription {
  /** Its own name, e.g. `sched-c x86_64-linux epoll`. */
  readonly name: string;
  readonly hasIdleHook: boolean;
  readonly hasPanicHook: boolean;
}

export interface OpenHandle {
  readonly handle: number;
  readonly runtime: RuntimeDescription;
}

/** The library keeps one report, of the last open, so opens stand in line. */
let lastOpen: Promise<unknown> = Promise.resolve();

/**
 * Starts a host and lets it load the runtime.
 *
 * @throws TargetError `unavailable` when no host can be started, `invalid` when the runtime cannot be used; RangeError for a time
 * limit that is none.
 */
export function openHandle(options: ReplayerOptions): Promise<OpenHandle> {
  const opening = lastOpen.then(() => openNow(options));
  lastOpen = opening.catch(() => undefined);
  return opening;
}

async function openNow(options: ReplayerOptions): Promise<OpenHandle> {
  const { bridge, hostCommand, runtime, timeLimitMs, memoryLimitMiB } = options;
  requireLimit("time", "milliseconds", timeLimitMs);
  requireLimit("memory", "MiB", memoryLimitMiB);
  openLibrary(bridge);
  const command = hostCommand.join("\n");
  const limits = [timeLimitMs, memoryLimitMiB];
  const handle = await callInThread(bridge, "lockstep_bridge_open", [command, runtime, ...limits]);
  const { load, DataType } = loadFfi();
  const report = load({
    library: bridge,
    funcName: "lockstep_bridge_report",
    retType: DataType.String,
    paramsType: [],
    paramsValue: [],
  });
  return { handle, runtime: readReport(report, handle) };
}

function requireLimit(what: string, unit: string, limit: number): void {
  if (Number.isInteger(limit) && limit > 0 && limit <= 0x7fffffff) return;
  throw new RangeError(`the ${what} limit must be a whole number of ${unit} above 0, not ${limit}`);
}

/** The library's one line: `ok`, the runtime's name and its hooks, or `error`, a code and a text that names the path. */
function readReport(report: string, handle: number): RuntimeDescription {
  const [status, second = "", third = ""] = report.split("\t");
  if (status === "ok" && handle >= 0) {
    const hooks = Number(third);
    return { name: second, hasIdleHook: (hooks & 1) !== 0, hasPanicHook: (hooks & 2) !== 0 };
  }
  throw new TargetError(status === "error" && second !== "host" ? "invalid" : "unavailable", third || report);
}

/** The whole batch memory of a handle, shared and not copied. ffi-rs does not free it; after `lockstep_bridge_close` it reads as zeros. */
export function mapHandle(bridge: string, handle: number): Buffer {
  const { load, DataType, isNullPointer, createExternalBuffer } = loadFfi();
  const pointer = load({
    library: bridge,
    funcName: "lockstep_bridge_memory",
    retType: DataType.External,
    paramsType: [DataType.I32],
    paramsValue: [handle],
  });
  if (isNullPointer(pointer)) throw new Error(`replayer ${handle} has no memory`);
  return createExternalBuffer(pointer, BATCH_BYTES);
}

/** The descriptor of the batch memory of a handle in this process, for whoever is to share it. */
export function memoryFileOf(bridge: string, handle: number): number {
  const { load, DataType } = loadFfi();
  return load({
    library: bridge,
    funcName: "lockstep_bridge_memory_fd",
    retType: DataType.I32,
    paramsType: [DataType.I32],
    paramsValue: [handle],
  });
}

/** Runs the batch in the memory, on another thread. Gives 0, or -1 when the host is gone. */
export function replayHandle(bridge: string, handle: number): Promise<number> {
  return callInThread(bridge, "lockstep_bridge_replay", [handle]);
}

/** Runs the batch in the memory unseen, to make ready for large ones; at most once. Gives what `replayHandle` gives. */
export function warmUpHandle(bridge: string, handle: number): Promise<number> {
  return callInThread(bridge, "lockstep_bridge_warm_up", [handle]);
}

/** Serves the handle to another process over the socket `fd`, until that is closed; `replay/control.h` has the bytes. */
export function serveHandle(bridge: string, handle: number, fd: number): Promise<number> {
  return callInThread(bridge, "lockstep_bridge_serve", [handle, fd]);
}

/** Gives the memory of large traces back to the system; between batches only. */
export function trimHandle(bridge: string, handle: number): void {
  call(bridge, "lockstep_bridge_trim", handle);
}

/**
 * Ends the host and gives the memory back. Views of it hold zeros then, and later what another handle does: whoever still looks at one, in
 * a command that a signal ends, gets nothing of use, and no fault. A batch under way ends with -1.
 */
export function closeHandle(bridge: string, handle: number): void {
  call(bridge, "lockstep_bridge_close", handle);
}

function call(bridge: string, funcName: string, handle: number): void {
  const { load, DataType } = loadFfi();
  load({
    library: bridge,
    funcName,
    retType: DataType.Void,
    paramsType: [DataType.I32],
    paramsValue: [handle],
  });
}

/** Calls a function that returns an int32 and may take long; the event loop goes on meanwhile. */
function callInThread(bridge: string, funcName: string, paramsValue: (string | number)[]): Promise<number> {
  const { load, DataType } = loadFfi();
  return load({
    library: bridge,
    funcName,
    retType: DataType.I32,
    paramsType: paramsValue.map((value) => (typeof value === "string" ? DataType.String : DataType.I32)),
    paramsValue,
    runInNewThread: true,
  });
}
