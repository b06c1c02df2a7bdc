/**
 * Bounds-checked reading and growing writing of the little-endian fields of MS-TDS.
 * Every length in a request comes from the client, so a reader never goes past its buffer and never allocates
 * more than the message already holds.
 */

/** The peer broke the protocol: the connection cannot go on, because nothing tells where the next field begins. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

export class ByteReader {
  private offset = 0;

  constructor(private readonly buffer: Buffer) {}

  get position(): number {
    return this.offset;
  }

  get remaining(): number {
    return this.buffer.length - this.offset;
  }

  get atEnd(): boolean {
    return this.remaining === 0;
  }

  /** @returns a view of the next `length` bytes. @throws ProtocolError when the buffer is shorter. */
  bytes(length: number): Buffer {
    if (length > this.remaining) {
      throw new ProtocolError(`${length} bytes expected at offset ${this.offset}, ${this.remaining} left`);
    }
    const start = this.offset;
    this.offset += length;
    return this.buffer.subarray(start, this.offset);
  }

  peek(): number | undefined {
    return this.buffer[this.offset];
  }

  u8(): number {
    return this.bytes(1).readUInt8();
  }

  u16(): number {
    return this.bytes(2).readUInt16LE();
  }

  u16be(): number {
    return this.bytes(2).readUInt16BE();
  }

  u32(): number {
    return this.bytes(4).readUInt32LE();
  }

  i32(): number {
    return this.bytes(4).readInt32LE();
  }

  u64(): bigint {
    return this.bytes(8).readBigUInt64LE();
  }

  ucs2(characters: number): string {
    return this.bytes(characters * 2).toString('utf16le');
  }

  /** B_VARCHAR: length in characters as one byte, then UTF-16LE. */
  bVarchar(): string {
    return this.ucs2(this.u8());
  }

  /** US_VARCHAR: length in characters as two bytes, then UTF-16LE. */
  usVarchar(): string {
    return this.ucs2(this.u16());
  }

  /** B_VARBYTE holding UTF-16LE: length in bytes as one byte. */
  bVarbyteText(): string {
    return this.bytes(this.u8()).toString('utf16le');
  }

  /** A part of the same buffer, addressed from its start as LOGIN7 and PRELOGIN do. */
  at(offset: number, length: number): Buffer {
    if (offset + length > this.buffer.length)
      throw new ProtocolError(`field at ${offset}+${length} lies outside`);
    return this.buffer.subarray(offset, offset + length);
  }
}

const INITIAL_CAPACITY = 512;

export class ByteWriter {
  private buffer: Buffer;
  private end = 0;

  constructor(capacity = INITIAL_CAPACITY) {
    this.buffer = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.end;
  }

  /** What was written, as a view that the next write may change. */
  view(): Buffer {
    return this.buffer.subarray(0, this.end);
  }

  /** Takes back everything written after `length`. */
  truncate(length: number): void {
    this.end = length;
  }

  /** Drops the first `count` bytes, which have been sent. */
  discard(count: number): void {
    this.buffer.copyWithin(0, count, this.end);
    this.end -= count;
  }

  private reserve(count: number): number {
    const start = this.end;
    this.end += count;
    if (this.end > this.buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.end));
      this.buffer.copy(grown, 0, 0, start);
      this.buffer = grown;
    }
    return start;
  }

  u8(value: number): this {
    const at = this.reserve(1);
    this.buffer[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.reserve(2);
    this.buffer.writeUInt16LE(value, at);
    return this;
  }

  u16be(value: number): this {
    const at = this.reserve(2);
    this.buffer.writeUInt16BE(value, at);
    return this;
  }

  i16(value: number): this {
    const at = this.reserve(2);
    this.buffer.writeInt16LE(value, at);
    return this;
  }

  u32(value: number): this {
    const at = this.reserve(4);
    this.buffer.writeUInt32LE(value, at);
    return this;
  }

  u32be(value: number): this {
    const at = this.reserve(4);
    this.buffer.writeUInt32BE(value, at);
    return this;
  }

  i32(value: number): this {
    const at = this.reserve(4);
    this.buffer.writeInt32LE(value, at);
    return this;
  }

  u64(value: bigint): this {
    const at = this.reserve(8);
    this.buffer.writeBigUInt64LE(value, at);
    return this;
  }

  i64(value: bigint): this {
    const at = this.reserve(8);
    this.buffer.writeBigInt64LE(value, at);
    return this;
  }

  f32(value: number): this {
    const at = this.reserve(4);
    this.buffer.writeFloatLE(value, at);
    return this;
  }

  f64(value: number): this {
    const at = this.reserve(8);
    this.buffer.writeDoubleLE(value, at);
    return this;
  }

  /** Unsigned little-endian integer of any width. @throws RangeError when it does not fit. */
  uint(value: bigint, width: number): this {
    const at = this.reserve(width);
    let rest = value;
    for (let i = 0; i < width; i++) {
      this.buffer[at + i] = Number(rest & 0xffn);
      rest >>= 8n;
    }
    if (rest !== 0n) throw new RangeError(`${value} does not fit in ${width} bytes`);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.reserve(value.length);
    this.buffer.set(value, at);
    return this;
  }

  fill(value: number, count: number): this {
    const at = this.reserve(count);
    this.buffer.fill(value, at, at + count);
    return this;
  }

  ucs2(value: string): this {
    const at = this.reserve(value.length * 2);
    this.buffer.write(value, at, 'utf16le');
    return this;
  }

  bVarchar(value: string): this {
    const text = value.slice(0, 0xff);
    return this.u8(text.length).ucs2(text);
  }

  usVarchar(value: string): this {
    const text = value.slice(0, 0xffff);
    return this.u16(text.length).ucs2(text);
  }

  bVarbyte(value: Uint8Array): this {
    return this.u8(value.length).bytes(value);
  }

  /** Writes a body preceded by its length in bytes as u16. */
  lengthPrefixed16(body: () => void): this {
    const at = this.reserve(2);
    body();
    this.buffer.writeUInt16LE(this.end - at - 2, at);
    return this;
  }

  /** Writes a body preceded by its length in bytes as u32. */
  lengthPrefixed32(body: () => void): this {
    const at = this.reserve(4);
    body();
    this.buffer.writeUInt32LE(this.end - at - 4, at);
    return this;
  }
}

/** Unsigned little-endian integer of any width. */
export function readUint(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  return value;
}
