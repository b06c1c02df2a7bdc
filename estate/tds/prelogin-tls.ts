/**
 * The wrapping of a TLS handshake into PRELOGIN packets, MS-TDS 2.2.6.5 and 3.2.5.2. A TLSSocket reads and writes
 * this duplex as if it were the network; once the client sends bare TLS records, so does the server.
 */
import { Duplex } from 'node:stream';
import { frameMessage, PACKET_HEADER_LENGTH, PacketType } from './packets';

export class HandshakeDuplex extends Duplex {
  private wrapped = true;
  private partial: Buffer = Buffer.alloc(0);
  private flight: Buffer[] = [];

  constructor(private readonly socket: Duplex) {
    super();
    socket.once('close', () => this.destroy());
  }

  /** Takes bytes off the network. @returns false when they are no valid packets */
  receive(chunk: Buffer): boolean {
    if (!this.wrapped) {
      this.push(chunk);
      return true;
    }
    this.partial = this.partial.length === 0 ? chunk : Buffer.concat([this.partial, chunk]);
    return this.unwrap();
  }

  private unwrap(): boolean {
    while (this.partial.length > 0) {
      if (this.partial[0] !== PacketType.prelogin) {
        // A TLS record of its own (0x14 to 0x17): the handshake is over for the client. The 'secure' event would
        // be too early, because the server's last flight must still be wrapped.
        this.wrapped = false;
        this.push(this.partial);
        this.partial = Buffer.alloc(0);
        return true;
      }
      if (this.partial.length < PACKET_HEADER_LENGTH) return true;
      const length = this.partial.readUInt16BE(2);
      if (length < PACKET_HEADER_LENGTH) return false;
      if (this.partial.length < length) return true;
      this.push(Buffer.from(this.partial.subarray(PACKET_HEADER_LENGTH, length)));
      this.partial = this.partial.subarray(length);
    }
    return true;
  }

  override _read(): void {
    // bytes are pushed as they arrive
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (!this.wrapped) {
      this.socket.write(chunk, done);
      return;
    }
    this.flight.push(chunk);
    if (this.flight.length === 1) setImmediate(() => this.sendFlight());
    done();
  }

  /** Clients read one flight of the handshake as one message, so all writes of one turn go together. */
  private sendFlight(): void {
    const flight = Buffer.concat(this.flight);
    this.flight = [];
    if (this.socket.writable)
      this.socket.write(this.wrapped ? frameMessage(PacketType.prelogin, flight) : flight);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.socket.end();
    done();
  }
}
