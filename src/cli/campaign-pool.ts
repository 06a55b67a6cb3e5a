/**
 * The worker processes of a campaign, as objects that answer.
 *
 * Invariant: a worker has at most one question open. Which worker runs a range changes nothing about its result; that is what the
 * canary checks.
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
  #waiting: Waiting | undefined;

  private constructor() {
    this.#process = fork(new URL("./campaign-worker.js", import.meta.url), {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#process.on("message", (answer: Answer) => this.#settle((waiting) => waiting.resolve(answer)));
    this.#process.on("exit", (code, signal) => {
      const how = signal ?? `exit status ${code}`;
      this.#settle((waiting) =>
        waiting.reject(new TargetError("lost", `a worker process of the campaign ended (${how})`)),
      );
    });
  }

  /** Starts a worker and lets it open its targets. */
  static async start(setup: CampaignSetup): Promise<CampaignWorker | Extract<Answer, { is: "failed" }>> {
    const worker = new CampaignWorker();
    const answer = await worker.#ask({ ask: "open", setup });
    if (answer.is === "open") return worker;
    worker.stop();
    if (answer.is === "failed") return answer;
    throw new Error(`a worker answered ${answer.is} to open`);
  }

  /** @throws TargetError when a target or the worker itself is lost. */
  async run(range: RunRange, digestCount: number): Promise<RangeResult> {
    const answer = await this.#ask({ ask: "run", range, digestCount });
    if (answer.is === "done") return answer.result;
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
