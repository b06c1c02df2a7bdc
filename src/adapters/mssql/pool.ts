/** One lazily opened driver pool per instance, made anew after it could not connect. */
import { readFile } from 'node:fs/promises';
import { ConnectionPool } from 'mssql';
import { type ServerErrorDetail, SqlServerFailure } from '../../ports/failures';
import { type ConnectionTarget, type Connector, type Credentials, driverConfig } from './config';
import { connectFailure } from './failure';

export interface PoolOptions {
  readonly server: string;
  readonly target: ConnectionTarget;
  readonly caFile?: string | undefined;
  /** Read when a pool is opened, so that a changed password is taken up after a failed login. */
  readonly credentials: () => Promise<Credentials>;
  /** In place of TCP. */
  readonly connector?: Connector | undefined;
}

/** The events of a tedious connection that matter while it logs in. */
interface LoginEvents {
  on(event: 'errorMessage', listener: (token: ErrorToken) => void): unknown;
  once(event: 'connect', listener: (error?: Error) => void): unknown;
  removeListener(event: 'errorMessage', listener: (token: ErrorToken) => void): unknown;
  close(): void;
}

interface ErrorToken {
  readonly number: number;
  readonly class: number;
  readonly state: number;
  readonly message: string;
}

export class LazyPool {
  private opening: Promise<ConnectionPool> | undefined;
  private closed = false;
  private secrets: readonly string[] = [];
  /** Errors of refused logins by the driver's error. The driver's own error has the text of the last one only. */
  private readonly loginErrors = new WeakMap<object, readonly ServerErrorDetail[]>();
  private readonly connecting = new Set<LoginEvents>();

  constructor(private readonly options: PoolOptions) {}

  /** @returns the connected pool. @throws SqlServerFailure, SecretFailure */
  async get(): Promise<ConnectionPool> {
    if (this.closed) throw this.closedFailure();
    this.opening ??= this.open();
    const opening = this.opening;
    try {
      return await opening;
    } catch (error) {
      if (this.opening === opening) this.opening = undefined;
      throw error;
    }
  }

  /** Values that must not show in messages. */
  get knownSecrets(): readonly string[] {
    return this.secrets;
  }

  /**
   * @returns the failure when the error came from making a new connection of the pool, undefined when from a request
   */
  connectFailure(error: unknown): SqlServerFailure | undefined {
    if (!(error instanceof Error)) return undefined;
    const original = 'originalError' in error ? error.originalError : undefined;
    const loginErrors = [error, original, error.cause].flatMap((one) =>
      typeof one === 'object' && one !== null ? (this.loginErrors.get(one) ?? []) : [],
    );
    const isConnection = error.name === 'ConnectionError' || loginErrors.length > 0;
    return isConnection ? connectFailure(error, loginErrors, this.context) : undefined;
  }

  /** Forgets the pool, so that the next request reads credentials and authority anew. Requests that run are let finish. */
  discard(): void {
    const opening = this.opening;
    this.opening = undefined;
    opening?.then(closeQuietly, () => undefined);
  }

  async close(): Promise<void> {
    this.closed = true;
    const opening = this.opening;
    this.opening = undefined;
    // mssql refuses to close a pool that is connecting, and connecting may take as long as its time-out.
    for (const connection of this.connecting) connection.close();
    await opening?.then(closeQuietly, () => undefined);
  }

  private async open(): Promise<ConnectionPool> {
    const credentials = await this.options.credentials();
    this.secrets = credentials.type === 'sql' ? [credentials.password] : [];
    const ca = await this.readCa();
    const { target, connector } = this.options;
    const config = { ...driverConfig(target, credentials, ca, connector), beforeConnect: this.watchLogin };
    const pool = new ConnectionPool(config);
    // Without a listener an error of an idle connection would end the process. The request that meets it reports it.
    pool.on('error', () => undefined);
    try {
      await pool.connect();
    } catch (error) {
      throw this.connectFailure(error) ?? connectFailure(error, [], this.context);
    }
    if (!this.closed) return pool;
    await closeQuietly(pool);
    throw this.closedFailure();
  }

  private async readCa(): Promise<string | undefined> {
    const { caFile } = this.options;
    if (caFile === undefined) return undefined;
    try {
      return await readFile(caFile, 'utf8');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new SqlServerFailure(
        this.options.server,
        'connect',
        [],
        'tls',
        `${this.options.server}: connect: the certificate authority cannot be read: ${reason}`,
      );
    }
  }

  private readonly watchLogin = (connection: LoginEvents): void => {
    const errors: ServerErrorDetail[] = [];
    const collect = (token: ErrorToken): void => {
      errors.push({
        number: token.number,
        severity: token.class,
        state: token.state,
        message: token.message,
      });
    };
    this.connecting.add(connection);
    connection.on('errorMessage', collect);
    connection.once('connect', (error) => {
      this.connecting.delete(connection);
      connection.removeListener('errorMessage', collect);
      if (error !== undefined && error !== null) this.loginErrors.set(error, errors);
    });
  };

  private get context() {
    return { server: this.options.server, secrets: this.secrets };
  }

  private closedFailure(): SqlServerFailure {
    return new SqlServerFailure(
      this.options.server,
      'connect',
      [],
      'cancelled',
      `${this.options.server}: connect: the port is closed`,
    );
  }
}

async function closeQuietly(pool: ConnectionPool): Promise<void> {
  await pool.close().catch(() => undefined);
}
