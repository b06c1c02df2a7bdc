/**
 * One reply message under way: collects tokens, sends full packets as they fill, and lets a fast producer wait for a
 * slow client.
 */
import { ByteWriter } from './bytes';
import { PACKET_HEADER_LENGTH, PacketType, writePacketHeader } from './packets';

/** Where packets go. */
export interface PacketSink {
  /** @returns false when the peer does not keep up */
  write(data: Buffer): boolean;
  /** Resolves when the peer has caught up, or is gone. */
  drained(): Promise<void>;
}

/**
 * A backend that produces rows in a tight loop would never let the Attention be read that is to stop it.
 * Every so many bytes it is made to wait one turn of the event loop.
 */
const BYTES_BETWEEN_TURNS = 128 * 1024;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class Reply {
  /** Tokens are written here; then `advance`, `flush` or `end` sends them. */
  readonly writer: ByteWriter;
  private readonly room: number;
  private packetId = 0;
  private congested = false;
  private sinceTurn = 0;
  private finished = false;

  /** @param packetSize bytes with the header */
  constructor(
    private readonly sink: PacketSink,
    packetSize: number,
    private readonly spid: number,
  ) {
    this.room = packetSize - PACKET_HEADER_LENGTH;
    this.writer = new ByteWriter(packetSize * 2);
  }

  get ended(): boolean {
    return this.finished;
  }

  /** Sends the packets that are full. */
  advance(): void {
    // The last packet must not be empty, so a reply that just fills a packet waits for what follows.
    if (this.writer.length > this.room) this.send(Math.floor((this.writer.length - 1) / this.room), false);
  }

  /** Waits for the client if it lags behind. @returns undefined when there is nothing to wait for */
  pause(): Promise<void> | undefined {
    if (this.congested) {
      this.congested = false;
      this.sinceTurn = 0;
      return this.sink.drained();
    }
    if (this.sinceTurn < BYTES_BETWEEN_TURNS) return undefined;
    this.sinceTurn = 0;
    return nextTurn();
  }

  /** Sends everything, also a packet that is not full. */
  flush(): void {
    if (this.writer.length > 0) this.send(Math.ceil(this.writer.length / this.room), false);
  }

  /** Sends the rest and marks the end of the message. */
  end(): void {
    if (this.finished) return;
    this.finished = true;
    this.send(Math.max(1, Math.ceil(this.writer.length / this.room)), true);
  }

  private send(packets: number, last: boolean): void {
    const content = this.writer.view();
    const taken = Math.min(packets * this.room, content.length);
    const out = Buffer.allocUnsafe(taken + packets * PACKET_HEADER_LENGTH);
    let at = 0;
    for (let i = 0; i < packets; i++) {
      const body = content.subarray(i * this.room, Math.min((i + 1) * this.room, taken));
      const length = body.length + PACKET_HEADER_LENGTH;
      const endOfMessage = last && i === packets - 1;
      this.packetId = (this.packetId + 1) & 0xff;
      writePacketHeader(out, at, {
        type: PacketType.reply,
        endOfMessage,
        length,
        spid: this.spid,
        packetId: this.packetId,
      });
      body.copy(out, at + PACKET_HEADER_LENGTH);
      at += length;
    }
    this.writer.discard(taken);
    this.sinceTurn += out.length;
    if (!this.sink.write(out)) this.congested = true;
  }
}
