/**
 * Debian's Chromium for tests of pages: opens a file without a network and keeps what went wrong in it.
 *
 * `chromiumPath` is undefined where there is none; the tests then say so and are skipped, since nothing of the product needs a browser.
 */
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll } from "vitest";

export const chromiumPath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) =>
  existsSync(path),
);
if (chromiumPath === undefined)
  process.stderr.write("skipped: the tests of pages in Chromium: apt-get install chromium\n");

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"];
let browser: Promise<Browser> | undefined;

afterAll(async () => {
  await (await browser)?.close();
});

export interface OpenPage {
  readonly page: Page;
  /** Console errors and warnings, uncaught errors, and requests for anything but the file itself. */
  readonly complaints: readonly string[];
}

/** Opens a file in a window of 1300 by 850. */
export async function openPage(path: string, colorScheme: "light" | "dark" = "light"): Promise<OpenPage> {
  browser ??= chromium.launch({ executablePath: chromiumPath!, args: FLAGS });
  const page = await (await browser).newPage({ viewport: { width: 1300, height: 850 }, colorScheme });
  const complaints: string[] = [];
  const url = pathToFileURL(path).href;
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (request.url() !== url) complaints.push(`requests ${request.url()}`);
  });
  await page.goto(url);
  return { page, complaints };
}
