/**
 * Reads programs from files and from standard input.
 *
 * A file is one JSON document or, failing that, one JSON document a line. A document is a program, or an object that holds one under
 * `program`: a line of `lockstep generate`, or a corpus entry. Every document gives a program or one line that says what is wrong with
 * it; the others are still read (SPEC sections 3 and 6).
 */
import { readFile, stat } from "node:fs/promises";
import { isObject } from "../sim/corpus-entry.js";
import { parseJson, readProgram } from "../sim/parse-program.js";
import { type Checked, problemLine } from "../sim/problem.js";
import type { Program } from "../sim/program.js";

export interface NamedProgram {
  /** Where it came from: a file's path, or `path:line` and `-:line`. */
  readonly source: string;
  readonly seed?: string;
  readonly program: Program;
  /** Whether native targets hold it to account for what it leaves behind; true unless told. */
  readonly isAudited?: boolean;
}

/** A program, or the line to complain with, which names the source. */
export type Loaded =
  | { readonly ok: true; readonly value: NamedProgram }
  | { readonly ok: false; readonly complaint: string };

/** A program of a million ops takes some 60 MiB; what is larger is no program. */
const FILE_BYTES_MAX = 512 * 1024 * 1024;

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

/** A file's text, or what to say about a file that has none. */
export async function readTextFile(
  path: string,
): Promise<
  { readonly ok: true; readonly value: string } | { readonly ok: false; readonly complaint: string }
> {
  try {
    const file = await stat(path);
    if (file.isDirectory()) return { ok: false, complaint: "is a directory: name a file in it" };
    // Opening a named pipe that nobody writes would hang where no signal reaches; a shell's <(...) stands under /dev or /proc.
    if (file.isFIFO() && !/^\/(dev|proc)\//.test(path))
      return { ok: false, complaint: "is a named pipe: use - and standard input" };
    if (file.isCharacterDevice())
      return { ok: false, complaint: "is a device: name a file, or - for standard input" };
    if (file.size > FILE_BYTES_MAX)
      return { ok: false, complaint: `is larger than ${FILE_BYTES_MAX >> 20} MiB` };
    const bytes = await readFile(path);
    return { ok: true, value: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (error) {
    return { ok: false, complaint: fileComplaint(error) };
  }
}

/** What a failed file operation means, without the path. */
export function fileComplaint(error: unknown): string {
  if (error instanceof TypeError) return "is not text in UTF-8: expected JSON";
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
      return "there is no such file";
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "ENOTDIR":
      return "a part of the path is not a directory";
    case "ENOSPC":
      return "no space left on the device";
    case "EROFS":
      return "the file system is read-only";
    case "EISDIR":
      return "is a directory";
    case "EEXIST":
      return "something else stands there already";
    case "ELOOP":
      return "its symbolic links lead in a circle";
    case "ENAMETOOLONG":
      return "the name is too long";
    case "EDQUOT":
      return "the disk quota is used up";
    case "EFBIG":
      return "the file would be too large";
    case "EBUSY":
    case "ETXTBSY":
      return "it is in use";
    case "EMFILE":
    case "ENFILE":
      return "too many files are open: raise  ulimit -n";
    case "EIO":
      return "the device answers with an error";
    case "EXDEV":
      return "it lies on another file system";
    case "ENOTEMPTY":
      return "the folder is not empty";
    case "EINVAL":
    case "ENXIO":
    case "ENODEV":
    case "EOPNOTSUPP":
    case "ENOTSUP":
      return "it cannot hold a file";
    default:
      return `the system refused it (${code ?? message})`;
  }
}
