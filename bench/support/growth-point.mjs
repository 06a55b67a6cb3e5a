/**
 * One point of the part `growth`, in a process of its own, so that no other point's heap is in its memory:
 *
 *     node --expose-gc growth-point.mjs AXIS TARGET SIZE ROUNDS      prints {"seconds", "mib"} as JSON
 *
 * seconds: least time to replay the program once, of many copies in a batch where it is small; a start of the target is not in it.
 * mib: the highest resident memory of all processes behind the target during one replay, less what they had before with a program of no
 * size; resolution is some hundred KiB. A program that does not complete is an error.
 */
import { batchOf, encodeProgram, TraceDecoder } from "./dist.mjs";
import { AXES } from "./growth-axes.mjs";
import { measure } from "./measure.mjs";
import { processesBelow, residentMib } from "./processes.mjs";
import { withTargets } from "./targets.mjs";

/** Ops that a batch of a small program is filled up to. */
const BATCH_SIZE = 20_000;
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
  const copies = Math.max(1, Math.floor(BATCH_SIZE / size));
  const batch = copies === 1 ? one : batchOf(Array.from({ length: copies }, () => encodeProgram(program)));
  const seconds = await measure(() => target.replay(batch), {
    rounds: Number(roundsText),
    warmUps: copies === 1 ? 1 : 2,
  });
  return { seconds: seconds.min / copies, mib };
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
