/** A program as the text of a file: JSON with one op a line, as `replay` and `diff` take it. */
import stringify from "json-stringify-pretty-compact";
import type { Program } from "../sim/program.js";

/** A program as JSON, one op a line where it fits 100 columns. */
export function formatProgram(program: Program): string {
  return stringify(program, { maxLength: 100, indent: 2 });
}
