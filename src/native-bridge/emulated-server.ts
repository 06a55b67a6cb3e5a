/**
 * The emulated process: an arm64 Node under qemu-user that runs this file, compiled, and answers `emulated.ts` over its standard
 * input and output (`frames.ts`).
 *
 * Invariant: it serves one replay host and does not outlive its parent. The end of standard input is the only way that it ends; then it
 * closes the host, and with it an order under way, or, while it opens one, dies at once: the host sees that and dies too. It imports nothing from
 * node_modules but ffi-rs, whose arm64 binary `$LOCKSTEP_FFI_RS_FROM` names, and touches no batch and no order: the library has
 * a thread for these.
 */
import { TargetError } from "../sim/target.js";
import { closeHandle, memoryFileOf, openHandle, type ReplayerOptions, serveHandle } from "./bridge-calls.js";
import { ORDERS_FD } from "./emulated-connection.js";
import { type Frame, FrameKind, FrameReader, writeFrame } from "./frames.js";

/** The library and the handle, once there is one. */
let open: readonly [bridge: string, handle: number] | undefined;
let isOpening = false;

async function answer({ kind, value }: Frame): Promise<void> {
  if (kind !== FrameKind.open || open !== undefined)
    throw new Error(`a frame of kind ${kind} is out of turn`);
  const options = value as ReplayerOptions;
  const { handle, runtime } = await openHandle(options);
  open = [options.bridge, handle];
  void serveHandle(...open, ORDERS_FD);
  const memory = `/proc/${process.pid}/fd/${memoryFileOf(...open)}`;
  writeFrame(process.stdout, FrameKind.opened, { runtime, memory });
}

async function answerOrFail(frame: Frame): Promise<void> {
  isOpening = true;
  try {
    await answer(frame);
  } catch (error) {
    const reason = error instanceof TargetError ? error.reason : "lost";
    // A fault of ours comes with its stack: the other side can only say that the process was lost.
    const message = error instanceof TargetError ? error.message : String((error as Error).stack);
    writeFrame(process.stdout, FrameKind.failed, { reason, message });
  } finally {
    isOpening = false;
  }
}

function end(): void {
  if (isOpening) process.kill(process.pid, "SIGKILL");
  if (open !== undefined) closeHandle(...open);
  process.exit(0);
}

const reader = new FrameReader((frame) => void answerOrFail(frame));
process.stdin.on("data", (chunk: Buffer) => reader.push(chunk));
process.stdin.on("end", end);
// A parent that died while it was being answered; the end of standard input says the same.
process.stdout.on("error", end);
