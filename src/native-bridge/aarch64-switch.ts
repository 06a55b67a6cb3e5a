/**
 * Which registers an aarch64 context switch saves and restores, read off its instructions (X1, C1).
 *
 * Only what such a switch is made of is decoded: stores and loads of 64-bit registers, alone or in pairs, and moves from and to sp. An
 * instruction of any other kind is passed over, so a register that is saved in an unusual way counts as not saved.
 * Source: Arm Architecture Reference Manual, C4.1 (A64 encodings of loads and stores).
 */

/** The callee-saved registers of AAPCS64, sections 6.1.1 and 6.1.2, sp last. */
export const AARCH64_CALLEE_SAVED: readonly string[] = [
  ...range(19, 30).map((n) => `x${n}`),
  ...range(8, 15).map((n) => `d${n}`),
  "sp",
];

export interface SwitchRegisters {
  /** Stored before sp changes, and where: base register and offset. */
  readonly saved: ReadonlyMap<string, string>;
  /** Loaded after it has changed, and from where. */
  readonly restored: ReadonlyMap<string, string>;
}

/** What is wrong with the switch, one line each; empty when every callee-saved register comes back from where it went. */
export function switchFaults({ saved, restored }: SwitchRegisters): string[] {
  const taken = new Map<string, string>();
  return AARCH64_CALLEE_SAVED.flatMap((register) => {
    const place = saved.get(register);
    if (place === undefined) return [`${register} is not saved`];
    const other = taken.get(place);
    taken.set(place, register);
    if (other !== undefined) return [`${register} is saved over ${other}`];
    if (register === "sp") return restored.has("sp") ? [] : ["sp is not restored"];
    const back = restored.get(register);
    if (back === undefined) return [`${register} is not restored`];
    return back === place ? [] : [`${register} is restored from ${back}, but saved at ${place}`];
  });
}

/** Reads a function that stores the old context, changes sp, and loads the new one. */
export function readSwitch(code: Buffer): SwitchRegisters {
  const saved = new Map<string, string>();
  const restored = new Map<string, string>();
  // The register that holds a copy of sp, which cannot be stored itself.
  let copyOfSp: number | undefined;
  let hasSwitched = false;
  for (let at = 0; at + 4 <= code.length; at += 4) {
    const word = code.readUInt32LE(at);
    if (movesFromSp(word)) copyOfSp = word & 31;
    if (movesToSp(word)) {
      hasSwitched = true;
      restored.set("sp", `x${(word >>> 5) & 31}`);
    }
    for (const { register, number, place, isLoad } of accesses(word)) {
      if (isLoad && hasSwitched) restored.set(register, place);
      else if (!isLoad && !hasSwitched)
        saved.set(number === copyOfSp && register.startsWith("x") ? "sp" : register, place);
    }
  }
  return { saved, restored };
}

interface Access {
  readonly register: string;
  readonly number: number;
  readonly place: string;
  readonly isLoad: boolean;
}

/** Loads and stores of 64-bit registers: pairs with an offset, and single ones with an unsigned offset. */
function accesses(word: number): Access[] {
  const base = (word >>> 5) & 31;
  const baseName = base === 31 ? "sp" : `x${base}`;
  const isLoad = ((word >>> 22) & 1) === 1;
  const access = (kind: string, number: number, offset: number): Access => ({
    register: `${kind}${number}`,
    number,
    place: `${baseName}+${offset}`,
    isLoad,
  });
  const pair = word & 0xffc00000 & ~(1 << 22);
  const kindOfPair = pair === (0xa9000000 | 0) ? "x" : pair === 0x6d000000 ? "d" : undefined;
  if (kindOfPair !== undefined) {
    const offset = ((((word >>> 15) & 127) << 25) >> 25) * 8;
    return [access(kindOfPair, word & 31, offset), access(kindOfPair, (word >>> 10) & 31, offset + 8)];
  }
  const single = word & 0xffc00000 & ~(1 << 22);
  const kindOfSingle = single === (0xf9000000 | 0) ? "x" : single === (0xfd000000 | 0) ? "d" : undefined;
  if (kindOfSingle === undefined) return [];
  return [access(kindOfSingle, word & 31, ((word >>> 10) & 4095) * 8)];
}

/** `mov xN, sp`, which is `add xN, sp, #0`. */
function movesFromSp(word: number): boolean {
  return (word & 0xffffffe0) === (0x910003e0 | 0) && (word & 31) !== 31;
}

/** `mov sp, xN`, which is `add sp, xN, #0`. */
function movesToSp(word: number): boolean {
  return (word & 0xfffffc1f) === (0x9100001f | 0) && ((word >>> 5) & 31) !== 31;
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
