/**
 * What CI reads: JUnit XML, annotations and the summary of a step, of a corpus and of a campaign. Every text goes through whole, whatever it holds.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { annotationLine, markdownCode, markdownTable } from "../src/cli/github.js";
import { junitXml } from "../src/cli/junit-xml.js";
import { junitComplaints, readXml, type XmlElement } from "./support/campaign-files.js";
import { buildCommand, lockstep, scratchFolder } from "./support/command.js";
import { targetsHere } from "./support/replay.js";

beforeAll(buildCommand);
const { folder } = scratchFolder();

/** All elements of that name, in order. */
function all({ children }: XmlElement, name: string): XmlElement[] {
  return children.flatMap((child) => [...(child.name === name ? [child] : []), ...all(child, name)]);
}

/** The properties of a suite, by name. */
function properties(root: XmlElement): Record<string, string> {
  return Object.fromEntries(
    all(root, "property").map(({ attributes }) => [attributes.name!, attributes.value!]),
  );
}

/** The other way round from `annotationLine`, as GitHub's runner reads it. */
function readAnnotation(line: string): Record<string, string> {
  const [, head, message] = /^::error (.*?)::(.*)$/.exec(line)!;
  const read = (text: string): string =>
    text
      .replaceAll("%2C", ",")
      .replaceAll("%3A", ":")
      .replaceAll("%0A", "\n")
      .replaceAll("%0D", "\r")
      .replaceAll("%25", "%");
  const pairs = head!.split(",").map((pair) => pair.split("=") as [string, string]);
  return {
    ...Object.fromEntries(pairs.map(([name, value]) => [name, read(value)])),
    message: read(message!),
  };
}

const ODD = `<&>"'%, : \t]]> ü \u{1f600}`;

describe("JUnit XML", () => {
  const complaint = {
    message: `${ODD}\nsecond`,
    type: "divergence",
    text: `${ODD}\r\n  second\u0000\u001b[31m\ud800`,
  };
  const xml = junitXml({
    name: ODD,
    properties: [["seed", ODD]],
    cases: [
      { name: "good", classname: "c", failures: [], errors: [] },
      { name: ODD, classname: "c", failures: [complaint, complaint], errors: [complaint] },
    ],
  });

  test("is well-formed, as the schema has it, and gives back every text; what XML cannot hold is U+FFFD", () => {
    const root = readXml(xml);
    expect(junitComplaints(root)).toEqual([]);
    const [suite] = root.children;
    expect(suite!.attributes).toEqual({ name: ODD, tests: "2", failures: "1", errors: "1" });
    expect(properties(root)).toEqual({ seed: ODD });
    const [failure, second] = all(root, "failure");
    expect(failure!.attributes).toEqual({ message: complaint.message, type: "divergence" });
    expect(failure!.text).toBe(`${ODD}\r\n  second\ufffd\ufffd[31m\ufffd`);
    expect(second).toEqual(failure);
  });

  test("what is not as the schema has it would be found, and what is not well-formed", () => {
    expect(
      junitComplaints(
        readXml('<testsuite name="a" tests="1" failures="0" errors="0" x=""><case/></testsuite>'),
      ),
    ).toEqual(["testsuite may not have x", "testsuite may not hold case", "unknown element case"]);
    for (const text of ["<a>\u0001</a>", "<a b='<'/>", "<a>&nope;</a>", "<a>"])
      expect(() => readXml(text)).toThrow();
  });
});

describe("GitHub", () => {
  test("an annotation is one line, and its parts come out as they went in", () => {
    const annotation = { title: "a: b, 100%\r\n", file: "corpus/a,b:c.json", message: "50%0A\nsecond::line" };
    const line = annotationLine(annotation);
    expect(line).not.toMatch(/[\r\n]/);
    expect(readAnnotation(line)).toEqual(annotation);
  });

  test("a table holds what would break it, and code what would close it", () => {
    expect(markdownTable(["a|b"], [["<b>\n`x`"]])).toBe("| a\\|b |\n| --- |\n| \\<b\\> \\`x\\` |");
    expect(markdownCode("```\nx")).toBe("````\n```\nx\n````");
  });
});

