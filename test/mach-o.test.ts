/**
 * The reading of Mach-O files, and the audit of a library of macOS by its names, each with an underscore before it (X1).
 *
 * The files here are written by hand after mach-o/loader.h; scripts/macos-check.mjs audits what a compiler makes.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { auditLibrary } from "../src/native-bridge/audit-library.js";
import { isMachO, MachOFile } from "../src/native-bridge/mach-o.js";

const ARM64 = 0x0100000c;
const X86_64 = 0x01000007;
const CODE_ADDRESS = 0x4000;

/** A symbol of the file: defined at `at` in the one section, in words, or undefined. */
interface Entry {
  readonly name: string;
  readonly at?: number;
  readonly type?: number;
  readonly description?: number;
}

const DEFINED = 0x0e;
const EXTERNAL = 0x01;
const PRIVATE = 0x10;
const STAB = 0x24;

/** A library with one section of code and a symbol table. */
function machO(code: readonly number[], entries: readonly Entry[], cpu = ARM64): Buffer {
  const commandBytes = 72 + 80 + 24;
  const codeOffset = 32 + commandBytes;
  const symbolsOffset = codeOffset + code.length * 4;
  const namesOffset = symbolsOffset + entries.length * 16;
  const names = `\0${entries.map(({ name }) => `${name}\0`).join("")}`;
  const file = Buffer.alloc(namesOffset + names.length);
  const words = (at: number, ...values: number[]) =>
    values.forEach((value, i) => {
      file.writeUInt32LE(value, at + i * 4);
    });
  // Magic, cpu and its subtype, a dynamic library, two commands.
  words(0, 0xfeedfacf, cpu, 0, 6, 2, commandBytes);
  words(32, 0x19, 72 + 80);
  words(32 + 64, 1);
  const section = 32 + 72;
  file.writeBigUInt64LE(BigInt(CODE_ADDRESS), section + 32);
  file.writeBigUInt64LE(BigInt(code.length * 4), section + 40);
  words(section + 48, codeOffset);
  words(section + 80, 2, 24, symbolsOffset, entries.length, namesOffset, names.length);
  words(codeOffset, ...code);
  let nameAt = 1;
  for (const [i, { name, at, type, description = 0 }] of entries.entries()) {
    const symbol = symbolsOffset + i * 16;
    words(symbol, nameAt);
    file.writeUInt8(type ?? (at === undefined ? EXTERNAL : DEFINED | EXTERNAL), symbol + 4);
    file.writeUInt8(at === undefined ? 0 : 1, symbol + 5);
    file.writeUInt16LE(description, symbol + 6);
    file.writeBigUInt64LE(at === undefined ? 0n : BigInt(CODE_ADDRESS + at * 4), symbol + 8);
    nameAt += name.length + 1;
  }
  file.write(names, namesOffset, "latin1");
  return file;
}

const folder = mkdtempSync(join(tmpdir(), "lockstep-mach-o-"));
afterAll(() => rmSync(folder, { recursive: true }));

function audited(...file: Parameters<typeof machO>) {
  const path = join(folder, "libsched.dylib");
  writeFileSync(path, machO(...file));
  return auditLibrary(path);
}

// stp x19, x20, [sp]; mov x9, sp; str x9, [x0]; mov sp, x1; ldp x19, x20, [sp]; ret
const SWITCH = [0xa90053f3, 0x910003e9, 0xf9000009, 0x9100003f, 0xa94053f3, 0xd65f03c0];
const OURS: readonly Entry[] = [
  { name: "_sched_switch", at: 0, type: DEFINED | PRIVATE | EXTERNAL },
  { name: "_sched_trampoline", at: 6, type: DEFINED | PRIVATE | EXTERNAL },
  { name: "_sched_dispatch", at: 7, type: DEFINED },
  { name: "_lockstep_runtime_v1", at: 8 },
];
const CODE = [...SWITCH, 0, 0, 0];

describe("a Mach-O file", () => {
  test("gives its symbols as they are called there, and no debugging entries", () => {
    const file = machO(CODE, [...OURS, { name: "_kevent" }, { name: "sched.c", type: STAB }]);
    expect(isMachO(file)).toBe(true);
    const symbols = new MachOFile(file).symbols();
    expect(symbols.map(({ name }) => name)).toEqual([...OURS.map(({ name }) => name), "_kevent"]);
    expect(symbols.filter(({ isDefined }) => !isDefined).map(({ name }) => name)).toEqual(["_kevent"]);
    expect(symbols.filter(({ isExported }) => isExported).map(({ name }) => name)).toEqual([
      "_lockstep_runtime_v1",
    ]);
  });

  test("gives the bytes of a function up to the next symbol, and of the last up to the section's end", () => {
    const file = new MachOFile(machO(CODE, OURS));
    const [first, , , last] = file.symbols();
    expect(file.bytesOf(first!).length).toBe(SWITCH.length * 4);
    expect(file.bytesOf(first!).readUInt32LE(0)).toBe(SWITCH[0]);
    expect(file.bytesOf(last!).length).toBe(4);
  });

  test("that is cut off is an error, and an ELF file is none", () => {
    expect(() => new MachOFile(machO(CODE, OURS).subarray(0, 200))).toThrow(RangeError);
    expect(isMachO(Buffer.from("\x7fELF".padEnd(64, "\0"), "latin1"))).toBe(false);
  });
});

describe("the audit of a library of macOS", () => {
  test("reads the registers that its switch loses off the instructions (X1, C1)", async () => {
    const { missing, lost } = await audited(CODE, OURS);
    expect(missing).toEqual([]);
    expect(lost).toContain("d8 is not saved");
    expect(lost.some((line) => line.startsWith("x19 "))).toBe(false);
  });

  test("misses a function whose name lacks the underscore, as an assembler writes it unasked (X1)", async () => {
    const entries = OURS.map((entry) =>
      entry.name === "_sched_trampoline" ? { ...entry, name: "sched_trampoline" } : entry,
    );
    const { missing } = await audited(CODE, [...entries, { name: "_sched_gone" }]);
    expect(missing).toEqual(["_sched_gone is not defined", "_sched_trampoline is not defined"]);
  });

  test("lets a weak reference be, and what is not the scheduler's", async () => {
    const { missing } = await audited(CODE, [
      ...OURS,
      { name: "_kevent" },
      { name: "_sched_maybe", description: 0x40 },
    ]);
    expect(missing).toEqual([]);
  });

  test("refuses a library for another processor", async () => {
    await expect(audited(CODE, OURS, X86_64)).rejects.toMatchObject({
      reason: "invalid",
      message: expect.stringContaining("is a library of macOS, and not for aarch64"),
    });
  });
});
