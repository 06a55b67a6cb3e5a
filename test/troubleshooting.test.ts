/**
 * docs/troubleshooting.md holds every complaint of the command, as they stand in the sources.
 */
import { describe, expect, test } from "vitest";
import { type ErrorMessage, errorMessages, messagesIn } from "./support/error-messages.js";
import { textOf } from "./support/source-files.js";

/** The code spans in the first cells of the page's tables. */
function spansOf(page: string): string[] {
  return page
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .flatMap((line) => [...(line.split(" | ")[0] ?? "").matchAll(/`([^`]+)`/g)])
    .map((match) => match[1]!.replace(/\s+/g, " "));
}

function isTold({ parts }: ErrorMessage, spans: readonly string[]): boolean {
  return spans.some((span) => {
    let at = 0;
    return parts.every((part) => {
      const found = span.indexOf(part, at);
      at = found + part.length;
      return found !== -1;
    });
  });
}

describe("docs/troubleshooting.md", () => {
  const spans = spansOf(textOf("docs/troubleshooting.md"));
  const messages = errorMessages();

  test("has a line for every complaint in the sources", () => {
    expect(messages.length).toBeGreaterThan(150);
    const missing = messages.filter((message) => !isTold(message, spans));
    expect(missing.map(({ where, parts }) => `${where}: ${parts.join(" … ")}`)).toEqual([]);
  });

  test("has no span that nothing in the sources says", () => {
    const said = [
      /^unknown (fiber|task|pipe)/,
      /^nothing was (compared|tested)/,
      /did not repeat: /,
      /^sched: /,
      /^at /,
    ];
    const stale = spans.filter(
      (span) =>
        !said.some((known) => known.test(span)) && !messages.some((message) => isTold(message, [span])),
    );
    expect(stale).toEqual([]);
  });

  test.each([
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text.
    ["terminal.complain(`${path}: it is ${what} gone`);", [": it is", "gone"]],
    ['const refused = { complaint: isBad ? "it is bad" : fileComplaint(error) };', ["it is bad"]],
    ['function someComplaint() { if (a) return "a is wrong" + b; return undefined; }', ["a is wrong"]],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text.
    ['throw new TargetError("lost", `the target ${name} is lost`);', ["the target", "is lost"]],
  ])("a complaint like %s would be found", (code, parts) => {
    expect(messagesIn("a.ts", code).map((message) => message.parts)).toEqual([parts]);
    expect(isTold({ where: "", parts }, spans)).toBe(false);
  });
});
