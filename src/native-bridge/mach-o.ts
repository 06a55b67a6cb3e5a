/**
 * Reads what an audit needs of a 64-bit little-endian Mach-O file, a library or an object of macOS: its symbols and the bytes of its
 * functions.
 *
 * Invariant: as for `elf.ts`, nothing is run and no tool is called; a file that is cut off or inconsistent is an error. Names are as they
 * stand in the file, with the underscore that macOS's C compiler puts before each. A symbol has no size there: a function ends
 * where the next symbol of its section begins. Source: mach-o/loader.h, mach-o/nlist.h.
 */

export interface MachOSymbol {
  readonly name: string;
  readonly address: number;
  readonly isDefined: boolean;
  /** Seen from other files: external, and not private to this one. */
  readonly isExported: boolean;
  /** A weak reference may stay undefined. */
  readonly isWeak: boolean;
  /** Number of its section, from 1; 0 where it is in none. */
  readonly section: number;
}

interface Section {
  readonly address: number;
  readonly size: number;
  readonly offset: number;
}

const MAGIC_64 = 0xfeedfacf;
const CPU_ARM64 = 0x0100000c;
const HEADER_BYTES = 32;
const COMMAND_SYMTAB = 2;
const COMMAND_SEGMENT_64 = 0x19;
const SEGMENT_BYTES = 72;
const SECTION_BYTES = 80;
const SYMBOL_BYTES = 16;
/** Of n_type: debugging entries, private external, the kind, external. */
const TYPE_STAB = 0xe0;
const TYPE_PRIVATE = 0x10;
const TYPE_KIND = 0x0e;
const TYPE_EXTERNAL = 0x01;
const KIND_UNDEFINED = 0;
const DESCRIPTION_WEAK_REFERENCE = 0x40;

/** Whether the file is one that `MachOFile` reads. */
export function isMachO(file: Buffer): boolean {
  return file.length >= HEADER_BYTES && file.readUInt32LE(0) === MAGIC_64;
}

export class MachOFile {
  readonly #file: Buffer;
  readonly #sections: readonly Section[];
  readonly #symbols: readonly MachOSymbol[];

  /** @throws RangeError when the file ends before its tables do. */
  constructor(file: Buffer) {
    this.#file = file;
    const sections: Section[] = [];
    let symbols: readonly MachOSymbol[] = [];
    let at = HEADER_BYTES;
    for (let command = file.readUInt32LE(16); command > 0; command--) {
      const kind = file.readUInt32LE(at);
      if (kind === COMMAND_SEGMENT_64) sections.push(...this.#sectionsOf(at));
      if (kind === COMMAND_SYMTAB) symbols = this.#symbolsOf(at);
      at += file.readUInt32LE(at + 4);
    }
    this.#sections = sections;
    this.#symbols = symbols;
  }

  /** Whether it is for aarch64. */
  get isArm64(): boolean {
    return this.#file.readUInt32LE(4) === CPU_ARM64;
  }

  /** All symbols, private ones and undefined ones included, debugging entries left out. */
  symbols(): readonly MachOSymbol[] {
    return this.#symbols;
  }

  /** The bytes of a defined symbol, up to the next one of its section. */
  bytesOf({ name, address, section }: MachOSymbol): Buffer {
    const place = this.#sections[section - 1];
    if (place === undefined) throw new RangeError(`${name} lies in no section of the file`);
    const next = this.#symbols
      .filter((symbol) => symbol.section === section && symbol.address > address)
      .reduce((end, symbol) => Math.min(end, symbol.address), place.address + place.size);
    const start = place.offset + (address - place.address);
    return this.#file.subarray(start, start + (next - address));
  }

  #sectionsOf(segment: number): Section[] {
    return Array.from({ length: this.#file.readUInt32LE(segment + 64) }, (_, i) => {
      const at = segment + SEGMENT_BYTES + i * SECTION_BYTES;
      return {
        address: Number(this.#file.readBigUInt64LE(at + 32)),
        size: Number(this.#file.readBigUInt64LE(at + 40)),
        offset: this.#file.readUInt32LE(at + 48),
      };
    });
  }

  #symbolsOf(symtab: number): MachOSymbol[] {
    const file = this.#file;
    const [offset, count, names] = [8, 12, 16].map((field) => file.readUInt32LE(symtab + field));
    return Array.from({ length: count! }, (_, i) => offset! + i * SYMBOL_BYTES).flatMap((at) => {
      const type = file.readUInt8(at + 4);
      if ((type & TYPE_STAB) !== 0) return [];
      const nameStart = names! + file.readUInt32LE(at);
      const isDefined = (type & TYPE_KIND) !== KIND_UNDEFINED;
      return {
        name: file.toString("latin1", nameStart, file.indexOf(0, nameStart)),
        address: Number(file.readBigUInt64LE(at + 8)),
        isDefined,
        isExported: isDefined && (type & TYPE_EXTERNAL) !== 0 && (type & TYPE_PRIVATE) === 0,
        isWeak: (file.readUInt16LE(at + 6) & DESCRIPTION_WEAK_REFERENCE) !== 0,
        section: file.readUInt8(at + 5),
      };
    });
  }
}
