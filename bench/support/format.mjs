/**
 * Numbers and tables as text. A cell of a table is a string, or a number that is shown as it is; columns of numbers stand to the right.
 */

/** Three significant digits, in groups of three: 1234567 as "1,230,000", 0.01234 as "0.0123". */
export function figure(value) {
  if (!Number.isFinite(value)) return "-";
  const rounded = Number(value.toPrecision(3));
  return rounded.toLocaleString("en-US", { maximumFractionDigits: 20 });
}

/** A rate of `count` things a round, from the summary of seconds: "53,100 (50,200 to 54,000)". */
export function rate(count, seconds) {
  return `${figure(count / seconds.median)} (${figure(count / seconds.max)} to ${figure(count / seconds.min)})`;
}

/** Time a thing in ns or µs, from the summary of seconds: "6.02 (5.9 to 7.1)". */
export function each(count, seconds, perSecond) {
  const of = (value) => figure((value * perSecond) / count);
  return `${of(seconds.median)} (${of(seconds.min)} to ${of(seconds.max)})`;
}

/** A summary of anything that is a number: "6.02 (5.9 to 7.1)". */
export function spread({ median, min, max }) {
  return `${figure(median)} (${figure(min)} to ${figure(max)})`;
}

export function ratio(value, best) {
  return value === best ? "1" : figure(value / best);
}

/** `{ title, columns, rows }` as text with aligned columns. */
export function tableText({ title, columns, rows }) {
  const cells = [columns, ...rows].map((row) =>
    row.map((cell) => (typeof cell === "number" ? figure(cell) : cell)),
  );
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  const isNumeric = columns.map((_, i) =>
    cells.slice(1).every((row) => /^[\d.,-]/.test(row[i]) || row[i] === ""),
  );
  const line = (row) =>
    `  ${row.map((cell, i) => (isNumeric[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join("  ")}`.trimEnd();
  const rule = `  ${widths.map((width) => "-".repeat(width)).join("  ")}`;
  return [title, line(cells[0]), rule, ...cells.slice(1).map(line)].join("\n");
}
