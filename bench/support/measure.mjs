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

/**
 * Times each of `contenders` (name to function) for `rounds` rounds after `warmUps` that do not count. The functions are given a round
 * number that never comes twice, to choose fresh work by. Returns name to `summarize` in seconds.
 */
export async function measureInTurn(contenders, { rounds, warmUps = 2 }) {
  const samples = new Map(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round < warmUps + rounds; round++) {
    for (const [name, work] of Object.entries(contenders)) {
      const seconds = await secondsOf(work, round);
      if (round >= warmUps) samples.get(name).push(seconds);
    }
  }
  return Object.fromEntries([...samples].map(([name, of]) => [name, summarize(of)]));
}

/** The same for one function. */
export async function measure(work, options) {
  const { only } = await measureInTurn({ only: work }, options);
  return only;
}
