/**
 * The bytes of one connection, in clear or under TLS. TLS comes in two ways: from the first byte (TDS 8.0), or
 * negotiated by PRELOGIN with its handshake wrapped into PRELOGIN packets (TDS 7), and then for the whole
 * connection or only until the login has been read.
 */
import type { Duplex } from 'node:stream';
import { createSecureContext, TLSSocket } from 'node:tls';
import { HandshakeDuplex } from './prelogin-tls';
import type { PacketSink } from './reply';

export interface TlsCredentials {
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly cert: string;
}

/** What is needed of a TCP socket; a stream in memory can give it as well. */
export interface TdsSocket extends Duplex {
  setNoDelay(noDelay?: boolean): unknown;
  /** RST. */
  resetAndDestroy(): unknown;
  readonly remoteAddress?: string | undefined;
}

export interface TransportEvents {
  data(chunk: Buffer): void;
  closed(): void;
}

const TLS_HANDSHAKE_RECORD = 0x16;
const STRICT_ALPN = 'tds/8.0';
/** Time for a client to close its side after we closed ours. */
const LINGER_MS = 2_000;

export class Transport implements PacketSink {
  private stream: Duplex;
  private handshake: HandshakeDuplex | undefined;
  private silent = false;
  private gone = false;
  private strict = false;

  constructor(
    private readonly socket: TdsSocket,
    private readonly credentials: TlsCredentials | undefined,
    private readonly events: TransportEvents,
  ) {
    this.stream = socket;
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.onClose());
    socket.once('data', (first: Buffer) => this.onFirstBytes(first));
  }

  /** True under TDS 8.0: TLS began before the first packet. */
  get isStrict(): boolean {
    return this.strict;
  }

  get remoteAddress(): string {
    return this.socket.remoteAddress ?? '';
  }

  write(data: Buffer): boolean {
    if (this.silent || this.gone || !this.stream.writable) return true;
    return this.stream.write(data);
  }

  drained(): Promise<void> {
    const { stream, socket } = this;
    if (this.gone || !stream.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        stream.off('drain', done);
        socket.off('close', done);
        resolve();
      };
      stream.once('drain', done);
      socket.once('close', done);
    });
  }

  /** After the PRELOGIN reply: the client's next bytes are a TLS handshake inside PRELOGIN packets. */
  startTls(): void {
    if (this.credentials === undefined) throw new Error('no certificate');
    const handshake = new HandshakeDuplex(this.socket);
    this.handshake = handshake;
    // TLS 1.3 sends tickets after the handshake, for which the wrapping has no place.
    const secureContext = createSecureContext({ ...this.credentials, maxVersion: 'TLSv1.2' });
    this.useTls(new TLSSocket(handshake, { isServer: true, secureContext }));
  }

  /** Login-only encryption: from the reply to the login on, everything is in clear. */
  endTls(): void {
    this.stream = this.socket;
    this.handshake = undefined;
  }

  /** Stops talking and listening, but keeps the connection open. */
  mute(): void {
    this.silent = true;
  }

  /** Closes after what was written (FIN). */
  end(): void {
    this.stream.end();
    const timer = setTimeout(() => this.socket.destroy(), LINGER_MS);
    timer.unref();
    this.socket.once('close', () => clearTimeout(timer));
  }

  /** FIN at once, without the good-bye of TLS: a process that died. */
  fin(): void {
    this.silent = true;
    this.socket.end();
  }

  /** RST: a host that forgot the connection. */
  reset(): void {
    this.silent = true;
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  private onFirstBytes(first: Buffer): void {
    if (first[0] === TLS_HANDSHAKE_RECORD && this.credentials !== undefined) {
      this.startStrict(first);
      return;
    }
    this.socket.on('data', (chunk: Buffer) => this.onSocketData(chunk));
    this.onSocketData(first);
  }

  private startStrict(first: Buffer): void {
    if (this.credentials === undefined) return;
    this.strict = true;
    this.socket.pause();
    this.socket.unshift(first);
    const secureContext = createSecureContext({ ...this.credentials });
    this.useTls(new TLSSocket(this.socket, { isServer: true, secureContext, ALPNProtocols: [STRICT_ALPN] }));
  }

  private useTls(secure: TLSSocket): void {
    this.stream = secure;
    secure.on('error', () => this.socket.destroy());
    secure.on('data', (chunk: Buffer) => this.deliver(chunk));
    secure.on('end', () => this.socket.end());
    this.socket.once('close', () => secure.destroy());
  }

  private onSocketData(chunk: Buffer): void {
    if (this.handshake === undefined) this.deliver(chunk);
    else if (!this.handshake.receive(chunk)) this.socket.destroy();
  }

  private deliver(chunk: Buffer): void {
    if (!this.silent && !this.gone) this.events.data(chunk);
  }

  private onClose(): void {
    this.gone = true;
    this.events.closed();
  }
}
