/**
 * The folder that keeps what is built or installed once: native artefacts, and the arm64 Node of the emulated target.
 *
 * Invariant: the folder returned exists, can be written, and, where it stands in the shared temporary folder, belongs to this
 * user: libraries are loaded from it, so nobody else may have put them there.
 */
import { accessSync, constants, lstatSync, mkdirSync, mkdtempSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";

/**
 * `$LOCKSTEP_CACHE`, else `$XDG_CACHE_HOME/fiber-lockstep`, else `~/.cache/fiber-lockstep`; where that cannot be written, a folder
 * of this user's own under the temporary folder. Creates it.
 */
export function cacheFolder(): string {
  const wanted = wantedFolder();
  return ensureWritable(wanted) ? wanted : temporaryFolder();
}

function wantedFolder(): string {
  const { LOCKSTEP_CACHE: own, XDG_CACHE_HOME: shared } = process.env;
  if (own) return resolve(own);
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
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
