/**
 * `sim --report`: the pages as files, and the report in Chromium. The failure's own page is that of `view-page.test.ts`.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { AxeResults } from "axe-core";
import { beforeAll, describe, expect, test } from "vitest";
import { packagePath } from "../src/native-bridge/package-path.js";
import { campaignHtml } from "../src/view/campaign-html.js";
import { escapeHtml } from "../src/view/page-html.js";
import { chromiumPath, openPage } from "./support/browser.js";
import { buildCommand, lockstep, scratchFolder } from "./support/command.js";

beforeAll(buildCommand);
const { folder, file } = scratchFolder();
const sim = (...args: string[]) => lockstep(["sim", "--on", "model", "--no-save", ...args], { cwd: folder });

/** The numbers in the rows of the table with this caption, by the row's heading. */
function rowsOf(html: string, caption: RegExp): Map<string, string> {
  const table = html.split("<table>").find((part) => caption.test(part.split("</caption>")[0]!))!;
  return new Map(
    [...table.matchAll(/<th scope="row">(.*?)<\/th><td>(.*?)<\/td>/g)].map(([, name, value]) => [
      name!,
      value!,
    ]),
  );
}

test("writes index.html with the summary's numbers; the ways to end add up to the runs looked at", () => {
  const { status, stdout } = sim("--runs", "600", "--report", "report", "--json");
  expect(status).toBe(0);
  const summary = JSON.parse(stdout) as {
    runs: number;
    lookedAt: number;
    labels: { rule: string; text: string; runs: number }[];
  };
  expect(readdirSync(join(folder, "report"))).toEqual(["index.html"]);
  const html = readFileSync(join(folder, "report", "index.html"), "utf8");
  expect(rowsOf(html, /The run/).get("runs")).toBe("600");
  const outcomes = [...rowsOf(html, /ended/).values()].map(Number);
  expect(outcomes.reduce((sum, count) => sum + count, 0)).toBe(summary.lookedAt);
  expect(Math.min(...outcomes)).toBeGreaterThanOrEqual(0);
  const reached = rowsOf(html, /reached/);
  for (const { rule, text, runs } of summary.labels)
    expect(Number.parseInt(reached.get(escapeHtml(`${rule} ${text}`))!, 10)).toBe(runs);
  expect(html).toContain("No divergence.");
});

test("a folder that cannot be made is told before anything runs: exit status 2", () => {
  const taken = file("taken", "");
  const { status, stdout, stderr } = sim("--runs", "10", "--report", join(taken, "report"));
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(
    /^lockstep: \S+: a part of the path is not a directory: the report is written there\n$/,
  );
});

describe.skipIf(chromiumPath === undefined)("the report in Chromium", () => {
  test.each(["light", "dark"] as const)(
    "shows failures with their time lines, and has no serious finding in %s",
    async (scheme) => {
      const style = readFileSync(packagePath("dist", "view", "campaign.css"), "utf8");
      const bar = { name: "T2 two timers <fire>", count: 3, isShort: true };
      const failure = {
        signature: "model / native: order at T1",
        first: "S:5",
        runs: 7,
        ops: 2,
        page: "failure-1.html",
      };
      const html = campaignHtml(
        {
          title: "Campaign S",
          numbers: [["runs", "10"]],
          outcomes: [{ name: "completed", count: 10, isShort: false }],
          labels: [bar],
          lookedAt: 10,
          samples: [1, 2, 3].map((seconds) => ({ seconds, runs: seconds * seconds })),
          failures: [failure],
        },
        style,
      );
      mkdirSync(join(folder, scheme), { recursive: true });
      const path = join(folder, scheme, "index.html");
      writeFileSync(path, html);
      const { page, complaints } = await openPage(path, scheme);
      expect(await page.getByRole("link", { name: failure.signature }).getAttribute("href")).toBe(
        "failure-1.html",
      );
      expect(await page.getByRole("row", { name: /two timers <fire>/ }).textContent()).toContain(
        "3, under its floor30.00%",
      );
      expect(await page.getByRole("img").getAttribute("aria-label")).toBe(
        "Runs a second over 3.0 s: at most 5, at the end 5",
      );
      await page.evaluate(
        readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"),
      );
      const { violations } = (await page.evaluate("axe.run()")) as AxeResults;
      expect(
        violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id }) => id),
      ).toEqual([]);
      expect(complaints).toEqual([]);
      await page.close();
    },
  );
});
