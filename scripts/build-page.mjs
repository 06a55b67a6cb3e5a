/**
 * Bundles the time line's page, src/view/page, into dist/view: one script and one style sheet, which `lockstep view` puts into its HTML.
 * Runs after the compiler, as a part of `npm run build`.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "./steps.mjs";

/** Throws when the page does not compile; esbuild has then said why. */
export async function buildPage() {
  const out = join(root, "dist", "view");
  mkdirSync(out, { recursive: true });
  await build({
    entryPoints: [join(root, "src", "view", "page", "main.ts")],
    outfile: join(out, "page.js"),
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "ascii",
    legalComments: "none",
    logLevel: "warning",
  });
  for (const style of ["campaign.css", "page.css"])
    writeFileSync(join(out, style), readFileSync(join(root, "src", "view", "page", style)));
}
