/** Text of others as a terminal may be given it: nothing in it moves the cursor, changes the title or hides what stands before it. */

/** Control characters, C1 too, written as JSON writes them, so that a line of JSON stays what it is. Line breaks and tabs stay. */
export function printable(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}/gu, escaped);
}

/** The same of a line that is painted: codes of colour stay. */
export function printablePainted(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is the one that is let through.
  return line.replace(/\u001b\[[\d;]*m|(?![\n\t])\p{Cc}/gu, (found) =>
    found.length > 1 ? found : escaped(found),
  );
}

/** Text that is told as one message: a line break in it begins an indented line, or it is escaped as well. */
export function printableMessage(text: string): string {
  return printable(text.replace(/\n(?! {2})/g, "\\n"));
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
