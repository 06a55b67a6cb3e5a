/**
 * Reads a file of text, and says in a few words what is wrong with one that cannot be read or written.
 *
 * Nothing here hangs: a named pipe and a device are told, not opened.
 */
import { readFile, stat } from "node:fs/promises";
import { isSystemError } from "../native-bridge/system-error.js";

/** A program of a million ops takes some 60 MiB; what is larger is no program. */
const FILE_BYTES_MAX = 512 * 1024 * 1024;

/** A file's text, or what to say about a file that has none. */
export async function readTextFile(
  path: string,
): Promise<
  { readonly ok: true; readonly value: string } | { readonly ok: false; readonly complaint: string }
> {
  try {
    const file = await stat(path);
    if (file.isDirectory()) return { ok: false, complaint: "is a directory: name a file in it" };
    // Opening a named pipe that nobody writes would hang where no signal reaches; a shell's <(...) stands under /dev or /proc.
    if (file.isFIFO() && !/^\/(dev|proc)\//.test(path))
      return { ok: false, complaint: "is a named pipe: use - and standard input" };
    if (file.isCharacterDevice())
      return { ok: false, complaint: "is a device: name a file, or - for standard input" };
    if (file.size > FILE_BYTES_MAX)
      return { ok: false, complaint: `is larger than ${FILE_BYTES_MAX >> 20} MiB` };
    const text = decoded(await readFile(path));
    return text === undefined
      ? { ok: false, complaint: "is not text in UTF-8: expected JSON" }
      : { ok: true, value: text };
  } catch (error) {
    return { ok: false, complaint: fileComplaint(error) };
  }
}

/** Undefined where the bytes are no UTF-8. */
function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return undefined;
  }
}

/**
 * What a failed file operation means, without the path. `kind`: what was looked for there. Throws what is no such failure: a fault of ours
 * keeps its stack.
 */
export function fileComplaint(error: unknown, kind: "file" | "folder" = "file"): string {
  if (!isSystemError(error)) throw error;
  const { code } = error;
  switch (code) {
    case "ENOENT":
      return kind === "file" ? "there is no such file" : "there is no such folder";
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "ENOTDIR":
      return "a part of the path is not a directory";
    case "ENOSPC":
      return "no space left on the device";
    case "EROFS":
      return "the file system is read-only";
    case "EISDIR":
      return "is a directory";
    case "EEXIST":
      return "something else stands there already";
    case "ELOOP":
      return "its symbolic links lead in a circle";
    case "ENAMETOOLONG":
      return "the name is too long";
    case "EDQUOT":
      return "the disk quota is used up";
    case "EFBIG":
      return "the file would be too large";
    case "EBUSY":
    case "ETXTBSY":
      return "it is in use";
    case "EMFILE":
    case "ENFILE":
      return "too many files are open: raise  ulimit -n";
    case "EIO":
      return "the device answers with an error";
    case "EXDEV":
      return "it lies on another file system";
    case "ENOTEMPTY":
      return "the folder is not empty";
    case "EINVAL":
    case "ENXIO":
    case "ENODEV":
    case "EOPNOTSUPP":
    case "ENOTSUP":
      return "it cannot hold a file";
    default:
      return `the system refused it (${code})`;
  }
}
