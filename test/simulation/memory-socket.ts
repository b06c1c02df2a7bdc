/** One end of a connection in memory, with the methods of a TCP socket that drivers and servers call. */
import { Duplex } from 'node:stream';

/** What the two ends of a connection do to each other. */
export interface Wire {
  /** Bytes leave this end. */
  send(chunk: Buffer): void;
  /** This end sends no more (FIN). */
  end(): void;
  /** This end is gone (RST when it was torn down). */
  close(): void;
}

export class MemorySocket extends Duplex {
  readonly remoteAddress = '192.0.2.1';
  private wire: Wire | undefined;

  constructor() {
    // As a TCP socket of Node: once the other side has ended, so does this one.
    super({ allowHalfOpen: false });
  }

  /** To be called before anything is written. */
  attach(wire: Wire): void {
    this.wire = wire;
  }

  /** Bytes arrive. */
  receive(chunk: Buffer): void {
    if (!this.destroyed && !this.readableEnded) this.push(chunk);
  }

  /** The other side has ended. */
  receiveEnd(): void {
    if (!this.destroyed && !this.readableEnded) this.push(null);
  }

  /** RST arrives, or nothing answers any more. */
  receiveReset(code = 'ECONNRESET'): void {
    if (this.destroyed) return;
    this.destroy(Object.assign(new Error(`read ${code}`), { code, errno: -104, syscall: 'read' }));
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  resetAndDestroy(): this {
    this.destroy();
    return this;
  }

  override _read(): void {
    // What arrives is pushed at once.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.wire?.send(chunk);
    done();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.wire?.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.wire?.close();
    done(error);
  }
}
