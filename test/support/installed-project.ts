/**
 * A project that has this package installed: a folder with `node_modules/fiber-lockstep`, which holds what the package's `files` name, and
 * links to the dependencies. Tests of a project's own view run there, on what the build made.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { packagePath } from "../../src/native-bridge/package-path.js";
import { type Ended, readerEnvironment } from "./command.js";

/** Makes `folder` such a project, with these files. */
export function installProject(folder: string, files: Readonly<Record<string, string>>): void {
  const modules = join(folder, "node_modules");
  const installed = join(modules, "fiber-lockstep");
  mkdirSync(installed, { recursive: true });
  for (const entry of readdirSync(packagePath("node_modules"))) {
    if (!entry.startsWith(".")) symlinkSync(packagePath("node_modules", entry), join(modules, entry));
  }
  const manifest = JSON.parse(readFileSync(packagePath("package.json"), "utf8")) as { files: string[] };
  const plain = manifest.files.filter((pattern) => !/[*!]/.test(pattern));
  for (const part of ["package.json", ...plain]) {
    mkdirSync(dirname(join(installed, part)), { recursive: true });
    cpSync(packagePath(part), join(installed, part), { recursive: true });
  }
  writeFileSync(join(folder, "package.json"), '{ "type": "module", "private": true }\n');
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** `vitest run ...args` in the project, as a user does; what it prints, without colours. */
export function vitestIn(folder: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Ended {
  const inherited = Object.fromEntries(
    Object.entries(readerEnvironment()).filter(([name]) => !/^VITEST|^TEST$/.test(name)),
  );
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [packagePath("node_modules", "vitest", "vitest.mjs"), "run", ...args],
    {
      cwd: folder,
      encoding: "utf8",
      env: { ...inherited, NO_COLOR: "1", CI: "", ...env },
    },
  );
  return { status, stdout, stderr };
}
