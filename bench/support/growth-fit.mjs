/**
 * How a cost grows with a size: the exponent of the least-squares line through the points on log-log paper, and what to call it.
 *
 * A pure function. n log n is no power of n: over the sizes that were measured it looks like one with an exponent a little above 1, which
 * depends on those sizes, so it is fitted through the same sizes and the verdict compares the two.
 */

/** What noise and caches may add to an exponent before it is called something else. */
const SLACK = 0.1;

/**
 * Fits `points`, `[size, cost]` pairs with sizes from 2 and costs above 0, at two different sizes at least; else undefined. Returns the
 * `exponent`, that of n log n over the same sizes (`ofNLogN`), and the `verdict`: "linear" (or less), "n log n" or "worse".
 */
export function fitGrowth(points) {
  const sizes = points.map(([size]) => size);
  if (new Set(sizes).size < 2) return undefined;
  if (points.some(([size, cost]) => !(size >= 2) || !(cost > 0))) return undefined;
  const exponent = slopeOf(points.map(([size, cost]) => [Math.log(size), Math.log(cost)]));
  const ofNLogN = slopeOf(sizes.map((size) => [Math.log(size), Math.log(size * Math.log(size))]));
  return { exponent, ofNLogN, verdict: verdictOf(exponent, ofNLogN) };
}

function verdictOf(exponent, ofNLogN) {
  if (exponent <= 1 + SLACK) return "linear";
  return exponent <= ofNLogN + SLACK ? "n log n" : "worse";
}

/** Of the least-squares line through `[x, y]` points; 0 when all x are the same. */
export function slopeOf(points) {
  const mean = (of) => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [meanX, meanY] = [mean(([x]) => x), mean(([, y]) => y)];
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return spread === 0 ? 0 : points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread;
}
