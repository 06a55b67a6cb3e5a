/**
 * From text to a checked program: JSON, then the schema, then the rules that a schema cannot say.
 *
 * Guarantee: whatever the text, the answer is a program that can be encoded and replayed, or one `Problem` that says where and what; it
 * never throws. Ajv finds what does not fit the schema (`program-validator.ts`); this file turns its findings into sentences (SPEC section 3).
 */
import { checkProgram } from "./check-program.js";
import { duplicateKey } from "./duplicate-key.js";
import { jsonErrorOffset } from "./json-error.js";
import { type Checked, type Problem, quoted } from "./problem.js";
import type { Program } from "./program.js";
import { type SchemaError, validateProgram } from "./program-validator.js";

const RULE = "docs/programs.md";

/** The value of a JSON text, or where it goes wrong, by line and column. A key that stands twice in an object goes wrong too. */
export function parseJson(text: string): Checked<unknown> {
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  if (source.trim() === "") return failed("", "is empty: expected JSON");
  if (source.includes("\0")) return failed("", "is not text: expected JSON");
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (error) {
    return failed("", `is not JSON: ${jsonComplaint(source, error)}`);
  }
  const duplicate = duplicateKey(source, value);
  if (duplicate === undefined) return { ok: true, value };
  return failed(
    "",
    `has the key ${quoted(duplicate.key)} twice in one object, ${placeOf(source, duplicate.offset)}`,
  );
}

/** A parsed value as a program, if it is one. */
export function readProgram(value: unknown): Checked<Program> {
  try {
    if (!validateProgram(value))
      return { ok: false, problem: schemaProblem(value, validateProgram.errors?.[0]) };
    const problem = checkProgram(value);
    return problem === undefined ? { ok: true, value } : { ok: false, problem };
  } catch (error) {
    // A value nested by the ten thousand exhausts the stack of any recursive check; nothing else here throws RangeError.
    if (error instanceof RangeError)
      return failed("", "is nested too deeply: at most 8 repeats and calls", `${RULE}, Limits`);
    throw error;
  }
}

/** The text of a JSON document as a program, or its first problem in document order (SPEC section 3). */
export function parseProgram(text: string): Checked<Program> {
  const json = parseJson(text);
  return json.ok ? readProgram(json.value) : json;
}

function failed(
  path: string,
  message: string,
  rule: string = RULE,
): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem: { path, message, rule } };
}

function jsonComplaint(source: string, error: unknown): string {
  const message = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ");
  // The engine's own position and its excerpt of the text are left out: not every version gives them, and not for every error.
  const short = message.replace(
    /(, (\.\.\.)?".*"(\.\.\.)? is not valid JSON| ?\(?(in JSON )?at position \d+.*)$/,
    "",
  );
  return `${short.slice(0, 120)} ${placeOf(source, jsonErrorOffset(source))}`;
}

/** For people: from 1. */
function placeOf(source: string, offset: number): string {
  const before = source.slice(0, offset).split("\n");
  return `at line ${before.length}, column ${before.at(-1)!.length + 1}`;
}

/** The first finding of Ajv as a sentence that says what was expected. */
function schemaProblem(value: unknown, error: SchemaError | undefined): Problem {
  if (error === undefined) return { path: "", message: "is not a program", rule: RULE };
  const path = pathOf(value, error.instancePath);
  const inside = (key: string): string => (path === "" ? keyText(key) : `${path}.${keyText(key)}`);
  const params = error.params as Readonly<Record<string, unknown>>;
  switch (error.keyword) {
    case "additionalProperties":
      return {
        path: inside(String(params.additionalProperty)),
        message: `unknown key${allowedKeys(error)}`,
        rule: RULE,
      };
    case "required":
      return { path, message: `lacks ${quoted(params.missingProperty)}`, rule: RULE };
    case "discriminator":
      return discriminatorProblem(path, params, error);
    case "type":
      return {
        path,
        message: `expected ${article(String(params.type))}, found ${quoted(error.data)}`,
        rule: RULE,
      };
    case "minimum":
    case "maximum":
      return { path, message: `${quoted(error.data)} is out of range: ${rangeOf(error)}`, rule: RULE };
    case "pattern":
      return {
        path,
        message: `${quoted(error.data)} is not a name: ${String(params.pattern)}`,
        rule: RULE,
      };
    case "propertyNames":
      return { path, message: `${quoted(params.propertyName)} is not a name`, rule: RULE };
    case "const":
      return {
        path,
        message: `expected ${quoted(params.allowedValue)}, found ${quoted(error.data)}`,
        rule: RULE,
      };
    case "enum":
      return {
        path,
        message: `expected one of ${quoted(params.allowedValues)}, found ${quoted(error.data)}`,
        rule: RULE,
      };
    case "uniqueItems":
      // Ajv reports the pair last first; the second of the two is the one too many.
      return {
        path: `${path}[${Math.max(Number(params.i), Number(params.j))}]`,
        message: "the same name twice",
        rule: RULE,
      };
    case "maxItems":
      return { path, message: `more than ${String(params.limit)} items`, rule: `${RULE}, Limits` };
    default:
      return { path, message: error.message ?? "is not valid", rule: RULE };
  }
}

function discriminatorProblem(
  path: string,
  params: Readonly<Record<string, unknown>>,
  error: SchemaError,
): Problem {
  if (params.error === "tag")
    return {
      path: `${path}.op`,
      message: `expected the name of an op, found ${quoted(params.tagValue)}`,
      rule: RULE,
    };
  const known = opNamesOf(error.parentSchema as OneOf);
  return {
    path: `${path}.op`,
    message: `op ${quoted(params.tagValue)} is not one of ${known.join(", ")}`,
    rule: RULE,
  };
}

interface OneOf {
  readonly oneOf: readonly { readonly properties: { readonly op: { readonly enum: readonly string[] } } }[];
}

function opNamesOf(schema: OneOf): string[] {
  return schema.oneOf.flatMap((variant) => variant.properties.op.enum);
}

function allowedKeys(error: SchemaError): string {
  const properties = (error.parentSchema as { readonly properties?: object } | undefined)?.properties;
  return properties === undefined ? "" : `; known here: ${Object.keys(properties).join(", ")}`;
}

function rangeOf(error: SchemaError): string {
  const schema = error.parentSchema as { readonly minimum?: number; readonly maximum?: number };
  return `${schema.minimum} to ${schema.maximum}`;
}

function article(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

/** `/fibers/a/2/ms` as `fibers.a[2].ms`: an index is a part that names an element of an array. */
function pathOf(value: unknown, pointer: string): string {
  let path = "";
  let here: unknown = value;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    path += Array.isArray(here) ? `[${key}]` : path === "" ? keyText(key) : `.${keyText(key)}`;
    here = (here as Readonly<Record<string, unknown>> | undefined)?.[key];
  }
  return path;
}

/** A key of the input as it may stand in a path: as it is when it looks like a name, else quoted and shortened. */
function keyText(key: string): string {
  return /^[\w$-]{1,60}$/.test(key) ? key : quoted(key);
}
