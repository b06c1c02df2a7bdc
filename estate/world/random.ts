/** Seeded random values (xoshiro128**, seeded by splitmix32): the only source of chance in the estate. */
import type { Random } from './api';

export class SeededRandom implements Random {
  private readonly state: Uint32Array;

  constructor(seed: number) {
    let value = seed >>> 0;
    const splitmix = (): number => {
      value = (value + 0x9e3779b9) >>> 0;
      let mixed = value ^ (value >>> 16);
      mixed = Math.imul(mixed, 0x21f0aaad);
      mixed ^= mixed >>> 15;
      mixed = Math.imul(mixed, 0x735a2d97);
      return (mixed ^ (mixed >>> 15)) >>> 0;
    };
    this.state = Uint32Array.from([splitmix(), splitmix(), splitmix(), splitmix()]);
  }

  next(): number {
    return this.word() / 0x1_0000_0000;
  }

  integer(minimum: number, maximum: number): number {
    return minimum + Math.floor(this.next() * (maximum - minimum + 1));
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.word() >>> 24);
  }

  guid(): string {
    const bytes = this.bytes(16);
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const hex = Buffer.from(bytes).toString('hex').toUpperCase();
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  }

  private word(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.state;
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    const c2 = c ^ a;
    const d2 = d ^ b;
    this.state.set([a ^ d2, b ^ c2, c2 ^ shifted, rotate(d2, 11)]);
    return result;
  }
}

const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by));
