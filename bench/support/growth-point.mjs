/**
 * One point of the part `growth`, in a process of its own, so that no other point's heap is in its memory:
 *
 *     node --expose-gc growth-point.mjs AXIS TARGET SIZE ROUNDS      prints {"seconds", "floor", "mib"} as JSON
 *
 * seconds: least time of a batch of the program alone, less that of the least program: on native each starts in a new process, so that
 * each of its fibers pays for its stack at every size, and what a batch costs is taken off. `floor` is what was taken off.
 * mib: the highest resident memory of all processes behind the target during one replay, less that with the least program; resolution
 * is some hundred KiB. A program that does not complete is an error.
 */
import { batchOf, encodeProgram, TraceDecoder } from "./dist.mjs";
import { AXES } from "./growth-axes.mjs";
import { measureInTurn } from "./measure.mjs";
import { processesBelow, residentMib } from "./processes.mjs";
import { withTargets } from "./targets.mjs";

/** A small program is replayed again and again in a round: up to this size in all, and not more often than so. */
const ROUND_SIZE = 20_000;
const REPLAYS_MAX = 50;
const SAMPLE_EVERY_MS = 1;

const [axis, name, sizeText, roundsText] = process.argv.slice(2);
const { programOf } = AXES[axis];
const size = Number(sizeText);

const notes = [];
const result = await withTargets([name], notes, async (targets) => {
  const target = targets[name];
  if (target === undefined) return { missing: notes[0] };
  // The least program first: what a replay always takes is then there, and not the size's.
  const smallest = batchOf([encodeProgram(programOf(10))]);
  for (let i = 0; i < 3; i++) await target.replay(smallest);
  const before = await highestMib(() => target.replay(smallest));
  const program = programOf(size);
  const one = batchOf([encodeProgram(program)]);
  const mib = Math.max(0, (await highestMib(() => target.replay(one))) - before);
  await mustComplete(target, program, one);
  const replays = Math.min(REPLAYS_MAX, Math.max(1, Math.floor(ROUND_SIZE / size)));
  const replayed = (batch) => async () => {
    for (let i = 0; i < replays; i++) await target.replay(batch);
  };
  const seconds = await measureInTurn(
    { size: replayed(one), least: replayed(smallest) },
    { rounds: Number(roundsText), warmUps: replays === 1 ? 1 : 2 },
  );
  const floor = seconds.least.min / replays;
  return { seconds: seconds.size.min / replays - floor, floor, mib };
});
process.stdout.write(JSON.stringify(result));

async function mustComplete(target, program, batch) {
  const { words, ends } = await target.replay(batch);
  const { outcome } = new TraceDecoder(program).decode(words.subarray(0, ends[0]));
  if (outcome.outcome !== "completed") throw new Error(`${JSON.stringify(outcome)} instead of an end`);
}

/** Resident MiB at its highest while `work` runs: this process by its own account, those below it by looking often. */
async function highestMib(work) {
  globalThis.gc?.();
  let highest = 0;
  const look = () => {
    const below = processesBelow().reduce((sum, pid) => sum + residentMib(pid), 0);
    highest = Math.max(highest, residentMib(process.pid) + below);
  };
  look();
  const timer = setInterval(look, SAMPLE_EVERY_MS);
  await work();
  clearInterval(timer);
  look();
  return highest;
}
