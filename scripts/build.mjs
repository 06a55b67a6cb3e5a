/**
 * `npm run build`: dist/ from src/. The compiler first; then the check of programs, compiled by Ajv, and the time line's page.
 *
 * Imports what node_modules holds, so `setup.mjs`, which installs that, imports this only afterwards.
 */
import { fileURLToPath } from "node:url";
import { buildPage } from "./build-page.mjs";
import { precompileValidator } from "./precompile-validator.mjs";
import { run } from "./steps.mjs";

/** Throws an Error when something does not compile; what is wrong has then been printed. */
export async function build() {
  if (!run(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"]))
    throw new Error("dist/ could not be built: the errors stand above");
  await precompileValidator();
  await buildPage();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await build();
  } catch (error) {
    process.stderr.write(`build: ${error.message}\n`);
    process.exitCode = 1;
  }
}
