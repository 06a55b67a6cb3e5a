/**
 * Looks at a shared library that the user names as a target: is it one, and for which architecture (SPEC section 6).
 *
 * Invariant: only the ELF header is read; nothing of the library runs here. What only loading can tell (its symbols, its ABI) is
 * told by the host that loads it.
 */
import { open, stat } from "node:fs/promises";
import { TargetError } from "../sim/target.js";
import { type Architecture, ELF_MACHINE } from "./architecture.js";
import { isSystemError } from "./system-error.js";

const ELF_HEADER_BYTES = 64;
const ELF_CLASS_64 = 2;
const ELF_DATA_LITTLE_ENDIAN = 1;
const ELF_TYPE_SHARED = 3;

/**
 * The architecture of the shared library at `path`.
 *
 * @throws TargetError `invalid`; the message names the path and says what is wrong with it.
 */
export async function inspectLibrary(path: string): Promise<Architecture> {
  const header = await readHeader(path);
  if (header.length < ELF_HEADER_BYTES || header.toString("latin1", 0, 4) !== "\x7fELF") {
    throw invalid(path, "is not a shared library (no ELF header)");
  }
  if (header[4] !== ELF_CLASS_64 || header[5] !== ELF_DATA_LITTLE_ENDIAN) {
    throw invalid(path, "is not a 64-bit little-endian library");
  }
  const type = header.readUInt16LE(16);
  if (type !== ELF_TYPE_SHARED) throw invalid(path, `is not a shared library (ELF type ${type})`);
  const machine = header.readUInt16LE(18);
  for (const architecture of ["x86_64", "aarch64"] as const) {
    if (ELF_MACHINE[architecture] === machine) return architecture;
  }
  throw invalid(path, `is for another machine (ELF machine ${machine}; x86_64 is 62, aarch64 183)`);
}

async function readHeader(path: string): Promise<Buffer> {
  try {
    // Asked before opening, which would wait for a writer if the path is a named pipe.
    const status = await stat(path);
    if (status.isDirectory()) throw invalid(path, "is a directory, not a shared library");
    if (!status.isFile()) throw invalid(path, "is not a regular file");
    const file = await open(path, "r");
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(ELF_HEADER_BYTES), 0, ELF_HEADER_BYTES, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof TargetError) throw error;
    if (!isSystemError(error)) throw error;
    const { code } = error;
    if (code === "ENOENT" || code === "ENOTDIR") throw invalid(path, "does not exist");
    if (code === "EACCES" || code === "EPERM") throw invalid(path, "cannot be read: permission denied");
    throw invalid(path, `cannot be read (${code})`);
  }
}

function invalid(path: string, what: string): TargetError {
  return new TargetError("invalid", `${path} ${what}`);
}
