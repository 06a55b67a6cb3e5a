/**
 * The worker processes of a campaign, as objects that answer.
 *
 * Invariant: a worker has at most one question open. Which worker runs a range changes nothing about its result; that is what the
 * canary checks. Workers stand in process groups of their own: an interruption from the terminal is the coordinator's, from the first
 * moment on; they end with their channel.
 */
import { type ChildProcess, fork } from "node:child_process";
import type { RangeResult, RunRange } from "../sim/campaign/batch-runner.js";
import { TargetError } from "../sim/target.js";
import type { CampaignSetup } from "../testing/campaign-setup.js";
import type { Answer, Question } from "./campaign-messages.js";

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export class CampaignWorker {
  readonly #process: ChildProcess;
  readonly #onRestart: (on: string) => void;
  #waiting: Waiting | undefined;

  private constructor(onRestart: (on: string) => void) {
    this.#onRestart = onRestart;
    this.#process = fork(new URL("./campaign-worker.js", import.meta.url), {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      detached: true,
    });
    this.#process.on("message", (answer: Answer) => this.#settle((waiting) => waiting.resolve(answer)));
    this.#process.on("exit", (code, signal) => {
      const how = signal ?? `exit status ${code}`;
      this.#settle((waiting) =>
        waiting.reject(new TargetError("lost", `a worker process of the campaign ended (${how})`)),
      );
    });
  }

  /** Starts a worker and lets it open its targets. `onRestart`: the process of one was lost and started again. @throws TargetError when it ends before that. */
  static async start(
    setup: CampaignSetup,
    onRestart: (on: string) => void,
  ): Promise<CampaignWorker | Extract<Answer, { is: "failed" }>> {
    const worker = new CampaignWorker(onRestart);
    let isOpen = false;
    try {
      const answer = await worker.#ask({ ask: "open", setup });
      isOpen = answer.is === "open";
      if (isOpen) return worker;
      if (answer.is === "failed") return answer;
      throw new Error(`a worker answered ${answer.is} to open`);
    } finally {
      if (!isOpen) worker.stop();
    }
  }

  /** @throws TargetError when a target or the worker itself is lost. */
  async run(range: RunRange, digestCount: number): Promise<RangeResult> {
    const answer = await this.#ask({ ask: "run", range, digestCount });
    if (answer.is === "done") {
      for (const on of answer.restarted) this.#onRestart(on);
      return answer.result;
    }
    throw new TargetError(
      "lost",
      answer.is === "failed" ? answer.complaint : `a worker answered ${answer.is} to run`,
    );
  }

  /** Ends the process, whatever it is doing. Idempotent. */
  stop(): void {
    if (this.#process.connected) this.#process.disconnect();
  }

  #ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#process.send(question, (error) => {
        if (error !== null) this.#settle((waiting) => waiting.reject(new TargetError("lost", error.message)));
      });
    });
  }

  #settle(how: (waiting: Waiting) => void): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) how(waiting);
  }
}
