/**
 * What a recording refuses, and where: the file, line and column of the caller's own code.
 *
 * A place is read off a stack trace: its first frame that is neither this package's nor Node's own.
 */
import { quoted } from "../problem.js";

/** A body did what no program can hold. Its message begins with who and where. */
export class RecordingError extends Error {
  override readonly name = "RecordingError";
  /** The body at fault: `fiber "reader"`, `task "work"`, `main` or `the world`. */
  readonly who: string;
  /** `file:line:column` of the caller's code; undefined where the stack no longer says it. */
  readonly where: string | undefined;

  constructor(who: string, where: string | undefined, what: string, options?: ErrorOptions) {
    super(`${who}${where === undefined ? "" : ` at ${where}`}: ${what}`, options);
    this.who = who;
    this.where = where;
  }
}

/** The folder of this package's compiled code, or of its sources. */
const OWN = pathOf(new URL("../../", import.meta.url).href);

/** Frames kept of a place: this package's own, and the caller's. Each costs time with every op. */
const FRAMES = 6;

/** Where the caller is now, to be read by `placeOf` should it be asked for. */
export function here(): Error {
  const usual = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  const place = new Error();
  Error.stackTraceLimit = usual;
  return place;
}

/** `file:line:column` of the innermost frame that is the caller's. */
export function placeOf(error: Error): string | undefined {
  for (const line of (error.stack ?? "").split("\n")) {
    const frame = /(?:^|[(\s])((?:file:\/\/|\/|[A-Za-z]:[\\/])[^()]*):(\d+):(\d+)\)?$/.exec(line);
    if (frame === null || !/^\s+at /.test(line)) continue;
    const path = pathOf(frame[1]!);
    if (!path.startsWith(OWN)) return `${path}:${frame[2]}:${frame[3]}`;
  }
  return undefined;
}

function pathOf(file: string): string {
  return file.startsWith("file://") ? decodeURIComponent(new URL(file).pathname) : file;
}

/** A value that stands where another kind was expected, in words. */
export function kindOf(value: unknown): string {
  if (value instanceof Promise) return "a promise";
  if (typeof value === "object" && value !== null && "next" in value) return "a generator";
  return value === undefined ? "nothing" : quoted(value);
}
