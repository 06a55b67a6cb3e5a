/**
 * The emulated process: an arm64 Node under qemu-user that runs this file, compiled, and answers `emulated.ts` over its standard
 * input and output (`frames.ts`).
 *
 * Invariant: it serves one replayer and does not outlive its parent. The end of standard input is the only way that it ends; then it
 * closes the replayer, or, with a batch under way, dies at once: the host sees that and dies too. It imports nothing from
 * node_modules but ffi-rs, whose arm64 binary `$LOCKSTEP_FFI_RS_FROM` names.
 */
import { TargetError } from "../sim/target.js";
import { Replayer } from "./bridge.js";
import type { ReplayerOptions } from "./bridge-calls.js";
import {
  type Frame,
  FrameKind,
  FrameReader,
  readBatchFrame,
  writeBatchFrame,
  writeJsonFrame,
} from "./frames.js";

let replayer: Replayer | undefined;
let isBusy = false;

async function answer(frame: Frame): Promise<void> {
  if (frame.kind === FrameKind.open && replayer === undefined) {
    replayer = await Replayer.open(JSON.parse(frame.payload.toString()) as ReplayerOptions);
    writeJsonFrame(process.stdout, FrameKind.opened, replayer.runtime);
  } else if (frame.kind === FrameKind.batch && replayer !== undefined) {
    writeBatchFrame(process.stdout, FrameKind.traces, await replayer.replay(readBatchFrame(frame.payload)));
  } else {
    throw new Error(`a frame of kind ${frame.kind} is out of turn`);
  }
}

async function answerOrFail(frame: Frame): Promise<void> {
  isBusy = true;
  try {
    await answer(frame);
  } catch (error) {
    const reason = error instanceof TargetError ? error.reason : "lost";
    const message = error instanceof Error ? error.message : String(error);
    writeJsonFrame(process.stdout, FrameKind.failed, { reason, message });
  } finally {
    isBusy = false;
  }
}

async function end(): Promise<void> {
  if (isBusy) process.kill(process.pid, "SIGKILL");
  await replayer?.close();
  process.exit(0);
}

const reader = new FrameReader((frame) => void answerOrFail(frame));
process.stdin.on("data", (chunk: Buffer) => reader.push(chunk));
process.stdin.on("end", () => void end());
// A parent that died while it was being answered; the end of standard input says the same.
process.stdout.on("error", () => void end());
