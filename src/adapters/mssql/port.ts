/** SqlServerPort over the mssql driver (TDS). */
import { BigInt as BigIntType, Int, NVarChar, Request } from 'mssql';
import type { SecretReference } from '../../model/secret-reference';
import type { Query, Statement } from '../../model/statement';
import type { Clock } from '../../ports/clock';
import { SqlServerFailure } from '../../ports/failures';
import type { SecretsPort } from '../../ports/secrets';
import type { SqlCallOptions, SqlServerPort } from '../../ports/sql-server';
import { inDatabase } from '../../tsql/in-database';
import { secretsOf } from '../../tsql/secrets';
import type { Transports } from '../transports';
import type { Credentials } from './config';
import { Stopped, withDeadline } from './deadline';
import { type FailureContext, requestFailure, stoppedFailure } from './failure';
import { LazyPool } from './pool';
import { scrub } from './scrub';

export interface SqlServerPortOptions {
  /** Name in the inventory, for messages. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls: {
    readonly mode: 'strict' | 'required' | 'off';
    readonly caFile?: string | undefined;
    readonly serverName?: string | undefined;
    readonly trustServerCertificate: boolean;
  };
  readonly authentication:
    | { readonly type: 'sql'; readonly user: string; readonly password: SecretReference }
    | { readonly type: 'entra'; readonly tokenScope: string };
  /** Shows in sys.dm_exec_sessions.program_name. */
  readonly applicationName?: string;
}

export interface SqlServerPortDependencies {
  readonly secrets: SecretsPort;
  readonly clock: Clock;
  /** Token for `tokenScope`, still valid for a while; asked for each new connection. Needed for type `entra`. */
  readonly accessToken?: () => Promise<string>;
  /** In place of TCP. */
  readonly connectSql?: Transports['connectSql'] | undefined;
}

export type ClosableSqlServerPort = SqlServerPort & { close(): Promise<void> };

const QUERY_DEADLINE_MS = 30_000;
const STATEMENT_DEADLINE_MS = 120_000;

/**
 * Opens nothing yet: the first request connects. Statements and queries for master run as they are, on connections
 * that never leave master; those for another database run inside sp_executesql behind a USE, whose effect ends with
 * the call. So one small pool serves all databases of an instance, none of them is held open by an idle connection,
 * and the order of requests does not matter (mssql does not reset connections between borrowers).
 */
export function createSqlServerPort(
  options: SqlServerPortOptions,
  dependencies: SqlServerPortDependencies,
): ClosableSqlServerPort {
  const { name, tls, host, port } = options;
  const { connectSql } = dependencies;
  const pool = new LazyPool({
    server: name,
    target: {
      host,
      port,
      tls,
      applicationName: options.applicationName ?? 'sqlferry',
    },
    caFile: tls.caFile,
    credentials: () => readCredentials(options, dependencies),
    connector: connectSql && ((signal) => connectSql(host, port, signal)),
  });
  const run = (call: Call): Promise<readonly DriverRow[]> => runCall(pool, dependencies.clock, name, call);
  return {
    name,
    async query<Row>(query: Query<Row>, callOptions: SqlCallOptions = {}): Promise<readonly Row[]> {
      const rows = await run({
        id: query.id,
        text: query.text,
        database: query.database,
        parameters: query.parameters,
        as: 'procedure-call',
        deadlineMs: callOptions.deadlineMs ?? QUERY_DEADLINE_MS,
        options: callOptions,
        secrets: [],
      });
      return rows.map((row) => query.decode(row));
    },
    async execute(statement: Statement, callOptions: SqlCallOptions = {}): Promise<void> {
      await run({
        id: statement.id,
        text: statement.text,
        database: statement.database,
        parameters: {},
        as: 'batch',
        deadlineMs: callOptions.deadlineMs ?? STATEMENT_DEADLINE_MS,
        options: callOptions,
        secrets: secretsOf(statement),
      });
    },
    close: () => pool.close(),
  };
}

type DriverRow = Readonly<Record<string, unknown>>;

