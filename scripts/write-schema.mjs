// Writes schema/program.schema.json from src/sim/program-schema.ts (through dist/), for editors. A test holds the two together.
import { mkdirSync, writeFileSync } from "node:fs";
import stringify from "json-stringify-pretty-compact";
import { programSchema } from "../dist/sim/program-schema.js";

const folder = new URL("../schema/", import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL("program.schema.json", folder), `${stringify(programSchema, { maxLength: 110 })}\n`);
