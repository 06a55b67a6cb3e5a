/**
 * The time line's page in Chromium: what a reader sees and can do, and that it asks the network for nothing.
 *
 * The divergence is a planted one: a copy of the model's trace with two records in each other's place, so that no compiler is needed.
 */
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { viewDataOf } from "../src/cli/view-command.js";
import { packagePath } from "../src/native-bridge/package-path.js";
import { decodeTrace } from "../src/sim/decode-trace.js";
import { encodeTrace } from "../src/sim/encode-trace.js";
import type { Program } from "../src/sim/program.js";
import { ProgramBuilder } from "../src/sim/program-builder.js";
import { pageHtml } from "../src/view/page-html.js";
import { chromiumPath, openPage } from "./support/browser.js";
import { buildCommand, lockstep, scratchFolder } from "./support/command.js";
import { deadlocks } from "./support/deadlocks.js";
import { wordsOn } from "./support/replay.js";

beforeAll(buildCommand);
const { folder, file } = scratchFolder();

/** Sleepers whose last two fire at one instant: the other side fires them the other way round. */
function sleepers(count: number, rounds: number): Program {
  const b = new ProgramBuilder("sleepers <b>");
  for (let i = 0; i < count; i++) b.fiber(`sleeper${i}`, (o) => o.repeat(rounds, (r) => r.sleep(10)).log(i));
  return b.build();
}

/** The page of a program whose other side has records i and j in each other's place. */
async function divergentPage(name: string, program: Program, i: number, j: number): Promise<string> {
  const words = await wordsOn("model", program);
  const { records, outcome } = decodeTrace(program, words);
  const swapped = encodeTrace(program, {
    records: records.with(i, records[j]!).with(j, records[i]!),
    outcome,
  });
  if (!swapped.ok) throw new Error(swapped.problem.message);
  const found = { program, title: program.title ?? name, fileName: name };
  const sides = [
    { on: "model", words },
    { on: "native", words: swapped.value },
  ];
  const read = (asset: string): string => readFileSync(packagePath("dist", "view", asset), "utf8");
  const data = viewDataOf({ found, sides, again: "lockstep view x" });
  return file(`${name}.html`, pageHtml(data, { script: read("page.js"), style: read("page.css") }));
}

const recordLine = async (page: Page): Promise<string> =>
  (await page.getByLabel("Current record").locator("div div").allTextContents()).join("\n");
/** The terms of the state and what stands beside each. */
const state = async (page: Page): Promise<string> => {
  const panel = page.getByLabel("The model's scheduler", { exact: true });
  return (await panel.locator("h2, dt, dd li, .none").allTextContents()).join("|");
};

/** The colours that the canvas shows, as `#rrggbb`. */
function coloursDrawn(page: Page): Promise<string[]> {
  // As text: the tests are compiled without a browser's types.
  return page.evaluate(`
    (() => {
      const canvas = document.querySelector("canvas.lanes");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const seen = new Set();
      for (let i = 0; i < data.length; i += 4) seen.add(data[i] * 65536 + data[i + 1] * 256 + data[i + 2]);
      return [...seen].map((colour) => "#" + colour.toString(16).padStart(6, "0"));
    })()`);
}

/** Milliseconds that a step to the next record takes, frame included, on the average of twenty. */
function stepCostMs(page: Page): Promise<number> {
  return page.evaluate(`
    (async () => {
      const startMs = performance.now();
      for (let i = 0; i < 20; i++) {
        document.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
      return (performance.now() - startMs) / 20;
    })()`);
}

