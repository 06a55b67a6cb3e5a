/**
 * The folder that keeps what is built or installed once: native artefacts, and the arm64 Node of the emulated target.
 *
 * Invariant: the folder returned exists, can be written, and, where it stands in the shared temporary folder, belongs to this
 * user: libraries are loaded from it, so nobody else may have put them there.
 */
import { accessSync, constants, lstatSync, mkdtempSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { TargetError } from "../sim/target.js";
import { makeFolder } from "./make-folder.js";
import { isSystemError } from "./system-error.js";

/**
 * `$LOCKSTEP_CACHE`, else `$XDG_CACHE_HOME/fiber-lockstep`, else `~/.cache/fiber-lockstep`; where one of the latter two cannot be written,
 * a folder of this user's own under the temporary folder. Creates it.
 *
 * @throws TargetError `invalid` when `$LOCKSTEP_CACHE` cannot be written: who names a folder means that one.
 */
export function cacheFolder(): string {
  const { LOCKSTEP_CACHE: own } = process.env;
  if (own) {
    if (ensureWritable(resolve(own))) return resolve(own);
    throw new TargetError(
      "invalid",
      `LOCKSTEP_CACHE is ${own}, which cannot be made or written: name another folder, or unset it`,
    );
  }
  const wanted = wantedFolder();
  return ensureWritable(wanted) ? wanted : temporaryFolder();
}

function wantedFolder(): string {
  const { XDG_CACHE_HOME: shared } = process.env;
  return shared ? resolve(shared, "fiber-lockstep") : join(homedir(), ".cache", "fiber-lockstep");
}

/** The last resort has a random name, so it is made once a process. */
let lastResort: string | undefined;

function temporaryFolder(): string {
  const userId = process.getuid?.() ?? 0;
  const folder = join(tmpdir(), `fiber-lockstep-${userId}`);
  if (ensureWritable(folder)) {
    const status = lstatSync(folder);
    if (status.isDirectory() && status.uid === userId && (status.mode & 0o022) === 0) return folder;
  }
  lastResort ??= mkdtempSync(`${folder}-`);
  return lastResort;
}

function ensureWritable(folder: string): boolean {
  try {
    makeFolder(folder, 0o700);
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return false;
  }
}
