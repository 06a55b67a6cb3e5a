/**
 * Writes an output file whole or not at all: to a file of another name in the same folder first, renamed when it is complete.
 */
import { randomBytes } from "node:crypto";
import { accessSync, constants, statSync } from "node:fs";
import { rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileComplaint } from "../testing/text-file.js";

/** What is wrong with a path that is to be written, before anything runs; undefined when nothing is. */
export function outputFileComplaint(path: string): string | undefined {
  try {
    const folder = statSync(dirname(path), { throwIfNoEntry: false });
    if (folder?.isDirectory() !== true) return `${path}: cannot be written: there is no such folder`;
    accessSync(dirname(path), constants.W_OK);
    return undefined;
  } catch (error) {
    return `${path}: cannot be written: ${fileComplaint(error)}`;
  }
}

/** The line to complain with, or undefined when the file is there. */
export async function writeOutput(path: string, text: string): Promise<string | undefined> {
  const temporary = join(dirname(path), `.lockstep-${randomBytes(6).toString("hex")}.tmp`);
  try {
    if ((await stat(path).catch(() => undefined))?.isDirectory()) return `${path}: is a directory`;
    await writeFile(temporary, text, { flag: "wx" });
    await rename(temporary, path);
    return undefined;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such folder" : fileComplaint(error);
    return `${path}: cannot be written: ${why}`;
  }
}
