/** FNV-1a, 32 bits, as a signed number (http://www.isthe.com/chongo/tech/comp/fnv/). */
export function fnv1a(key: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash | 0;
}
