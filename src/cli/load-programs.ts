/**
 * Reads programs from files and from standard input.
 *
 * A file is one JSON document or, failing that, one JSON document a line. A document is a program, or an object that holds one under
 * `program`: a line of `lockstep generate`, or a corpus entry. Every document gives a program or one line that says what is wrong with
 * it; the others are still read (SPEC sections 3 and 6).
 */
import { isObject } from "../sim/is-object.js";
import { parseJson, readProgram } from "../sim/parse-program.js";
import { type Checked, problemLine } from "../sim/problem.js";
import type { Program } from "../sim/program.js";
import type { Loaded } from "../testing/replay-batches.js";
import { readTextFile } from "../testing/text-file.js";

/** The programs of the files in the order given; `-` is standard input. */
export async function* loadPrograms(paths: readonly string[]): AsyncGenerator<Loaded> {
  for (const path of paths) {
    if (path === "-") yield* programsOfStdin();
    else yield* await programsOfFile(path);
  }
}

async function programsOfFile(path: string): Promise<Loaded[]> {
  const text = await readTextFile(path);
  return text.ok
    ? programsOfText(path, text.value)
    : [{ ok: false, complaint: `${path}: ${text.complaint}` }];
}

/** One document, or one a line: the latter when the whole is no JSON, but its first or last line is a document of its own. */
function programsOfText(source: string, text: string): Loaded[] {
  const whole = parseJson(text);
  if (whole.ok) return [programOf(source, whole.value)];
  const lines = text.split("\n");
  const filled = lines.filter((line) => line.trim() !== "");
  const isLines = filled.length > 1 && (isDocument(filled[0]!) || isDocument(filled.at(-1)!));
  if (!isLines) return [{ ok: false, complaint: `${source}: ${problemLine(whole.problem)}` }];
  return lines.flatMap((line, i) => (line.trim() === "" ? [] : [programOfLine(`${source}:${i + 1}`, line)]));
}

/** Lines are passed on as they come, once the first has shown that each is a document; anything else is read to its end first. */
async function* programsOfStdin(): AsyncGenerator<Loaded> {
  process.stdin.setEncoding("utf8");
  let text = "";
  let lineNumber = 0;
  let isLines: boolean | undefined;
  for await (const chunk of process.stdin) {
    text += chunk as string;
    if (isLines === false || !text.includes("\n")) continue;
    isLines ??= isDocument(text.slice(0, text.indexOf("\n")));
    if (!isLines) continue;
    const lines = text.split("\n");
    text = lines.pop()!;
    for (const line of lines) {
      lineNumber++;
      if (line.trim() !== "") yield programOfLine(`-:${lineNumber}`, line);
    }
  }
  if (isLines === true && text.trim() !== "") yield programOfLine(`-:${lineNumber + 1}`, text);
  else if (isLines !== true) yield* programsOfText("-", text);
}

function isDocument(line: string): boolean {
  const json = parseJson(line);
  return json.ok && isObject(json.value);
}

function programOfLine(source: string, line: string): Loaded {
  const json = parseJson(line);
  return json.ok
    ? programOf(source, json.value)
    : { ok: false, complaint: `${source}: ${problemLine(json.problem)}` };
}

function programOf(source: string, value: unknown): Loaded {
  const wrapped = isObject(value) && "program" in value && !("version" in value);
  const checked: Checked<Program> = readProgram(wrapped ? value.program : value);
  if (!checked.ok) return { ok: false, complaint: `${source}: ${problemLine(checked.problem)}` };
  const seed = wrapped && typeof value.seed === "string" ? { seed: value.seed } : {};
  return { ok: true, value: { source, ...seed, program: checked.value } };
}
