/**
 * Peers from npm: installed into Lockstep's cache folder when they are first wanted, with exactly these versions, never into package.json.
 * One that cannot be had is said to be missing, with the reason.
 */
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { makeFolder } from "./dist.mjs";
import { peersFolder } from "./peer-programs.mjs";

export const NPM_PEERS = { effect: "4.1.0", "@sinonjs/fake-timers": "15.5.0" };

const folderOf = (name) => join(peersFolder, `${name.replace("/", "-")}-${NPM_PEERS[name]}`);

/** Installs `name` unless it is there, or adds a line to `notes`. Returns whether it is there. */
export function installNpmPeer(name, { isOffline, notes }) {
  const folder = folderOf(name);
  try {
    if (existsSync(join(folder, "node_modules", name, "package.json"))) return true;
    if (isOffline) throw new Error("not in the cache folder, and --offline was given");
    makeFolder(folder);
    writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
    const options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
    execFileSync("npm", ["install", "--prefix", folder, ...options, `${name}@${NPM_PEERS[name]}`], {
      stdio: "pipe",
    });
    return true;
  } catch (error) {
    notes.push(`MISSING: ${name}: ${error.message.split("\n", 1)[0]}`);
    return false;
  }
}

/** A CommonJS package, or the path of a file in a package of modules, to import. Installed it must be. */
export const requireNpmPeer = (name) => createRequire(join(folderOf(name), "package.json"))(name);
export const npmPeerPath = (name, ...path) => join(folderOf(name), "node_modules", name, ...path);
