/**
 * What is wrong with an input, as data: where, what, and by which rule.
 *
 * Invariant: one problem is one line when it is printed; whatever came from the input is shortened and has no line break.
 */
export interface Problem {
  /** Where in the document, `fibers.a[2].ms`; empty for the document as a whole. */
  readonly path: string;
  /** What is wrong there and what is expected. */
  readonly message: string;
  /** The rule that it breaks, a page of the package, `docs/programs.md`, with its section or a rule number. */
  readonly rule: string;
}

/** A value, or what is wrong with the input that was to give it. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem };

/** The line a person reads, without the file's name. */
export function problemLine(problem: Problem): string {
  const where = problem.path === "" ? "" : `${problem.path}: `;
  return `${where}${problem.message} (${problem.rule})`;
}

/** A value of the input as it may stand in a message: at most 60 characters, on one line. */
export function quoted(value: unknown): string {
  const text = jsonText(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** JSON where there is one: not of a number too large for a double, and not of a value nested by the ten thousand. */
function jsonText(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (typeof value === "bigint") return `${value}n`;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch (error) {
    return error instanceof RangeError ? "a value nested too deeply to show" : "a value that is no JSON";
  }
}
