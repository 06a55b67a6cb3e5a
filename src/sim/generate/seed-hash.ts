/** A seed of any text as the number that fast-check takes. */

/** FNV-1a over UTF-16 units, as a signed 32-bit integer. */
export function seedHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash | 0;
}
