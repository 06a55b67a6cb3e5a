/** The schema that editors load is the one that programs are checked against, and takes what the corpus holds (SPEC section 3). */
import { readdirSync, readFileSync } from "node:fs";
import { Ajv } from "ajv";
import stringify from "json-stringify-pretty-compact";
import { beforeAll, describe, expect, test } from "vitest";
import { validatorCode } from "../scripts/precompile-validator.mjs";
import { programSchema } from "../src/sim/program-schema.js";
import { programAjv, validateProgram } from "../src/sim/program-validator.js";
import { buildCommand } from "./support/command.js";

const root = new URL("../", import.meta.url);
const text = readFileSync(new URL("schema/program.schema.json", root), "utf8");

describe("schema/program.schema.json", () => {
  test("is what `npm run schema` writes: run it after a change of program-schema.ts", () => {
    expect(text).toBe(`${stringify(programSchema, { maxLength: 110 })}\n`);
  });

  test("is a schema, and accepts every program of the corpus", () => {
    const validate = new Ajv({ discriminator: true }).compile(JSON.parse(text) as object);
    const files = readdirSync(new URL("corpus/", root)).filter((file) => file.endsWith(".json"));
    expect(files.length).toBeGreaterThanOrEqual(10);
    for (const file of files) {
      const { program } = JSON.parse(readFileSync(new URL(`corpus/${file}`, root), "utf8")) as {
        readonly program: unknown;
      };
      expect([file, validate(program), validate.errors]).toEqual([file, true, null]);
    }
  });

  test("refuses what the check refuses by its shape: an editor shows the same", () => {
    const validate = new Ajv({ discriminator: true }).compile(JSON.parse(text) as object);
    const refused = [
      {},
      { version: 2 },
      { version: 1, more: 1 },
      { version: 1, main: [{ op: "call", depth: 1, ops: [] }] },
    ];
    for (const program of refused) expect([program, validate(program)]).toEqual([program, false]);
  });
});

describe("the check of programs that the package holds", () => {
  beforeAll(buildCommand);

  test("is Ajv's code of this schema, and needs no Ajv", () => {
    const built = readFileSync(new URL("dist/sim/program-validator.js", root), "utf8");
    // Not toBe, which would print both where they differ: a hundred thousand characters on a line.
    expect(built === validatorCode(programAjv, validateProgram)).toBe(true);
    expect(built).not.toMatch(/\b(import|require)\b/);
  });
});
