/** The GSM 7-bit alphabet (3GPP TS 23.038) and the parts that an SMS takes (3GPP TS 23.040). */

const BASIC = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
const EXTENSION = new Set("\f^{}\\[~]|€");

/** Septets of a character; null for one that the alphabet lacks. */
const width = (character) => (BASIC.has(character) ? 1 : EXTENSION.has(character) ? 2 : null);

/** The length of a text in septets; a character that the alphabet lacks counts one. */
export function septets(text) {
  return [...text].reduce((sum, character) => sum + (width(character) ?? 1), 0);
}

/** How an SMS of this text travels: its encoding, length in that encoding's units, room left of `limit`, parts. */
export function sms(text) {
  const characters = [...text];
  const widths = characters.map(width);
  const plain = !widths.includes(null);
  const sizes = plain ? widths : characters.map((character) => character.length);
  const units = sizes.reduce((sum, size) => sum + size, 0);
  const [alone, apiece] = plain ? [160, 153] : [70, 67];
  return { encoding: plain ? "GSM-7" : "UCS-2", units, limit: alone, parts: units <= alone ? 1 : parts(sizes, apiece) };
}

function parts(sizes, apiece) {
  let count = 1;
  let room = apiece;
  for (const size of sizes) {
    if (size > room) {
      count += 1;
      room = apiece;
    }
    room -= size;
  }
  return count;
}
