/**
 * JUnit's XML, in the dialect that Jenkins, GitLab and surefire's readers agree on: one suite with properties and cases.
 *
 * Guarantee: whatever the texts hold, the document is well-formed XML 1.0: what XML cannot hold at all (control characters, lone surrogates)
 * becomes U+FFFD. It has no times, so that it is the same each time.
 */

export interface JunitComplaint {
  /** One line. */
  readonly message: string;
  /** A word for the kind: `divergence`, `coverage`. */
  readonly type: string;
  /** The whole, for people. */
  readonly text: string;
}

interface JunitCase {
  readonly name: string;
  readonly classname: string;
  /** What was tested and is wrong. */
  readonly failures: readonly JunitComplaint[];
  /** What kept it from being tested. */
  readonly errors: readonly JunitComplaint[];
}

interface JunitSuite {
  readonly name: string;
  /** Name and value, in order. */
  readonly properties: readonly (readonly [string, string])[];
  readonly cases: readonly JunitCase[];
}

export function junitXml({ name, properties, cases }: JunitSuite): string {
  const withAny = (kind: "failures" | "errors"): string =>
    String(cases.filter((one) => one[kind].length > 0).length);
  const counts: [string, string][] = [
    ["tests", String(cases.length)],
    ["failures", withAny("failures")],
    ["errors", withAny("errors")],
  ];
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes([["name", "lockstep"], ...counts])}>`,
    `  <testsuite${attributes([["name", name], ...counts])}>`,
    "    <properties>",
    ...properties.map(
      ([property, value]) =>
        `      <property${attributes([
          ["name", property],
          ["value", value],
        ])}/>`,
    ),
    "    </properties>",
    ...cases.flatMap(caseLines),
    "  </testsuite>",
    "</testsuites>",
  ];
  return `${lines.join("\n")}\n`;
}

function caseLines({ name, classname, failures, errors }: JunitCase): string[] {
  const head = `    <testcase${attributes([
    ["classname", classname],
    ["name", name],
  ])}`;
  if (failures.length + errors.length === 0) return [`${head}/>`];
  return [
    `${head}>`,
    ...errors.map((error) => complaintLine("error", error)),
    ...failures.map((failure) => complaintLine("failure", failure)),
    "    </testcase>",
  ];
}

function complaintLine(element: "error" | "failure", { message, type, text }: JunitComplaint): string {
  const head = attributes([
    ["message", message],
    ["type", type],
  ]);
  return `      <${element}${head}>${escaped(text)}</${element}>`;
}

function attributes(pairs: readonly (readonly [string, string])[]): string {
  // A reader takes line breaks and tabs in an attribute for spaces unless they are written as references.
  return pairs
    .map(([name, value]) => ` ${name}="${escaped(value).replace(/[\t\n]/g, (c) => `&#${c.charCodeAt(0)};`)}"`)
    .join("");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  // Left as it is, a reader would take it for a line feed.
  "\r": "&#13;",
};

function escaped(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML forbids.
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu, "\ufffd")
      .replace(/[&<>"'\r]/g, (character) => ENTITIES[character]!)
  );
}
