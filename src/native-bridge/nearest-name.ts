/** The name that somebody may have meant: the nearest of a few, by the letters to change, add, leave out or exchange with the next. */

/** ` (did you mean NAME?)`, or nothing where none is near: more than a third of its letters, and more than one, would have to change. */
export function didYouMean(written: string, names: readonly string[]): string {
  let best: { readonly name: string; readonly changes: number } | undefined;
  for (const name of names) {
    const changes = changesBetween(written.toLowerCase(), name.toLowerCase());
    const isNear = changes <= Math.max(1, Math.floor(name.length / 3));
    if (isNear && (best === undefined || changes < best.changes)) best = { name, changes };
  }
  return best === undefined ? "" : ` (did you mean ${best.name}?)`;
}

/** The optimal string alignment distance. Names are short. */
function changesBetween(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let least = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (isSame ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
