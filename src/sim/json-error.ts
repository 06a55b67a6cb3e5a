/**
 * Where a JSON text goes wrong. `JSON.parse` says it only of some errors, and each version of Node of others.
 *
 * A walk over the tokens with a list of what is open in place of recursion, so that any depth is taken. It decides nothing: a text comes
 * here after `JSON.parse` has refused it.
 */

/** Spaces, then a sign, a literal, a number or a string. The string's parts cannot match the same text twice, so nothing is retried. */
const TOKEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids control characters in strings.
  /[ \t\n\r]*(?:([[\]{}:,])|(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])|("[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[^"\\\u0000-\u001f]*)*"))/y;

const SPACES = /[ \t\n\r]*/y;

/** What may come next. */
type Expected = "value" | "value or ]" | "key or }" | "key" | ":" | ", or end";

/** The offset of the first token that does not belong, or the text's length where it breaks off between two; in UTF-16 units. */
export function jsonErrorOffset(text: string): number {
  const open: string[] = [];
  let expected: Expected = "value";
  for (let offset = 0; ; ) {
    SPACES.lastIndex = offset;
    SPACES.test(text);
    const start = SPACES.lastIndex;
    TOKEN.lastIndex = start;
    const token = TOKEN.exec(text);
    if (token === null) return start;
    offset = TOKEN.lastIndex;
    const next = after(expected, token[1] ?? "", token[2] !== undefined, open);
    if (next === undefined) return start;
    expected = next;
  }
}

/** What is expected after a token, or undefined when the token is not what was. `sign` is empty for a literal, a number or a string. */
function after(expected: Expected, sign: string, isString: boolean, open: string[]): Expected | undefined {
  if (expected === ":") return sign === ":" ? "value" : undefined;
  if (expected === ", or end") {
    if (sign === "," && open.length > 0) return open.at(-1) === "{" ? "key" : "value";
    return sign !== "" && sign === open.at(-1)?.replace("{", "}").replace("[", "]")
      ? closed(open)
      : undefined;
  }
  if (sign === "}" && expected === "key or }") return closed(open);
  if (sign === "]" && expected === "value or ]") return closed(open);
  if (expected === "key" || expected === "key or }") return isString ? ":" : undefined;
  if (sign === "") return ", or end";
  if (sign !== "{" && sign !== "[") return undefined;
  open.push(sign);
  return sign === "{" ? "key or }" : "value or ]";
}

function closed(open: string[]): Expected {
  open.pop();
  return ", or end";
}
