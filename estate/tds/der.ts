/** Distinguished Encoding Rules (ITU-T X.690), as much as a certificate needs. */

const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

function encode(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), lengthOctets(content.length), content]);
}

/** Short form below 128, otherwise the number of length bytes and then those, big-endian. */
function lengthOctets(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const digits = length.toString(16);
  const bytes = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

export const sequence = (...parts: readonly Buffer[]): Buffer => encode(Tag.sequence, Buffer.concat(parts));

export const set = (...parts: readonly Buffer[]): Buffer => encode(Tag.set, Buffer.concat(parts));

export const boolean = (value: boolean): Buffer => encode(Tag.boolean, Buffer.from([value ? 0xff : 0]));

/** @param magnitude big-endian bytes of a number that is not negative */
export function integer(magnitude: Buffer): Buffer {
  const [first = 0] = magnitude;
  return encode(Tag.integer, first < 0x80 ? magnitude : Buffer.concat([Buffer.from([0]), magnitude]));
}

export const octetString = (content: Buffer): Buffer => encode(Tag.octetString, content);

/** @param unusedBits of the last byte */
export const bitString = (content: Buffer, unusedBits = 0): Buffer =>
  encode(Tag.bitString, Buffer.concat([Buffer.from([unusedBits]), content]));

export const utf8String = (text: string): Buffer => encode(Tag.utf8String, Buffer.from(text, 'utf8'));

/** To the second, in UTC: 20261121101112Z. */
export function generalizedTime(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]/g, '').slice(0, 14);
  return encode(Tag.generalizedTime, Buffer.from(`${digits}Z`, 'ascii'));
}

/** @param text dotted, for example 2.5.29.17 */
export function objectIdentifier(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  return encode(Tag.objectIdentifier, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(arc: number): number[] {
  const bytes = [arc & 0x7f];
  for (let more = Math.floor(arc / 128); more > 0; more = Math.floor(more / 128))
    bytes.unshift((more & 0x7f) | 0x80);
  return bytes;
}

/** Context-specific tag around whole elements. */
export const explicit = (tag: number, content: Buffer): Buffer => encode(0xa0 | tag, content);

/** Context-specific tag in place of the element's own. */
export const implicit = (tag: number, content: Buffer): Buffer => encode(0x80 | tag, content);
