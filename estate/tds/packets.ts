/** Packet framing, MS-TDS 2.2.3: an 8-byte header, and messages made of packets up to the one marked end-of-message. */
import { ProtocolError } from './bytes';

export const PacketType = {
  sqlBatch: 0x01,
  rpc: 0x03,
  reply: 0x04,
  attention: 0x06,
  bulkLoad: 0x07,
  federatedToken: 0x08,
  transactionManager: 0x0e,
  login7: 0x10,
  sspi: 0x11,
  prelogin: 0x12,
} as const;

export const PacketStatus = {
  endOfMessage: 0x01,
  ignore: 0x02,
  resetConnection: 0x08,
  resetConnectionSkipTransaction: 0x10,
} as const;

export const PACKET_HEADER_LENGTH = 8;
export const DEFAULT_PACKET_SIZE = 4096;
const MIN_PACKET_SIZE = 512;
const MAX_PACKET_SIZE = 32767;

/** The packet size a LOGIN7 asks for, as the server grants it; 0 asks for the default. */
export function grantPacketSize(requested: number): number {
  if (requested === 0) return DEFAULT_PACKET_SIZE;
  return Math.min(Math.max(requested, MIN_PACKET_SIZE), MAX_PACKET_SIZE);
}

export interface TdsMessageFrame {
  readonly type: number;
  /** Status bits of all packets of the message, together. */
  readonly status: number;
  readonly data: Buffer;
}

/** Puts a stream of bytes together into messages. */
export class PacketAssembler {
  private pending: Buffer = Buffer.alloc(0);
  private parts: Buffer[] = [];
  private size = 0;
  private type = -1;
  private status = 0;

  /** @param maximumSize bytes of one message, headers included, after which the peer is cut off */
  constructor(public maximumSize: number) {}

  /** @returns the messages completed by `chunk`. @throws ProtocolError */
  *push(chunk: Buffer): Generator<TdsMessageFrame> {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    for (;;) {
      const packet = this.nextPacket();
      if (packet === undefined) return;
      const message = this.add(packet);
      if (message !== undefined) yield message;
    }
  }

  private nextPacket(): Buffer | undefined {
    if (this.pending.length < PACKET_HEADER_LENGTH) return undefined;
    const length = this.pending.readUInt16BE(2);
    if (length < PACKET_HEADER_LENGTH) throw new ProtocolError(`packet length ${length}`);
    if (this.pending.length < length) return undefined;
    const packet = this.pending.subarray(0, length);
    this.pending = this.pending.subarray(length);
    return packet;
  }

  private add(packet: Buffer): TdsMessageFrame | undefined {
    const type = packet.readUInt8(0);
    const status = packet.readUInt8(1);
    if (this.type !== -1 && this.type !== type) {
      throw new ProtocolError(`packet of type ${type} inside a message of type ${this.type}`);
    }
    this.type = type;
    this.status |= status;
    this.size += packet.length;
    if (this.size > this.maximumSize)
      throw new ProtocolError(`message of type ${type} is longer than allowed`);
    this.parts.push(packet.subarray(PACKET_HEADER_LENGTH));
    return (status & PacketStatus.endOfMessage) === 0 ? undefined : this.complete();
  }

  private complete(): TdsMessageFrame {
    const [first] = this.parts;
    const data = this.parts.length === 1 && first !== undefined ? first : Buffer.concat(this.parts);
    const message = { type: this.type, status: this.status, data };
    this.parts = [];
    this.size = 0;
    this.type = -1;
    this.status = 0;
    return message;
  }
}

/** Writes one packet header into `target`. */
export function writePacketHeader(
  target: Buffer,
  offset: number,
  header: { type: number; endOfMessage: boolean; length: number; spid: number; packetId: number },
): void {
  target[offset] = header.type;
  target[offset + 1] = header.endOfMessage ? PacketStatus.endOfMessage : 0;
  target.writeUInt16BE(header.length, offset + 2);
  target.writeUInt16BE(header.spid & 0xffff, offset + 4);
  target[offset + 6] = header.packetId & 0xff;
  target[offset + 7] = 0;
}

/** One whole message as packets. @param packetSize bytes with the header */
export function frameMessage(type: number, data: Buffer, spid = 0, packetSize = DEFAULT_PACKET_SIZE): Buffer {
  const room = packetSize - PACKET_HEADER_LENGTH;
  const count = Math.max(1, Math.ceil(data.length / room));
  const framed = Buffer.allocUnsafe(data.length + count * PACKET_HEADER_LENGTH);
  let out = 0;
  for (let i = 0; i < count; i++) {
    const body = data.subarray(i * room, (i + 1) * room);
    const length = body.length + PACKET_HEADER_LENGTH;
    writePacketHeader(framed, out, { type, endOfMessage: i === count - 1, length, spid, packetId: i + 1 });
    body.copy(framed, out + PACKET_HEADER_LENGTH);
    out += length;
  }
  return framed;
}
