/**
 * Every fenced block of README.md, docs/ and the examples is tried: programs parse and replay, commands run, and what is shown as output is
 * output (`support/check-page.ts` says how a block tells what it is).
 *
 * `./mine.so` stands for the reader's own library. In README.md it is our scheduler with ties broken the wrong way round; a page that needs
 * another builds it.
 */
import { copyFileSync, existsSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { machineArchitecture } from "../src/native-bridge/architecture.js";
import { buildDefective, findDefect } from "../src/native-bridge/defects.js";
import { packagePath } from "../src/native-bridge/package-path.js";
import { checkPage, furnish } from "./support/check-page.js";
import { buildCommand, scratchFolder } from "./support/command.js";
import { docExamples } from "./support/doc-examples.js";
import { whyNoExample } from "./support/example-adapter.js";
import { installProject } from "./support/installed-project.js";
import { targetsHere } from "./support/replay.js";
import { filesIn, textOf } from "./support/source-files.js";

const scratch = scratchFolder();
/** What `npm run docs` has made is tried where it comes from, in the doc comments. */
const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  ...filesIn(["docs", "examples"], /\.md$/),
].filter((page) => !page.startsWith("docs/api/"));
const missing = whyNoExample();
const noCompiler = targetsHere.includes("native") ? undefined : "the target native cannot run here";

/** A project that has the package installed, for pages about that. */
function project(): string {
  const folder = mkdtempSync(join(scratch.folder, "project-"));
  installProject(folder, {});
  return folder;
}

/** A folder that looks like a checkout, new each time. */
function checkout(): string {
  const folder = mkdtempSync(join(scratch.folder, "checkout-"));
  furnish(folder);
  return folder;
}

beforeAll(buildCommand);

describe("what stands in the pages is true", () => {
  for (const page of pages) {
    const needsExample = /<!-- needs: examples\/boost-context -->/.test(textOf(page));
    // The library that a page calls ./mine.so is compiled, and so is what it shows of C.
    const needsCompiler = /\bmine\.so\b|^```(c|cpp)$/m.test(textOf(page));
    const why = (needsExample ? missing : undefined) ?? (needsCompiler ? noCompiler : undefined);
    const isSkipped = why !== undefined;
    if (isSkipped) process.stderr.write(`docs.test.ts: ${page} skipped: ${why}\n`);

    test.skipIf(isSkipped)(page, { timeout: 240_000 }, async () => {
      const folder = page === "docs/vitest.md" ? project() : checkout();
      if (page === "README.md") {
        const ties = findDefect("TIES_BY_LAST")!;
        copyFileSync(await buildDefective(ties, machineArchitecture()), join(folder, "mine.so"));
      }
      expect(await checkPage(textOf(page), folder)).toEqual([]);
    });
  }

  test("of the examples in doc comments, which become the API pages", { timeout: 240_000 }, async () => {
    const examples = docExamples();
    expect(examples.length).toBeGreaterThan(5);
    for (const { path, markdown } of examples)
      expect([path, await checkPage(markdown, checkout())]).toEqual([path, []]);
  });

  test("links between them lead somewhere", () => {
    const broken = pages.flatMap((page) =>
      [...textOf(page).matchAll(/\]\((?!https?:)([^)#]+)(#[^)]*)?\)/g)]
        .map((match) => join(page, "..", match[1]!))
        .filter((target) => !existsSync(packagePath(target)))
        .map((target) => `${page} links to ${target}`),
    );
    expect(broken).toEqual([]);
  });
});

const PROGRAM = `<!-- file: p.json -->

\`\`\`json
{ "version": 1, "fibers": { "a": [{ "op": "log", "value": 1 }] } }
\`\`\`
`;

describe("what is not true would be found", () => {
  const fenced = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\`\n`;
  const replay = "$ lockstep replay p.json";
  const output = `p.json on model
  t=0     main   #0 spawn a -> spawned
  t=0     main   #1 run ...
  t=0     a      begins
  t=0     a      #0 log 1 -> 1
  t=0     a      ends
  t=0     main   #1 run -> clock 0, spawned 1, suspended 0
  t=0     main   #2 deinit
  completed at t=0`;

  test.each([
    ["all of an output", fenced("console", `${replay}\n${output}`)],
    [
      "an output with lines left out",
      fenced("console", `${replay}\np.json on model\n  ...\n  completed at t=0`),
    ],
    ["an output with text left out", fenced("console", `${replay}\n...\n  completed at …`)],
    [
      "a failure that is announced",
      fenced("console exit=2", "$ lockstep replay q.json\n…there is no such file"),
    ],
    ["records", fenced("jsonl", '{"ev":"begin","t":0,"who":"a"}\n{"ev":"end","t":0,"who":"a"}')],
    ["a block that is not run", `<!-- not run: it takes a day -->\n\n${fenced("sh", "exit 7")}`],
  ])("%s: no complaint", async (_, block) => {
    expect(await checkPage(PROGRAM + block, checkout())).toEqual([]);
  });

  test.each([
    [
      "another outcome",
      fenced("console", `${replay}\n${output.replace("completed", "panic")}`),
      /completed|panic/,
    ],
    ["a line too few", fenced("console", `${replay}\n${output.replace(/\n.*$/, "")}`), /the end/],
    ["a line too many", fenced("console", `${replay}\n${output}\nmore`), /more/],
    ["an exit status", fenced("console", "$ lockstep replay q.json\n..."), /exit status 2, not 0/],
    ["an option that is none", fenced("sh", "lockstep replay p.json --onn model"), /exit status 2/],
    ["a failing command before the last", fenced("sh", "false\ntrue"), /exit status 1/],
    ["a program that is none", fenced("json", '{ "version": 1, "fibres": {} }'), /is no program/],
    ["JSON that is none", fenced("json", "{"), /is no JSON/],
    [
      "a record out of order",
      fenced("jsonl", '{"ev":"end","t":0,"who":"a"}\n{"ev":"begin","t":0,"who":"a"}'),
      /no such record/,
    ],
    ["TypeScript that prints something else", fenced("ts", "console.log(1); // 2"), /no "2"/],
    ["code that is nowhere", fenced("c", "int elsewhere;"), /stands neither/],
    ["C that does not compile", `<!-- file: x.c -->\n${fenced("c", "int x = y;")}`, /does not compile/],
    ["a block that does not say what it is", fenced("", "lockstep"), /say what it is/],
  ])("%s", async (_, block, complaint) => {
    const complaints = await checkPage(PROGRAM + block, checkout());
    expect(complaints).toEqual([expect.stringMatching(complaint)]);
  });
});
