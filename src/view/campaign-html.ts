/**
 * The report of a campaign as one HTML page without a script: the numbers, how runs ended, the rate over time, coverage as bars, failures.
 *
 * Bars are tables with a drawn share in each row, so that they read as tables where nothing is drawn. Pure text in, text out.
 */
import { escapeHtml } from "./page-html.js";

export interface Bar {
  readonly name: string;
  readonly count: number;
  /** Under what must be reached. */
  readonly isShort: boolean;
}

export interface CampaignPage {
  readonly title: string;
  /** Name and value, in order. */
  readonly numbers: readonly (readonly [string, string])[];
  readonly outcomes: readonly Bar[];
  readonly labels: readonly Bar[];
  /** Of how many runs `outcomes` and `labels` are counts. */
  readonly lookedAt: number;
  /** Runs done after so many seconds, in order. */
  readonly samples: readonly { readonly seconds: number; readonly runs: number }[];
  readonly failures: readonly {
    readonly signature: string;
    readonly first: string;
    readonly runs: number;
    readonly ops: number;
    /** The page of its time line, beside this one. */
    readonly page: string;
  }[];
}

const CHART_WIDTH = 720;
const CHART_HEIGHT = 160;

export function campaignHtml(page: CampaignPage, style: string): string {
  const { title, numbers, outcomes, labels, lookedAt } = page;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)} - Lockstep</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<table><caption>The run</caption>
${numbers.map(([name, value]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`).join("\n")}
</table>
${failuresHtml(page)}
${rateHtml(page)}
${barsHtml(`How ${lookedAt} runs ended`, outcomes, lookedAt)}
${barsHtml("What they reached", labels, lookedAt)}
</main>
</body>
</html>
`;
}

function failuresHtml({ failures }: CampaignPage): string {
  if (failures.length === 0) return "<h2>Failures</h2><p>No divergence.</p>";
  const rows = failures.map(
    ({ signature, first, runs, ops, page }) =>
      `<tr><th scope="row"><a href="${escapeHtml(page)}">${escapeHtml(signature)}</a></th>` +
      `<td>${escapeHtml(first)}</td><td>${runs}</td><td>${ops}</td></tr>`,
  );
  const head = ["Failure, with its time line", "First run", "Runs", "Ops when shrunk"];
  return `<table><caption>Failures</caption>
<thead><tr>${head.map((name) => `<th scope="col">${name}</th>`).join("")}</tr></thead>
${rows.join("\n")}
</table>`;
}

/** Runs a second between each two samples. */
function rateHtml({ samples }: CampaignPage): string {
  const rates = samples.flatMap(({ seconds, runs }, i) => {
    const before = samples[i - 1] ?? { seconds: 0, runs: 0 };
    return seconds > before.seconds
      ? [{ seconds, rate: (runs - before.runs) / (seconds - before.seconds) }]
      : [];
  });
  const last = rates.at(-1);
  if (last === undefined) return "";
  const most = Math.max(...rates.map(({ rate }) => rate));
  // A step for each stretch: its rate held from the sample before to its own.
  const points = rates.flatMap(({ seconds, rate }, i) => {
    const y = ((1 - rate / most) * CHART_HEIGHT).toFixed(1);
    const x = (at: number): string => ((at / last.seconds) * CHART_WIDTH).toFixed(1);
    return [`${x(rates[i - 1]?.seconds ?? 0)},${y}`, `${x(seconds)},${y}`];
  });
  const words = `Runs a second over ${last.seconds.toFixed(1)} s: at most ${Math.round(most)}, at the end ${Math.round(last.rate)}`;
  return `<h2>Rate</h2><figure><svg viewBox="0 -4 ${CHART_WIDTH} ${CHART_HEIGHT + 8}" role="img" aria-label="${words}">
<polyline class="rate" points="${points.join(" ")}"/></svg><figcaption>${words}</figcaption></figure>`;
}

function barsHtml(caption: string, bars: readonly Bar[], total: number): string {
  const rows = bars.map(({ name, count, isShort }) => {
    const percent = (count / Math.max(1, total)) * 100;
    const mark = isShort ? ' class="short"' : "";
    const words = isShort ? ", under its floor" : "";
    return (
      `<tr${mark}><th scope="row">${escapeHtml(name)}</th><td>${count}${words}</td><td>${percent.toFixed(2)}%</td>` +
      `<td class="bar"><svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect width="${percent.toFixed(3)}" height="8"/></svg></td></tr>`
    );
  });
  const head = ["", "Runs", "Share", ""].map((name) =>
    name === "" ? "<td></td>" : `<th scope="col">${name}</th>`,
  );
  return `<table><caption>${escapeHtml(caption)}</caption>
<thead><tr>${head.join("")}</tr></thead>
${rows.join("\n")}
</table>`;
}
