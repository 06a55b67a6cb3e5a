/**
 * Puts Ajv's standalone code in the place of dist/sim/program-validator.js: the same function, without Ajv. Runs after the compiler, as a part of
 * `npm run build`.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import standalone from "ajv/dist/standalone/index.js";
import { transformSync } from "esbuild";
import { root } from "./steps.mjs";

/** To be called once for each run of the compiler, whose output it replaces. */
export async function precompileValidator() {
  const path = join(root, "dist", "sim", "program-validator.js");
  const { programAjv, validateProgram } = await import(pathToFileURL(path).href);
  writeFileSync(path, validatorCode(programAjv, validateProgram));
}

/** A module that exports `validateProgram`, as `src/sim/program-validator.ts` does. */
export function validatorCode(programAjv, validateProgram) {
  const code = standalone.default(programAjv, { validateProgram: validateProgram.schema.$id });
  // A third smaller, and every command that reads a program compiles it.
  const small = transformSync(code, { minify: true, format: "esm" }).code;
  return `// Written by scripts/precompile-validator.mjs from src/sim/program-validator.ts. Do not edit.\n${small}`;
}