describe("corpus run", () => {
  const entry = JSON.parse(
    readFileSync(new URL("../corpus/1814-five-sleepers.json", import.meta.url), "utf8"),
  ) as { outcome: { t: number } };

  test("writes a case an entry and annotates what differs by its file, and sums up the step", () => {
    mkdirSync(join(folder, "corpus"));
    writeFileSync(join(folder, "corpus", "good.json"), JSON.stringify(entry));
    const wrong = { ...entry, outcome: { ...entry.outcome, t: entry.outcome.t + 1 } };
    writeFileSync(join(folder, "corpus", "wrong.json"), JSON.stringify(wrong));
    writeFileSync(join(folder, "corpus", "unread.json"), "{");
    const { status, stderr } = lockstep(
      ["corpus", "run", "corpus", "--on", "model", "--junit", "corpus.xml"],
      {
        cwd: folder,
        env: { GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: join(folder, "step.md") },
      },
    );
    expect(status).toBe(2);
    const root = readXml(readFileSync(join(folder, "corpus.xml"), "utf8"));
    expect(junitComplaints(root)).toEqual([]);
    expect(root.attributes).toEqual({ name: "lockstep", tests: "3", failures: "1", errors: "1" });
    const cases = all(root, "testcase").map(({ attributes, children }) => [
      attributes.name,
      children.map(({ name }) => name),
    ]);
    expect(cases).toEqual([
      ["good", []],
      ["unread", ["error"]],
      ["wrong", ["failure"]],
    ]);
    const annotations = stderr.split("\n").filter((line) => line.startsWith("::error"));
    expect(annotations.map((line) => readAnnotation(line).file)).toEqual([
      "corpus/unread.json",
      "corpus/wrong.json",
    ]);
    expect(readAnnotation(annotations[1]!).message).toContain("recorded");
    expect(readFileSync(join(folder, "step.md"), "utf8")).toContain("### lockstep corpus run: FAILED");
  });
});

describe("a campaign", () => {
  const sim = (env: NodeJS.ProcessEnv, ...args: string[]) =>
    lockstep(["sim", "--no-save", "--runs", "400", ...args], { cwd: folder, env });

  test("that finds nothing is one case with properties, a summary of the step, and no annotation", () => {
    const env = { GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: join(folder, "good.md") };
    const { status, stderr } = sim(
      env,
      "--on",
      "model",
      "--seed",
      ODD.replace(/\t/, ""),
      "--junit",
      "good.xml",
    );
    expect([status, stderr]).toEqual([0, ""]);
    const root = readXml(readFileSync(join(folder, "good.xml"), "utf8"));
    expect(junitComplaints(root)).toEqual([]);
    expect(properties(root)).toMatchObject({ seed: ODD.replace(/\t/, ""), runs: "400", targets: "model" });
    expect(all(root, "testcase")).toHaveLength(1);
    expect(readFileSync(join(folder, "good.md"), "utf8")).toContain("| runs | 400 |");
  });

  test.runIf(targetsHere.includes("native"))(
    "that fails has its signature and repro, and the report as text",
    () => {
      const env = { GITHUB_STEP_SUMMARY: join(folder, "bad.md") };
      const args = [
        "--on",
        "model,native+TIES_BY_LAST",
        "--annotations",
        "github",
        "--junit",
        "bad.xml",
        "--json",
      ];
      const { status, stderr, stdout } = sim(env, ...args);
      expect(status).toBe(1);
      const root = readXml(readFileSync(join(folder, "bad.xml"), "utf8"));
      expect(junitComplaints(root)).toEqual([]);
      const { found } = (
        JSON.parse(stdout) as { failures: { found: { signature: string; first: string }[] } }
      ).failures;
      expect(properties(root)).toMatchObject({
        "failure 1 signature": found[0]!.signature,
        "failure 1 repro": `lockstep repro ${found[0]!.first} --on model,native+TIES_BY_LAST`,
      });
      const failures = all(root, "failure");
      expect(failures.map(({ attributes }) => attributes.message)).toEqual(
        found.map(({ signature }) => signature),
      );
      expect(failures[0]!.text).toContain("the program:");
      const [annotation] = stderr.split("\n").filter((line) => line.startsWith("::error"));
      expect(readAnnotation(annotation!)).toMatchObject({ title: `lockstep: ${found[0]!.signature}` });
      expect(readFileSync(join(folder, "bad.md"), "utf8")).toContain("the program:");
    },
    60_000,
  );

  test("says so where the summary of the step cannot be written, and ends as it would have", () => {
    const { status, stderr } = sim({ GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: folder }, "--on", "model");
    expect([status, stderr]).toEqual([
      0,
      `lockstep: ${folder}: the summary of the step cannot be written: is a directory\n`,
    ]);
  });
});
