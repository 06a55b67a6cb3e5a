/**
 * One point of the part `growth`, in a process of its own, so that no other point's heap is in its memory:
 *
 *     node --expose-gc growth-point.mjs AXIS TARGET SIZE      prints {"seconds", "floor", "mib"} as JSON
 *
 * seconds: what all processes use of the processor for a batch of the program alone, less that for the least program: on native each
 * starts in a new process, so that each of its fibers pays for its stack at every size, and what a batch costs is taken off. `floor` is
 * what was taken off. What else the machine does would take the longest replays the most time, and look like growth.
 * mib: the highest resident memory of all processes behind the target during one replay, less that with the least program; resolution
 * is some hundred KiB. A program that does not complete is an error.
 */
import { batchOf, encodeProgram, TraceDecoder } from "./dist.mjs";
import { AXES, LEAST_SIZE } from "./growth-axes.mjs";
import { cpuSeconds, processesBelow, residentMib } from "./processes.mjs";
import { withTargets } from "./targets.mjs";

/** A replay is repeated until so much of the processor is used, of which the kernel tells hundredths, and so often at least. */
const SECONDS_MIN = 0.25;
const REPLAYS_MIN = 2;
const SAMPLE_EVERY_MS = 1;

const [axis, name, sizeText] = process.argv.slice(2);
const { programOf } = AXES[axis];
const size = Number(sizeText);

const notes = [];
const result = await withTargets([name], notes, async (targets) => {
  const target = targets[name];
  if (target === undefined) return { missing: notes[0] };
  // What a replay always takes is then there, and not the size's.
  const smallest = batchOf([encodeProgram(programOf(LEAST_SIZE))]);
  for (let i = 0; i < 3; i++) await target.replay(smallest);
  const before = await highestMib(() => target.replay(smallest));
  const program = programOf(size);
  const one = batchOf([encodeProgram(program)]);
  const mib = Math.max(0, (await highestMib(() => target.replay(one))) - before);
  await mustComplete(target, program, one);
  const floor = await cpuOf(() => target.replay(smallest));
  return { seconds: (await cpuOf(() => target.replay(one))) - floor, floor, mib };
});
process.stdout.write(JSON.stringify(result));

async function mustComplete(target, program, batch) {
  const { words, ends } = await target.replay(batch);
  const { outcome } = new TraceDecoder(program).decode(words.subarray(0, ends[0]));
  if (outcome.outcome !== "completed") throw new Error(`${JSON.stringify(outcome)} instead of an end`);
}

/** Seconds of the processor that `work` uses each time, warm. */
async function cpuOf(work) {
  for (let i = 0; i < REPLAYS_MIN; i++) await work();
  const before = cpuSeconds();
  let replays = 0;
  let used = 0;
  while (replays < REPLAYS_MIN || used < SECONDS_MIN) {
    // As often again as before: to ask for the time takes some itself.
    for (let until = Math.max(REPLAYS_MIN, replays * 2); replays < until; replays++) await work();
    used = cpuSeconds() - before;
  }
  return used / replays;
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