interface Call {
  readonly id: string;
  readonly text: string;
  readonly database: string;
  readonly parameters: Readonly<Record<string, string | number>>;
  readonly as: 'batch' | 'procedure-call';
  readonly deadlineMs: number;
  readonly options: SqlCallOptions;
  readonly secrets: readonly string[];
}

async function runCall(
  pool: LazyPool,
  clock: Clock,
  server: string,
  call: Call,
): Promise<readonly DriverRow[]> {
  let request: Request | undefined;
  let stopped = false;
  const context = (): FailureContext => ({
    server,
    statementId: call.id,
    secrets: [...pool.knownSecrets, ...call.secrets],
  });
  const work = async (): Promise<readonly DriverRow[]> => {
    const connected = await pool.get();
    if (stopped) return [];
    request = new Request(connected);
    return send(request, call, context);
  };
  const cancel = (): void => {
    stopped = true;
    request?.cancel();
  };
  try {
    return await withDeadline(work, cancel, {
      deadlineMs: call.deadlineMs,
      signal: call.options.signal,
      clock,
    });
  } catch (error) {
    throw translate(error, pool, context(), call);
  }
}

async function send(
  request: Request,
  call: Call,
  context: () => FailureContext,
): Promise<readonly DriverRow[]> {
  listen(request, call, context);
  for (const [parameter, value] of Object.entries(call.parameters)) {
    if (typeof value === 'string') request.input(parameter, NVarChar, value);
    else
      request.input(
        parameter,
        Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? Int : BigIntType,
        value,
      );
  }
  const isElsewhere = call.database.toLowerCase() !== 'master';
  // A batch may change the connection's database for good, so text for another database always goes as sp_executesql.
  const result =
    call.as === 'batch' && !isElsewhere
      ? await request.batch<DriverRow>(call.text)
      : await request.query<DriverRow>(isElsewhere ? inDatabase(call.database, call.text) : call.text);
  return result.recordset ?? [];
}

/** Changed database context, changed language: told on every USE and login, of no use to a person. */
const CONTEXT_CHANGES: ReadonlySet<number> = new Set([5701, 5703]);

function listen(request: Request, call: Call, context: () => FailureContext): void {
  const { onMessage } = call.options;
  if (onMessage === undefined) return;
  request.on('info', ({ number, message }: { number: number; message: string }) => {
    if (CONTEXT_CHANGES.has(number)) return;
    onMessage({ number, text: scrub(message, context().secrets) });
  });
}

function translate(error: unknown, pool: LazyPool, context: FailureContext, call: Call): unknown {
  if (error instanceof Stopped) {
    const detail =
      error.reason === 'timeout' ? `no result within ${call.deadlineMs} ms` : 'cancelled by its caller';
    return stoppedFailure(error.reason, context, detail);
  }
  const failure = toFailure(error, pool, context);
  // Password and authority may have been renewed meanwhile: the next connection reads both again.
  const isTrust =
    failure instanceof SqlServerFailure && ['login-failed', 'tls'].includes(failure.transport ?? '');
  if (isTrust) pool.discard();
  return failure;
}

function toFailure(error: unknown, pool: LazyPool, context: FailureContext): unknown {
  // Already translated (connecting), or not of the driver at all (a secret that cannot be read).
  if (!(error instanceof Error) || error instanceof SqlServerFailure || error.name === 'SecretFailure')
    return error;
  return pool.connectFailure(error) ?? requestFailure(error, context);
}

async function readCredentials(
  options: SqlServerPortOptions,
  dependencies: SqlServerPortDependencies,
): Promise<Credentials> {
  const { authentication } = options;
  if (authentication.type === 'sql') {
    const password = await dependencies.secrets.read(authentication.password);
    return { type: 'sql', user: authentication.user, password };
  }
  if (dependencies.accessToken === undefined) {
    throw new SqlServerFailure(
      options.name,
      'connect',
      [],
      'login-failed',
      `${options.name}: connect: no source of Microsoft Entra access tokens is set up`,
    );
  }
  return { type: 'entra', accessToken: dependencies.accessToken };
}
