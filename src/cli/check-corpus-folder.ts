/** Whether failures can be saved to the folder that `--corpus` names: asked before anything runs, so that no finding is lost for want of one. */
import { accessSync, constants, statSync } from "node:fs";
import { makeFolder } from "../native-bridge/make-folder.js";
import { fileComplaint } from "../testing/text-file.js";

/**
 * What is wrong with a folder that entries are to be saved to, before anything runs; undefined when nothing is. `mayMake`: make the folder
 * if it is not there.
 */
export function checkCorpusFolder(folder: string, mayMake: boolean): string | undefined {
  const advice = "failures are saved there; make it, name another with --corpus, or use --no-save";
  try {
    if (mayMake) makeFolder(folder);
    if (!statSync(folder).isDirectory()) return `${folder}: is not a folder: ${advice}`;
    accessSync(folder, constants.W_OK);
    return undefined;
  } catch (error) {
    return `${folder}: ${fileComplaint(error, "folder")}: ${advice}`;
  }
}
