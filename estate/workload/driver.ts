/** How the workload reaches a server: through the real `mssql` driver, one connection at a time. */
import sql from 'mssql';

/** Where to write. The workload knows no more of a server than any client does. */
export interface WorkloadTarget {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** Certificate authority of the server (PEM), or trust whatever it shows. */
  readonly trustServerCertificate?: boolean;
}

export interface WorkloadConnection {
  /** Creates the table where it is missing. */
  prepare(): Promise<void>;
  /** Commits one row; resolves when the server has acknowledged it. */
  insert(id: number, payload: string): Promise<void>;
  ids(): Promise<number[]>;
  close(): Promise<void>;
}

export type WorkloadDriver = (target: WorkloadTarget) => Promise<WorkloadConnection>;

const TABLE = 'dbo.ferry_workload';

/** Opens one connection. Requests end after 15 s, so that a silent server does not stop the writer for good. */
export const mssqlDriver: WorkloadDriver = async (target) => {
  const pool = await new sql.ConnectionPool({
    server: target.host,
    port: target.port,
    database: target.database,
    user: target.user,
    password: target.password,
    connectionTimeout: 5_000,
    requestTimeout: 15_000,
    pool: { min: 0, max: 1 },
    options: {
      encrypt: true,
      trustServerCertificate: target.trustServerCertificate ?? true,
      appName: 'ferry-workload',
    },
  }).connect();
  // Without a listener a broken connection would end the process.
  pool.on('error', () => {});
  return {
    async prepare() {
      await pool.request().query(
        `IF OBJECT_ID(N'${TABLE}') IS NULL
CREATE TABLE ${TABLE} (id bigint NOT NULL PRIMARY KEY, payload nvarchar(4000) NOT NULL, committed_at datetime2(3) NOT NULL)`,
      );
    },
    async insert(id, payload) {
      await pool
        .request()
        .input('id', sql.BigInt, id)
        .input('payload', sql.NVarChar(4000), payload)
        .query(`INSERT INTO ${TABLE} (id, payload, committed_at) VALUES (@id, @payload, SYSUTCDATETIME())`);
    },
    async ids() {
      const result = await pool.request().query<{ id: string }>(`SELECT id FROM ${TABLE}`);
      return result.recordset.map((row) => Number(row.id));
    },
    async close() {
      await pool.close();
    },
  };
};
