/**
 * A worker process of a campaign: opens the targets, then runs ranges as it is told, one at a time.
 *
 * It ends when its coordinator does, whatever way that was: the channel between them closes then, and so do the targets' processes.
 */
import { BatchRunner } from "../sim/campaign/batch-runner.js";
import { TargetError } from "../sim/target.js";
import type { CampaignSetup } from "../testing/campaign-setup.js";
import type { Answer, Question } from "./campaign-messages.js";
import { ExitStatus } from "./exit-status.js";
import { closeTargets, isOpen, openTarget } from "./open-targets.js";

process.on("disconnect", () => void closeTargets().finally(() => process.exit(0)));

let runner: BatchRunner | undefined;
let seed = "";
let restarted: string[] = [];

process.on("message", (question: Question) => {
  // A coordinator that has ended meanwhile is told nothing: `disconnect` says so.
  void answerTo(question).then((answer) => process.send?.(answer, () => {}));
});

async function answerTo(question: Question): Promise<Answer> {
  try {
    if (question.ask === "open") return await open(question.setup);
    if (runner === undefined) throw new Error("a range before the targets are open");
    restarted = [];
    const result = await runner.run(seed, question.range, question.digestCount);
    return { is: "done", result, restarted };
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    return { is: "failed", complaint: error.message, status: ExitStatus.unavailable };
  }
}

async function open(setup: CampaignSetup): Promise<Answer> {
  const targets = [];
  for (const name of setup.on) {
    const target = await openTarget(name, {
      timeLimitMs: setup.timeLimitMs,
      memoryLimitMiB: setup.memoryLimitMiB,
      onRestart: () => restarted.push(name),
    });
    if (!isOpen(target)) return { is: "failed", complaint: target.complaint, status: target.status };
    targets.push(target);
  }
  seed = setup.seed;
  runner = new BatchRunner(targets, setup.constraints);
  return { is: "open" };
}