async function seriousFindings(page: Page): Promise<string[]> {
  // The page's own policy forbids a script that is added; the checker comes in by the debugger instead.
  const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  await page.evaluate(source);
  const results = (await page.evaluate("axe.run()")) as AxeResults;
  return results.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

describe.skipIf(chromiumPath === undefined)("the page", () => {
  test("opens at the divergence, with both sides' records, the state there and the op marked", async () => {
    // 0-2 spawns, 3 run, 4-9 begin and sleep, then 10 and 11 are the rets of sleeper0 and its log.
    const program = sleepers(3, 1);
    const path = await divergentPage("opens", program, 10, 13);
    const { page, complaints } = await openPage(path);
    expect(await page.title()).toBe("sleepers <b> - Lockstep");
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("sleepers <b>");
    expect(await page.locator(".verdict").textContent()).toContain(
      'at t=10, record 10: model resumes "sleeper0" from sleep 10, native resumes "sleeper1" from sleep 10',
    );
    expect(await recordLine(page)).toBe(
      "model: t=10  sleeper0  #1 sleep 10\nnative (parts here): t=10  sleeper1  #1 sleep 10",
    );
    const text = await state(page);
    expect(text).toContain("The model's scheduler before record 10");
    expect(text).toContain(
      "clock|10|running|sleeper0|ready queue|none|timers|sleeper1 at 10|sleeper2 at 10|io waiters|none",
    );
    expect(await page.locator('[aria-current="step"]').textContent()).toBe("sleep 10");
    expect(await page.getByText("native parts here").count()).toBe(0); // It is drawn, not written.
    const drawn = await coloursDrawn(page);
    expect(drawn).toEqual(expect.arrayContaining(["#009e73", "#56b4e9", "#f0e442", "#d7e3f7"]));
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("moves by keys: a record, one of the same fiber, both ends, the divergence; the scrubber and the search follow", async () => {
    const { page, complaints } = await openPage(await divergentPage("keys", sleepers(3, 1), 10, 13));
    const where = page.locator(".where");
    const press = async (key: string): Promise<string> => {
      await page.keyboard.press(key);
      return (await where.textContent())!.split(" ")[0]!;
    };
    expect(await press("ArrowRight")).toBe("11");
    expect(await press("ArrowLeft")).toBe("10");
    expect(await press("Shift+ArrowLeft")).toBe("5");
    expect(await press("Home")).toBe("0");
    expect(await press("End")).toBe("21");
    expect(await recordLine(page)).toContain("model: completed at t=10");
    expect(await press("d")).toBe("10");
    expect(await press("Home")).toBe("0");
    expect(await press("/")).toBe("0");
    await page.keyboard.type("sleeper2");
    expect(await page.locator(".found").textContent()).toBe("sleeper2");
    expect(await recordLine(page)).toContain("model: t=0  sleeper2  begins");
    await page.keyboard.press("Enter");
    expect(await recordLine(page)).toContain("model: t=0  sleeper2  #1 sleep 10 ...");
    await page.locator("#scrubber").fill("4");
    expect(await recordLine(page)).toContain("model: t=0  sleeper0  begins");
    await page.locator("canvas.lanes").click({ position: { x: 160, y: 60 } });
    expect(await recordLine(page)).toContain("#0 spawn sleeper0 -> spawned");
    expect(complaints).toEqual([]);
    await page.close();
  });

  test.each(["light", "dark"] as const)("has no serious accessibility finding in %s", async (scheme) => {
    const { page, complaints } = await openPage(
      await divergentPage(`axe-${scheme}`, sleepers(12, 2), 30, 33),
      scheme,
    );
    expect(await seriousFindings(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("of 10,000 records on each side is under 1 MB, opens on a late divergence, and a step costs less than a tenth of a second", async () => {
    const program = sleepers(40, 124);
    const count = decodeTrace(program, await wordsOn("model", program)).records.length;
    expect(count).toBeGreaterThan(10_000);
    const path = await divergentPage("large", program, 9000, 9002);
    expect(statSync(path).size).toBeLessThan(1_000_000);
    const { page, complaints } = await openPage(path);
    expect(await page.locator(".where").textContent()).toMatch(/^9000 of /);
    // Record 9000 stands further to the right than any screen; the band of the current record is on what is scrolled to.
    expect(await page.locator(".scroller").evaluate(({ scrollLeft }) => scrollLeft)).toBeGreaterThan(100_000);
    expect(await coloursDrawn(page)).toContain("#d7e3f7");
    const stepMs = await stepCostMs(page);
    expect(stepMs).toBeLessThan(100);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("tells who is stuck for good, in the words of forensics, and opens where it became certain", async () => {
    const source = file("cycle.json", JSON.stringify(deadlocks.cycleOfTasks));
    expect(lockstep(["view", source], { cwd: folder }).stdout).toBe("cycle.html\n");
    const { page } = await openPage(`${folder}/cycle.html`);
    expect(await page.getByRole("group").textContent()).toContain("a cycle: left -> right -> left");
    expect(await page.locator(".where").textContent()).toMatch(/^11 of /);
    await page.close();
  });
});
