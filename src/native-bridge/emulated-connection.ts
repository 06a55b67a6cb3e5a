/**
 * The wire to the emulated process (`emulated-server.ts`): requests to its standard input, answers from its standard output.
 *
 * Invariant: one request is under way at a time, and each ends: with its answer, or, when the process dies, with a `lost` that says
 * how it died and what it said last. All requests after that end the same way.
 */
import type { ChildProcess } from "node:child_process";
import type { Duplex, Readable, Writable } from "node:stream";
import { TargetError } from "../sim/target.js";
import type { ReplayerOptions, RuntimeDescription } from "./bridge-calls.js";
import { type Frame, FrameKind, FrameReader, writeFrame } from "./frames.js";
import { isSystemError } from "./system-error.js";

/** The bytes of `replay/control.h`: orders, and the answer that one was carried out. */
const ORDERS = { replay: "r", warmUp: "w", trim: "t" } as const;
const DONE = "d";

/** The descriptor of the socket of orders, in the emulated process. */
export const ORDERS_FD = 3;

/** How long the emulated process may take to end by itself before it is killed. */
const CLOSE_LIMIT_MS = 2000;

/** How much of the emulated process' standard error is kept to explain its death, in characters. */
const STDERR_KEPT = 2000;

interface Request {
  /** The kind of the frame that answers; undefined for an order, which a byte answers. */
  readonly expects: number | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface Streams {
  readonly input: Writable;
  readonly output: Readable;
  readonly errors: Readable;
  /** A socket, at `ORDERS_FD` of the process. */
  readonly orders: Duplex;
}

/** One request at a time to the emulated process; its death rejects the one that waits and all that come. */
export class EmulatedConnection {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #input: Writable;
  readonly #orders: Duplex;
  readonly #exited: Promise<void>;
  #request: Request | undefined;
  #lost: TargetError | undefined;
  #stderr = "";

  constructor(name: string, child: ChildProcess, { input, output, errors, orders }: Streams) {
    this.#name = name;
    this.#child = child;
    this.#input = input;
    this.#orders = orders;
    const reader = new FrameReader((frame) => this.#receive(frame));
    output.on("data", (chunk: Buffer) => reader.push(chunk));
    errors.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_KEPT);
    });
    orders.on("data", (chunk: Buffer) => this.#receiveAnswer(chunk.toString("latin1")));
    // A write to a process that has died fails too; its exit says more.
    for (const stream of [input, orders]) stream.on("error", () => undefined);
    this.#exited = new Promise((resolve) => {
      child.once("error", (error) => {
        this.#lose(error.message);
        resolve();
      });
      child.once("close", (status, signal) => {
        this.#lose(signal ?? `exit ${status}`);
        resolve();
      });
    });
  }

  /**
   * Has a host started and a runtime loaded. Gives what the runtime says about itself, and the path of the batch memory.
   *
   * @throws TargetError as `openHandle`, or `lost` when the process dies.
   */
  async open(
    options: ReplayerOptions,
  ): Promise<{ readonly runtime: RuntimeDescription; readonly memory: string }> {
    const opened = await this.#ask(FrameKind.opened, () => {
      writeFrame(this.#input, FrameKind.open, options);
    });
    return opened as { runtime: RuntimeDescription; memory: string };
  }

  /**
   * Has the host do something with its batch memory. Gives 0, or another number when the host has died.
   *
   * @throws TargetError `lost` when the process dies.
   */
  async order(order: keyof typeof ORDERS): Promise<number> {
    const answer = await this.#ask(undefined, () => {
      this.#orders.write(ORDERS[order]);
    });
    return answer === DONE ? 0 : -1;
  }

  /** Ends the process by ending its input, or by force when that takes too long. Idempotent. */
  async close(): Promise<void> {
    this.#input.end();
    this.#orders.end();
    const timer = setTimeout(() => this.#kill(), CLOSE_LIMIT_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #ask(expects: number | undefined, send: () => void): Promise<unknown> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    if (this.#request !== undefined) return Promise.reject(new Error("a target takes one batch at a time"));
    return new Promise((resolve, reject) => {
      this.#request = { expects, resolve, reject };
      send();
    });
  }

  #receive(frame: Frame): void {
    const request = this.#request;
    this.#request = undefined;
    if (request === undefined) {
      this.#kill();
    } else if (frame.kind === request.expects) {
      request.resolve(frame.value);
    } else if (frame.kind === FrameKind.failed) {
      const { reason, message } = frame.value as TargetError;
      request.reject(new TargetError(reason, message));
    } else {
      request.reject(
        new TargetError("lost", `${this.#name}: an answer of kind ${frame.kind} is out of turn`),
      );
      this.#kill();
    }
  }

  #receiveAnswer(answer: string): void {
    const request = this.#request;
    if (request === undefined || request.expects !== undefined) {
      this.#kill(); // it answers what nobody asked
      return;
    }
    this.#request = undefined;
    request.resolve(answer);
  }

  #lose(how: string): void {
    const said = this.#stderr.trim().split("\n").at(-1);
    this.#lost ??= new TargetError(
      "lost",
      `${this.#name}: the emulated process ended (${how})${said ? `: ${said}` : ""}`,
    );
    this.#request?.reject(this.#lost);
    this.#request = undefined;
  }

  /** Ends the process and what it started in its group; its host, in a session of its own, sees that and ends too. */
  #kill(): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, "SIGKILL");
    } catch (error) {
      // The group may have ended in the meantime.
      if (!isSystemError(error)) throw error;
    }
    // Whatever still holds the other ends must not keep this process waiting.
    for (const stream of this.#child.stdio) stream?.destroy();
  }
}
