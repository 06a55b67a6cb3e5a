/**
 * Writes an output file whole or not at all: to a file of another name in the same folder first, renamed when it is complete.
 *
 * Whether that will work is asked before anything runs, by doing it: a file of another name is made in the folder and removed again. What
 * stands at the path is not touched until the new file is complete.
 */
import { randomBytes } from "node:crypto";
import { accessSync, closeSync, constants, openSync, rmdirSync, rmSync, statSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { makeFolder } from "../native-bridge/make-folder.js";
import { fileComplaint } from "../testing/text-file.js";

/** What is wrong with a path that is to be written, before anything runs; undefined when nothing is. Nothing is left behind. */
export function outputFileComplaint(path: string): string | undefined {
  try {
    const taken = takenComplaint(path);
    if (taken !== undefined) return `${path}: ${taken}`;
    tryFile(dirname(path));
    return undefined;
  } catch (error) {
    return unwritableComplaint(path, error);
  }
}

/** The same of a file that is appended to, and exchanged for a new one now and then. */
export function logFileComplaint(path: string): string | undefined {
  const complaint = outputFileComplaint(path);
  if (complaint !== undefined || statSync(path, { throwIfNoEntry: false }) === undefined) return complaint;
  try {
    accessSync(path, constants.W_OK);
    return undefined;
  } catch (error) {
    return unwritableComplaint(path, error);
  }
}

/** The same of a folder, which is made if it is not there, and of a file in it. What was made to try is removed again. */
export function outputFolderComplaint(folder: string, file: string): string | undefined {
  let made: readonly string[] = [];
  try {
    made = makeFolder(folder);
    return outputFileComplaint(join(folder, file));
  } catch (error) {
    return `${folder}: ${fileComplaint(error, "folder")}`;
  } finally {
    removeEmpty(made);
  }
}

/** The first path that is to be written twice. */
export function sameOutputComplaint(paths: readonly (string | undefined)[]): string | undefined {
  const seen = new Set<string>();
  for (const path of paths) {
    if (path === undefined) continue;
    if (seen.has(resolve(path))) return `${path}: is to be written twice: name another file for one of them`;
    seen.add(resolve(path));
  }
  return undefined;
}

/** The line to complain with, or undefined when the file is there. */
export async function writeOutput(path: string, text: string): Promise<string | undefined> {
  const temporary = unfinishedIn(dirname(path));
  try {
    const taken = takenComplaint(path);
    if (taken !== undefined) return `${path}: ${taken}`;
    await writeFile(temporary, text, { flag: "wx" });
    await rename(temporary, path);
    return undefined;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    return unwritableComplaint(path, error);
  }
}

/** What keeps a file from being put there under a name: something else that has it. Throws what the file system throws. */
function takenComplaint(path: string): string | undefined {
  if (path === "") return "an empty name: name a file";
  const there = statSync(path, { throwIfNoEntry: false });
  if (there?.isDirectory() === true || path.endsWith("/")) return "is a directory: name a file in it";
  // A rename would put a file in the place of the device, or of the link to a stream.
  if (there?.isFile() === false || /^\/(dev|proc)\/(?!shm\/)/.test(resolve(path)))
    return "is a device or a pipe: name a file";
  return undefined;
}

function tryFile(folder: string): void {
  const file = unfinishedIn(folder);
  closeSync(openSync(file, "wx"));
  rmSync(file, { force: true });
}

function unfinishedIn(folder: string): string {
  return join(folder, `.lockstep-${randomBytes(6).toString("hex")}.tmp`);
}

/** Folders from the outermost on; one that somebody else has begun to use stays. */
function removeEmpty(folders: readonly string[]): void {
  try {
    for (const folder of [...folders].reverse()) rmdirSync(folder);
  } catch {}
}

function unwritableComplaint(path: string, error: unknown): string {
  return `${path}: cannot be written: ${fileComplaint(error, "folder")}`;
}
