/**
 * Keys that stand twice in one object of a JSON text, of which `JSON.parse` keeps the last and says nothing.
 *
 * Guarantee: the text is one that `JSON.parse` has taken. Where there are as many keys in the text as in the value, none is there twice, and
 * that is all that is looked at; only else the text is walked with a set for each open object. Any depth is taken.
 */

interface DuplicateKey {
  readonly key: string;
  /** Where it stands for the second time, in UTF-16 units. */
  readonly offset: number;
}

/** The first key that stands twice, in the order of the text; `value` is what `JSON.parse` made of it. */
export function duplicateKey(text: string, value: unknown): DuplicateKey | undefined {
  if (keysWritten(text) === keysKept(value)) return undefined;
  const open: (Set<string> | undefined)[] = [];
  for (let offset = 0; offset < text.length; offset++) {
    const sign = text[offset];
    if (sign === "{") open.push(new Set());
    else if (sign === "[") open.push(undefined);
    else if (sign === "}" || sign === "]") open.pop();
    else if (sign === '"') {
      const end = endOfString(text, offset);
      if (isKey(text, end)) {
        const key = JSON.parse(text.slice(offset, end)) as string;
        const keys = open.at(-1)!;
        if (keys.has(key)) return { key, offset };
        keys.add(key);
      }
      offset = end - 1;
    }
  }
  return undefined;
}

function keysWritten(text: string): number {
  let keys = 0;
  for (let at = text.indexOf('"'); at !== -1; ) {
    const end = endOfString(text, at);
    if (isKey(text, end)) keys++;
    at = text.indexOf('"', end);
  }
  return keys;
}

/** Past the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); ; quote = text.indexOf('"', quote + 1)) {
    let escapes = 0;
    while (text[quote - 1 - escapes] === "\\") escapes++;
    if (escapes % 2 === 0) return quote + 1;
  }
}

/** Whether what ends there is followed by a colon. */
function isKey(text: string, end: number): boolean {
  let at = end;
  while (text.charCodeAt(at) <= 0x20) at++;
  return text[at] === ":";
}

function keysKept(value: unknown): number {
  let keys = 0;
  const open = [value];
  while (open.length > 0) {
    const here = open.pop();
    if (typeof here !== "object" || here === null) continue;
    const inside = Object.values(here);
    if (!Array.isArray(here)) keys += inside.length;
    for (const one of inside) if (typeof one === "object") open.push(one);
  }
  return keys;
}
