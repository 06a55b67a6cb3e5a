/**
 * Reads what an audit needs of a 64-bit little-endian ELF file: its symbols and the bytes of its functions.
 *
 * Invariant: nothing is run and no tool is called; a file that is cut off or inconsistent is an error, never a wrong answer.
 * Source: System V ABI, chapters 4 (object files) and 5 (symbols).
 */

export interface ElfSymbol {
  readonly name: string;
  /** Where it lies once loaded; 0 where it is not defined. */
  readonly address: number;
  readonly bytes: number;
  readonly isDefined: boolean;
  /** A weak one may stay undefined. */
  readonly isWeak: boolean;
}

interface Section {
  readonly type: number;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

const SECTION_SYMTAB = 2;
const SECTION_DYNSYM = 11;
const SECTION_NOBITS = 8;
const SYMBOL_BYTES = 24;
const BIND_WEAK = 2;

export class ElfFile {
  readonly #file: Buffer;
  readonly #sections: readonly Section[];

  /** @throws RangeError when the file ends before its tables do. */
  constructor(file: Buffer) {
    this.#file = file;
    const offset = Number(file.readBigUInt64LE(0x28));
    const entryBytes = file.readUInt16LE(0x3a);
    const count = file.readUInt16LE(0x3c);
    this.#sections = Array.from({ length: count }, (_, i) => {
      const at = offset + i * entryBytes;
      return {
        type: file.readUInt32LE(at + 4),
        address: Number(file.readBigUInt64LE(at + 16)),
        offset: Number(file.readBigUInt64LE(at + 24)),
        size: Number(file.readBigUInt64LE(at + 32)),
        link: file.readUInt32LE(at + 40),
      };
    });
  }

  /** What the dynamic linker sees: exports, and what must come from elsewhere. */
  dynamicSymbols(): ElfSymbol[] {
    return this.#symbols(SECTION_DYNSYM);
  }

  /** All symbols, hidden ones included; empty for a stripped file. */
  symbols(): ElfSymbol[] {
    return this.#symbols(SECTION_SYMTAB);
  }

  /** The bytes of a defined symbol. */
  bytesOf({ name, address, bytes }: ElfSymbol): Buffer {
    const section = this.#sections.find(
      (s) =>
        s.type !== SECTION_NOBITS &&
        address >= s.address &&
        address + bytes <= s.address + s.size &&
        s.address > 0,
    );
    if (section === undefined) throw new RangeError(`${name} lies in no section of the file`);
    const start = section.offset + (address - section.address);
    return this.#file.subarray(start, start + bytes);
  }

  #symbols(type: number): ElfSymbol[] {
    const table = this.#sections.find((section) => section.type === type);
    if (table === undefined) return [];
    const names = this.#sections[table.link]!;
    // The first symbol is a null entry.
    return Array.from({ length: Math.max(0, table.size / SYMBOL_BYTES - 1) }, (_, i) => {
      const at = table.offset + (i + 1) * SYMBOL_BYTES;
      const nameStart = names.offset + this.#file.readUInt32LE(at);
      return {
        name: this.#file.toString("latin1", nameStart, this.#file.indexOf(0, nameStart)),
        isWeak: this.#file[at + 4]! >> 4 === BIND_WEAK,
        isDefined: this.#file.readUInt16LE(at + 6) !== 0,
        address: Number(this.#file.readBigUInt64LE(at + 8)),
        bytes: Number(this.#file.readBigUInt64LE(at + 16)),
      };
    });
  }
}
