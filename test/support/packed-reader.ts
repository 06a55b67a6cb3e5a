/**
 * One who reads a page with nothing but the packed package: an empty folder, a Node, npm, and no settings. `npm run check-package` loads this
 * and `check-page.ts` and types the pages with it, on each Node that it is given.
 *
 * What is typed is what stands in the page, but for the place that the package comes from: `npm install fiber-lockstep` takes the tarball.
 */
import { delimiter, dirname } from "node:path";
import type { Reader } from "./check-page.js";
import { readerEnvironment } from "./command.js";

export interface Packed {
  /** Path of a Node. It stands first on the PATH, so that npm, npx and what they install run on it. */
  readonly node: string;
  /** Its major version. */
  readonly nodeMajor: number;
  /** Absolute path of what `npm pack` made. */
  readonly tarball: string;
  /** The folder for native builds: a new user has none yet. */
  readonly cache: string;
}

/** The reader who installs the package from its tarball. */
export function packedReader({ node, nodeMajor, tarball, cache }: Packed): Reader {
  // What npm and the test runner tell their scripts, and settings of Lockstep's: a user's shell has none of it.
  const inherited = Object.entries(readerEnvironment()).filter(
    ([name]) => !/^(npm_(lifecycle|package|config_local)|LOCKSTEP_|VITEST|NODE_|INIT_CWD)/.test(name),
  );
  return {
    node,
    environment: {
      ...Object.fromEntries(inherited),
      PATH: `${dirname(node)}${delimiter}${process.env.PATH}`,
      LOCKSTEP_CACHE: cache,
      NO_COLOR: "1",
    },
    isPacked: true,
    // On Node 20 the pages say vitest@4 in words. What npm has to say of its own settings is no output of ours.
    prelude: `npx() { command npx --loglevel=error "$@"; }
npm() {
  local word words=()
  for word; do
    case "$word" in
      fiber-lockstep) words+=('${tarball}') ;;
      vitest) words+=('vitest@${nodeMajor < 22 ? "4" : "latest"}') ;;
      *) words+=("$word") ;;
    esac
  done
  command npm "\${words[@]}" --prefer-offline --no-audit --no-fund
}`,
  };
}
