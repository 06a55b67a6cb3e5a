/**
 * The emulated process: an arm64 Node under qemu-user that runs this file, compiled, and answers `emulated.ts` over its standard
 * input and output (`frames.ts`).
 *
 * Invariant: it serves one replay host and does not outlive its parent. The end of standard input is the only way that it ends; then it
 * closes the host, or, with an order under way, dies at once: the host sees that and dies too. It imports nothing from
 * node_modules but ffi-rs, whose arm64 binary `$LOCKSTEP_FFI_RS_FROM` names, and touches no batch: whoever orders has its memory.
 */
import { TargetError } from "../sim/target.js";
import {
  closeHandle,
  memoryFileOf,
  openHandle,
  type ReplayerOptions,
  replayHandle,
  trimHandle,
  warmUpHandle,
} from "./bridge-calls.js";
import { type Frame, FrameKind, FrameReader, type Order, writeFrame } from "./frames.js";

/** The library and the handle, once there is one. */
let open: readonly [bridge: string, handle: number] | undefined;
let isBusy = false;

async function answer({ kind, value }: Frame): Promise<void> {
  if (kind === FrameKind.open && open === undefined) {
    const options = value as ReplayerOptions;
    const { handle, runtime } = await openHandle(options);
    open = [options.bridge, handle];
    const memory = `/proc/${process.pid}/fd/${memoryFileOf(...open)}`;
    writeFrame(process.stdout, FrameKind.opened, { runtime, memory });
  } else if (kind === FrameKind.order && open !== undefined) {
    writeFrame(process.stdout, FrameKind.done, await carryOut(value as Order, ...open));
  } else {
    throw new Error(`a frame of kind ${kind} is out of turn`);
  }
}

/** Gives what the library's function gives: 0, or another number when the host is gone. */
async function carryOut(order: Order, bridge: string, handle: number): Promise<number> {
  switch (order) {
    case "replay":
      return replayHandle(bridge, handle);
    case "warmUp":
      return warmUpHandle(bridge, handle);
    case "trim":
      trimHandle(bridge, handle);
      return 0;
  }
}

async function answerOrFail(frame: Frame): Promise<void> {
  isBusy = true;
  try {
    await answer(frame);
  } catch (error) {
    const reason = error instanceof TargetError ? error.reason : "lost";
    const message = error instanceof Error ? error.message : String(error);
    writeFrame(process.stdout, FrameKind.failed, { reason, message });
  } finally {
    isBusy = false;
  }
}

function end(): void {
  if (isBusy) process.kill(process.pid, "SIGKILL");
  if (open !== undefined) closeHandle(...open);
  process.exit(0);
}

const reader = new FrameReader((frame) => void answerOrFail(frame));
process.stdin.on("data", (chunk: Buffer) => reader.push(chunk));
process.stdin.on("end", end);
// A parent that died while it was being answered; the end of standard input says the same.
process.stdout.on("error", end);
