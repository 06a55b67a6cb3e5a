/**
 * Times work by rounds: warm-up, then the median of several rounds with its spread, so that a neighbour on the machine shows as
 * spread and not as a result.
 *
 * Contenders that are compared take turns, round by round, so that what loads the machine loads all of them alike.
 */

/** Median, least and greatest of some seconds (or of anything else that is a number). */
export function summarize(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1), rounds: sorted.length };
}

/** Seconds that `work(round)` takes, where `work` may be asynchronous. */
async function secondsOf(work, round) {
  const startMs = performance.now();
  await work(round);
  return (performance.now() - startMs) / 1000;
}

/** Warm-up rounds by time are numbered from here on: programs that no measured round takes. */
const EXTRA_ROUNDS = 1_000_000;

/**
 * Times each of `contenders` (name to function) for `rounds` rounds after `warmUps` that do not count. With `warmUpSeconds` each then runs
 * alone until its warm-ups have taken so long: the compiler of JavaScript works beside the program and, on one core, instead of it, and what
 * it replaces for the last time it replaces after a second or more. The functions are given a round number that never comes twice, to choose
 * fresh work by; `warmUps` is the first that counts. Returns name to `summarize` in seconds.
 */
export async function measureInTurn(contenders, { rounds, warmUps = 2, warmUpSeconds = 0 }) {
  const samples = new Map(Object.keys(contenders).map((name) => [name, []]));
  const warmed = new Map(Object.keys(contenders).map((name) => [name, 0]));
  for (let round = 0; round < warmUps; round++) {
    for (const [name, work] of Object.entries(contenders)) {
      warmed.set(name, warmed.get(name) + (await secondsOf(work, round)));
    }
  }
  for (const [name, work] of Object.entries(contenders)) {
    let seconds = warmed.get(name);
    for (let extra = EXTRA_ROUNDS; seconds < warmUpSeconds; extra++) seconds += await secondsOf(work, extra);
  }
  for (let round = warmUps; round < warmUps + rounds; round++) {
    for (const [name, work] of Object.entries(contenders)) {
      samples.get(name).push(await secondsOf(work, round));
    }
  }
  return Object.fromEntries([...samples].map(([name, of]) => [name, summarize(of)]));
}

/** The same for one function. */
export async function measure(work, options) {
  const { only } = await measureInTurn({ only: work }, options);
  return only;
}
