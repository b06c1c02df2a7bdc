/**
 * The collation of the estate and the code page behind it.
 * Everything is SQL_Latin1_General_CP1_CI_AS, whose char data is in Windows code page 1252.
 */

/**
 * COLLATION of MS-TDS 2.2.5.1.2: LCID 0x0409 in bits 0-19, ignore case, kana type and width in bits 20-27,
 * version 0, then sort id 52.
 */
export const COLLATION = Buffer.from([0x09, 0x04, 0xd0, 0x00, 0x34]);
export const COLLATION_LENGTH = 5;

const UTF8_FLAG = 1 << 26;
const REPLACEMENT = 0x3f; // '?', what SQL Server stores for a character that the code page lacks

const decoder = new TextDecoder('windows-1252');

const byteOfCharacter = new Map<string, number>(
  Array.from({ length: 256 }, (_, byte) => [decoder.decode(Uint8Array.of(byte)), byte]),
);

/** @param collation five bytes; UTF-8 collations (SQL Server 2019) are told by their flag */
export function decodeCharacters(bytes: Uint8Array, collation: Buffer): string {
  if ((collation.readUInt32LE() & UTF8_FLAG) !== 0) return Buffer.from(bytes).toString('utf8');
  return decoder.decode(bytes);
}

/** Text in code page 1252; characters that it lacks become '?'. */
export function encodeCharacters(text: string): Buffer {
  const bytes = Buffer.allocUnsafe(text.length);
  let length = 0;
  for (const character of text) {
    bytes[length++] = byteOfCharacter.get(character) ?? REPLACEMENT;
  }
  return bytes.subarray(0, length);
}
