/** The listening side: accepts connections, numbers them, and ends them all when it is closed. */
import { createServer, type Server } from 'node:net';
import type { TdsBackend } from './backend';
import { Connection } from './connection';
import type { EncryptionPolicy } from './prelogin';
import type { TdsSocket, TlsCredentials } from './transport';

export interface TdsServerOptions {
  readonly backend: TdsBackend;
  /** Without a certificate the server cannot encrypt. */
  readonly tls?: TlsCredentials;
  /** Default: optional with a certificate, off without one. */
  readonly encryption?: EncryptionPolicy;
  /** Time from the first byte to the end of the login, in milliseconds; default 15 s. */
  readonly loginTimeoutMs?: number;
  /** Where the session ids begin; another door to the same server needs numbers of its own. */
  readonly firstSpid?: number;
}

const DEFAULT_LOGIN_TIMEOUT_MS = 15_000;
/** SQL Server keeps the session ids up to 50 for itself; @@SPID is a smallint. */
const FIRST_SPID = 51;
const LAST_SPID = 32_767;

export class TdsServer {
  private readonly server: Server;
  private readonly connections = new Map<number, Connection>();
  private lastSpid: number;

  constructor(private readonly options: TdsServerOptions) {
    if (options.encryption === 'required' && options.tls === undefined) {
      throw new Error('encryption is required, but there is no certificate');
    }
    this.lastSpid = (options.firstSpid ?? FIRST_SPID) - 1;
    this.server = createServer((socket) => this.serve(socket));
  }

  /** @param port 0 = any free port. @returns the address it listens on. @throws the socket's error, such as EADDRINUSE */
  listen(port: number, host: string): Promise<{ port: number; host: string }> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, () => {
        this.server.off('error', reject);
        // An accept that fails later (EMFILE) concerns one client, not the server.
        this.server.on('error', () => undefined);
        const address = this.server.address();
        resolve({ port: typeof address === 'object' && address !== null ? address.port : port, host });
      });
    });
  }

  /** Stops listening and cuts all connections. Resolves when they are gone. */
  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const connection of this.connections.values()) connection.destroy();
    return closed;
  }

  get connectionCount(): number {
    return this.connections.size;
  }

  /** Serves one client. @param socket as it was accepted; the server itself need not listen for that */
  serve(socket: TdsSocket): void {
    const { backend, tls, loginTimeoutMs = DEFAULT_LOGIN_TIMEOUT_MS } = this.options;
    const encryption = this.options.encryption ?? (tls === undefined ? 'off' : 'optional');
    const spid = this.nextSpid();
    const onClosed = (): void => {
      this.connections.delete(spid);
    };
    const settings = {
      backend,
      encryption,
      loginTimeoutMs,
      spid,
      onClosed,
      ...(tls === undefined ? {} : { tls }),
    };
    this.connections.set(spid, new Connection(socket, settings));
  }

  /** Numbers go up and come round, so that a number in a log stays one connection for long. */
  private nextSpid(): number {
    do {
      this.lastSpid = this.lastSpid >= LAST_SPID ? (this.options.firstSpid ?? FIRST_SPID) : this.lastSpid + 1;
    } while (this.connections.has(this.lastSpid));
    return this.lastSpid;
  }
}
