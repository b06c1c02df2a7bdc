/**
 * The application of a scenario: it writes numbered rows as an ordinary login, is fenced at the cutover, and follows
 * its database to the new primary. And the eyes of a scenario: catalog views over a connection of their own.
 */
import { setTimeout as delay } from 'node:timers/promises';
import sql from 'mssql';
import type { RunningEstate } from '../../estate/estate';
import type { WorkloadTarget } from '../../estate/workload/driver';
import { type Verification, verify, WorkloadWriter } from '../../estate/workload/writer';
import type { EstateDefinitionInput } from '../../estate/world/definition';

export const APPLICATION = { name: 'app', password: 'App!Passw0rd' } as const;

type Instances = NonNullable<EstateDefinitionInput['instances']>;
type SqlServerInput = Extract<Instances[number], { kind: 'sql-server' }>;
type ManagedInput = Extract<Instances[number], { kind: 'managed-instance' }>;

export interface EstateParts {
  readonly server?: Partial<SqlServerInput>;
  readonly database?: Partial<NonNullable<SqlServerInput['databases']>[number]>;
  readonly instance?: Partial<ManagedInput>;
  readonly rates?: EstateDefinitionInput['rates'];
  /** Simulated milliseconds per real one. */
  readonly speed?: number;
}

/** SQL1 with Sales, in which the login `app` has a user, and mi-west. */
export function estateWithApplication(parts: EstateParts = {}): EstateDefinitionInput {
  return {
    clock: { speed: parts.speed ?? 600 },
    ...(parts.rates === undefined ? {} : { rates: parts.rates }),
    instances: [
      {
        kind: 'sql-server',
        name: 'SQL1',
        logins: [
          { name: 'sa', password: 'Ferry!Passw0rd' },
          { ...APPLICATION, roles: [] },
        ],
        databases: [{ name: 'Sales', users: [{ name: APPLICATION.name }], ...parts.database }],
        ...parts.server,
      },
      { kind: 'managed-instance', name: 'mi-west', ...parts.instance },
    ],
  };
}

/** Where the application writes on that instance. */
export function applicationOn(estate: RunningEstate, name: string): WorkloadTarget {
  const { host, port } = estate.instance(name);
  return { host, port, database: 'Sales', user: APPLICATION.name, password: APPLICATION.password };
}

/** A writer of the application; begins on the SQL Server. */
export const startApplication = (estate: RunningEstate, rate = 100): WorkloadWriter => {
  const writer = new WorkloadWriter({ target: applicationOn(estate, 'SQL1'), rate, retryMs: 25 });
  writer.start();
  return writer;
};

/**
 * Brings the login to the instance with the SID that it has on the SQL Server, as the migration guide says (the user in
 * the database would be an orphan otherwise), and turns the writer round.
 */
export async function repointApplication(estate: RunningEstate, writer: WorkloadWriter): Promise<void> {
  await bringLogin(estate, APPLICATION);
  writer.repoint(applicationOn(estate, 'mi-west'));
}

/** Makes a login of SQL1 on mi-west, with the SID that its user in the database has. */
export async function bringLogin(
  estate: RunningEstate,
  { name, password }: { readonly name: string; readonly password: string },
): Promise<void> {
  const login = estate.world.instances.get('SQL1').logins.get(name);
  if (login === undefined) throw new Error(`the SQL Server has no login ${name}`);
  const sid = Buffer.from(login.sid).toString('hex');
  await query(estate, 'mi-west', `CREATE LOGIN [${name}] WITH PASSWORD = N'${password}', SID = 0x${sid}`);
}

/** Every row that was promised, looked for on an instance by an administrator. */
export function verifyOn(estate: RunningEstate, name: string, writer: WorkloadWriter): Promise<Verification> {
  const { host, port, adminLogin, adminPassword } = estate.instance(name);
  return verify(writer.acknowledged, {
    host,
    port,
    database: 'Sales',
    user: adminLogin,
    password: adminPassword,
  });
}

/** One query by the administrator of an instance, over the wire, in master. */
export async function query<Row>(estate: RunningEstate, name: string, text: string): Promise<Row[]> {
  const { host, port, adminLogin, adminPassword } = estate.instance(name);
  const pool = await new sql.ConnectionPool({
    server: host,
    port,
    database: 'master',
    user: adminLogin,
    password: adminPassword,
    pool: { min: 0, max: 1 },
    options: { encrypt: true, trustServerCertificate: true },
  }).connect();
  try {
    const result = await pool.request().query<Row>(text);
    return [...(result.recordset ?? [])];
  } finally {
    await pool.close();
  }
}

/** What the catalog of an instance says of the database, the groups and the login of the application. */
export interface Side {
  readonly state: string | null;
  readonly updateability: string | null;
  /** `name role` of every availability group, distributed ones included; null role = none is known. */
  readonly groups: readonly string[];
  readonly applicationDisabled: boolean | null;
}

export async function sideOf(estate: RunningEstate, name: string): Promise<Side> {
  const [database] = await query<{ state_desc: string; updateability: string | null }>(
    estate,
    name,
    `SELECT state_desc, CAST(DATABASEPROPERTYEX(name, 'Updateability') AS nvarchar(60)) AS updateability
FROM sys.databases WHERE name = N'Sales'`,
  );
  const groups = await query<{ name: string; role_desc: string | null }>(
    estate,
    name,
    `SELECT ag.name, ars.role_desc FROM sys.availability_groups AS ag
LEFT JOIN sys.dm_hadr_availability_replica_states AS ars ON ars.group_id = ag.group_id AND ars.is_local = 1
ORDER BY ag.name`,
  );
  const [login] = await query<{ is_disabled: boolean }>(
    estate,
    name,
    `SELECT is_disabled FROM sys.server_principals WHERE name = N'${APPLICATION.name}'`,
  );
  return {
    state: database?.state_desc ?? null,
    updateability: database?.updateability ?? null,
    groups: groups.map((group) => `${group.name} ${group.role_desc}`),
    applicationDisabled: login?.is_disabled ?? null,
  };
}

/** Looks often until what is seen fits. @returns it. @throws Error with what was seen last, after `limitMs` */
export async function untilSeen<Seen>(
  what: string,
  look: () => Seen | Promise<Seen>,
  fits: (seen: Seen) => boolean,
  limitMs = 60_000,
): Promise<Seen> {
  let seen = await look();
  const isSo = async (): Promise<boolean> => {
    if (fits(seen)) return true;
    seen = await look();
    return fits(seen);
  };
  try {
    await until(what, isSo, limitMs);
  } catch (error) {
    throw new Error(`${String(error)}; seen: ${JSON.stringify(seen)}`, { cause: error });
  }
  return seen;
}

/** The application goes on writing, wherever it was turned to. @param rows that are acknowledged from now on */
export function untilItWrites(writer: WorkloadWriter, rows = 10): Promise<void> {
  const before = writer.report().acknowledged;
  return until('the application writes', () => writer.report().acknowledged >= before + rows);
}

/** Looks often until it is so. @throws Error naming what was waited for, after `limitMs` */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 55_000,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`it was not so after ${limitMs} ms: ${what}`);
    await delay(25);
  }
}
