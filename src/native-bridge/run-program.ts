/**
 * Runs a program to its end, and tells a program that failed from a fault of ours.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** What it printed. Rejects when it cannot be started or ends with anything but 0: `failureOf` has what to say then. */
export const runProgram = promisify(execFile);

/**
 * What a program said on standard error that could not be started or failed, and the error's own message. Throws an error that is none of
 * `runProgram`.
 */
export function failureOf(error: unknown): { readonly stderr: string; readonly message: string } {
  if (!(error instanceof Error) || !("stderr" in error)) throw error;
  const stderr = String(error.stderr);
  return { stderr: stderr === "" ? String(error) : stderr, message: error.message };
}
