/**
 * An application that writes numbered rows all the while, through the real driver, and remembers which ones it was
 * promised. Where its login is refused or the database takes no writes it tries the other side, as clients behind a
 * name that follows the primary do. A row whose outcome it does not know is never tried again.
 */
import sql from 'mssql';

export interface ApplicationSide {
  readonly name: string;
  /** Opens a connection of the application's machine to this side. */
  readonly connect: (signal: AbortSignal) => Promise<unknown>;
}

/** A row of which a server said that it is committed. */
export interface Acknowledged {
  readonly on: string;
  /** Unix milliseconds at which the server's answer arrived. */
  readonly at: number;
}

export const APPLICATION = {
  name: 'app',
  password: 'App!Passw0rd',
} as const;

const TABLE = 'dbo.ferry_workload';
const CREATE = `IF OBJECT_ID(N'${TABLE}') IS NULL
CREATE TABLE ${TABLE} (id bigint NOT NULL PRIMARY KEY, payload nvarchar(4000) NOT NULL, committed_at datetime2(3) NOT NULL)`;
const REQUEST_LIMIT_MS = 15_000;
const CONNECT_LIMIT_MS = 10_000;

export class Application {
  /** By the number of the row. */
  readonly acknowledged = new Map<number, Acknowledged>();
  private pool: sql.ConnectionPool | undefined;
  private side = 0;
  private nextId = 1;
  private isStopped = false;

  constructor(
    private readonly sides: readonly [ApplicationSide, ApplicationSide],
    private readonly options: {
      /** Milliseconds until the next row. */
      readonly pause: () => number;
      readonly now: () => number;
    },
  ) {}

  start(): void {
    void this.loop();
  }

  stop(): void {
    this.isStopped = true;
  }

  private get target(): ApplicationSide {
    return this.sides[this.side % 2] ?? this.sides[0];
  }

  private async loop(): Promise<void> {
    while (!this.isStopped) {
      await this.writeOne();
      await new Promise((resolve) => setTimeout(resolve, this.options.pause()));
    }
    await this.disconnect();
  }

  private async writeOne(): Promise<void> {
    const id = this.nextId;
    try {
      const pool = await this.connected();
      this.nextId += 1;
      await pool
        .request()
        .query(
          `INSERT INTO ${TABLE} (id, payload, committed_at) VALUES (${id}, N'row ${id}', SYSUTCDATETIME())`,
        );
      this.acknowledged.set(id, { on: this.target.name, at: this.options.now() });
    } catch {
      await this.disconnect();
      this.side += 1;
    }
  }

  private async connected(): Promise<sql.ConnectionPool> {
    if (this.pool?.connected) return this.pool;
    const pool = new sql.ConnectionPool(configOf(this.target));
    pool.on('error', () => undefined);
    this.pool = pool;
    await pool.connect();
    await pool.request().query(CREATE);
    return pool;
  }

  private async disconnect(): Promise<void> {
    const { pool } = this;
    this.pool = undefined;
    await pool?.close().catch(() => undefined);
  }
}

function configOf(side: ApplicationSide): sql.config {
  return {
    server: 'application.example',
    port: 1433,
    database: 'Sales',
    user: APPLICATION.name,
    password: APPLICATION.password,
    connectionTimeout: CONNECT_LIMIT_MS,
    requestTimeout: REQUEST_LIMIT_MS,
    pool: { min: 0, max: 1 },
    options: {
      encrypt: false,
      appName: 'application',
      connector: (_target: unknown, _lookup: unknown, signal: AbortSignal) => side.connect(signal),
    },
  } as sql.config;
}
