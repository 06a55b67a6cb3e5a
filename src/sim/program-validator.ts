/**
 * The schema of a program as a function: what Ajv makes of `program-schema.ts`.
 *
 * As a source it compiles the schema when it is loaded. `npm run build` puts what Ajv compiled in this file's place, as standalone code of
 * the same function (`scripts/precompile-validator.mjs`): what is in dist loads no Ajv, and a command does not wait for it at each start. The
 * schema is ours: that it is one is for a test to say (program-schema.test), not for each start.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import type { Program } from "./program.js";
import { programSchema } from "./program-schema.js";

/** What Ajv says of a value that is no program: with the value and the part of the schema that it does not fit. */
export type SchemaError = ErrorObject;

/** Only for the build, which asks it for the code of its function. */
export const programAjv = new Ajv({
  discriminator: true,
  allowUnionTypes: true,
  verbose: true,
  meta: false,
  validateSchema: false,
  code: { source: true, esm: true, optimize: false },
});

/** Whether a value has the shape of a program; where it has not, `validateProgram.errors` holds the first error. */
export const validateProgram: ValidateFunction<Program> = programAjv.compile<Program>(programSchema);
