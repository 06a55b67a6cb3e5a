/**
 * Fenced blocks of a Markdown page, and the comparison of output that a page claims with output that is real.
 *
 * A comment right before a block says what its language cannot: `<!-- file: ties.json -->` names the file that the block is,
 * `<!-- not run: why -->` keeps it from being tried, and `<!-- only packed: why -->` leaves it to `npm run check-package`. None is seen by
 * readers.
 */

export interface Block {
  /** First word after the fence; empty where there is none. */
  readonly language: string;
  /** Of `exit=1` after the language. */
  readonly exitStatus: number;
  readonly text: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  readonly file?: string;
  readonly notRun?: string;
  readonly onlyPacked?: string;
}

export function blocksOf(markdown: string): Block[] {
  const lines = markdown.split("\n");
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i++) {
    const fence = /^( *)(`{3,})([^`]*)$/.exec(lines[i]!);
    if (fence === null) continue;
    const [, indent, ticks, info] = fence;
    const start = i++;
    while (i < lines.length && lines[i]!.trim() !== ticks) i++;
    if (i === lines.length) throw new Error(`line ${start + 1}: the fence is never closed`);
    const [language = "", ...words] = info!.trim().split(/\s+/);
    const inside = lines
      .slice(start + 1, i)
      .map((line) => line.slice(Math.min(indent!.length, line.search(/\S|$/))));
    const file = directive(lines, start, "file");
    const notRun = directive(lines, start, "not run");
    const onlyPacked = directive(lines, start, "only packed");
    blocks.push({
      language,
      exitStatus: Number(words.find((word) => word.startsWith("exit="))?.slice("exit=".length) ?? 0),
      text: inside.map((line) => `${line}\n`).join(""),
      line: start + 1,
      ...(file === undefined ? {} : { file }),
      ...(notRun === undefined ? {} : { notRun }),
      ...(onlyPacked === undefined ? {} : { onlyPacked }),
    });
  }
  return blocks;
}

/** What `<!-- name: ... -->` says on the line before a fence, blank lines skipped. */
function directive(lines: readonly string[], fence: number, name: string): string | undefined {
  let at = fence - 1;
  while (at >= 0 && lines[at]!.trim() === "") at--;
  const comment = /^ *<!-- ([^:]+): (.+) -->$/.exec(lines[at] ?? "");
  return comment?.[1] === name ? comment[2] : undefined;
}

export interface Session {
  readonly command: string;
  readonly output: string;
}

/** The commands of a `console` block, each a line that begins with `$ `, with what is shown under it. */
export function sessionsOf(text: string): Session[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf("\n");
      return { command: part.slice(0, end), output: part.slice(end + 1) };
    });
}

/**
 * The first line of `shown` that `real` does not have where it must, or undefined when they agree. In `shown`, a line of three dots
 * stands for any lines, also none, and the character … for any text within a line. Ends of lines and the blank lines at both ends do
 * not count.
 */
export function firstDifference(shown: string, real: string): string | undefined {
  const wanted = linesOf(shown);
  const given = linesOf(real);
  // reached[j]: whether the wanted lines so far can have taken exactly j of the given ones.
  let reached = new Array<boolean>(given.length + 1).fill(false);
  reached[0] = true;
  for (const line of wanted) {
    const next = new Array<boolean>(given.length + 1).fill(false);
    const isGap = line.trim() === "...";
    const pattern = new RegExp(`^${line.split("…").map(literally).join(".*")}$`);
    for (let j = 0; j <= given.length; j++) {
      if (isGap) next[j] = reached[j]! || (j > 0 && next[j - 1]!);
      else next[j] = j > 0 && reached[j - 1]! && pattern.test(given[j - 1]!);
    }
    if (!next.includes(true)) return line;
    reached = next;
  }
  return reached[given.length]! ? undefined : "(the end)";
}

function linesOf(text: string): string[] {
  const trimmed = text.replace(/^\s*\n/, "").trimEnd();
  return trimmed === "" ? [] : trimmed.split("\n").map((line) => line.trimEnd());
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
