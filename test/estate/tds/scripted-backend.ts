/**
 * A backend for the wire's tests: a handful of made-up statements, each of which shows one behaviour of the protocol.
 * It knows nothing of SQL beyond those.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SqlError, SqlErrors } from '../../../estate/sql/errors';
import {
  type SqlColumn,
  SqlDateTime,
  SqlDateTimeOffset,
  SqlDecimal,
  type SqlParameter,
  SqlTime,
  type SqlType,
  type SqlValue,
  SqlVariant,
} from '../../../estate/sql/types';
import type {
  LoginVerdict,
  TdsBackend,
  TdsLogin,
  TdsMessage,
  TdsOutput,
  TdsRequest,
  TdsServerIdentity,
  TdsSession,
  TransactionRequest,
} from '../../../estate/tds/backend';
import { SAMPLE_COLUMNS, SAMPLE_ROW } from './samples';

export const USER = 'sa';
export const PASSWORD = 'Pässw0rd!';
export const ACCESS_TOKEN = 'eyJ.simulated.token';

const INT: SqlType = { kind: 'int' };

const column = (name: string, type: SqlType, nullable = true): SqlColumn => ({ name, type, nullable });

const information = (number: number, message: string, severity = 0, state = 1): TdsMessage => ({
  number,
  severity,
  state,
  message,
});

export class ScriptedBackend implements TdsBackend {
  readonly sessions: ScriptedSession[] = [];
  readonly logins: TdsLogin[] = [];
  /** Overrides the verdict on logins, for scripted faults. */
  verdict: ((login: TdsLogin) => LoginVerdict | undefined) | undefined;

  constructor(private readonly entra = false) {}

  get identity(): TdsServerIdentity {
    return {
      serverName: 'SQL-A',
      programName: 'Microsoft SQL Server',
      version: { major: 16, minor: 0, build: 4135, revision: 4 },
      ...(this.entra
        ? {
            fedAuth: {
              stsUrl: 'https://login.microsoftonline.com/common',
              spn: 'https://database.windows.net/',
            },
          }
        : {}),
    };
  }

  async login(login: TdsLogin, spid: number, terminate: () => void): Promise<LoginVerdict> {
    this.logins.push(login);
    const scripted = this.verdict?.(login);
    if (scripted !== undefined) return scripted;
    const errors = this.objections(login);
    if (errors.length > 0) return { kind: 'refused', errors };
    const session = new ScriptedSession(spid, login.database || 'master', terminate, this);
    this.sessions.push(session);
    return { kind: 'accepted', session };
  }

  private objections(login: TdsLogin): TdsMessage[] {
    const failed = information(18456, `Login failed for user '${login.user}'.`, 14);
    if (login.accessToken !== undefined) return login.accessToken === ACCESS_TOKEN ? [] : [failed];
    if (login.user !== USER || login.password !== PASSWORD) return [failed];
    if (login.database !== 'missing') return [];
    const unknown = `Cannot open database "${login.database}" requested by the login. The login failed.`;
    return [information(4060, unknown, 11), failed];
  }

  session(spid: number): ScriptedSession {
    const found = this.sessions.find((session) => session.spid === spid);
    if (found === undefined) throw new Error(`no session ${spid}`);
    return found;
  }
}

interface Context {
  readonly sql: string;
  readonly parameters: readonly SqlParameter[];
  readonly output: TdsOutput;
  readonly signal: AbortSignal;
  readonly session: ScriptedSession;
}

type Handler = (context: Context, match: RegExpExecArray) => void | Promise<void>;

export class ScriptedSession implements TdsSession {
  transactionDepth = 0;
  readonly transactions: TransactionRequest[] = [];
  readonly requests: TdsRequest[] = [];
  resets = 0;
  closed = false;
  /** Rows sent by the last `rows` statement before it ended or was stopped. */
  rowsSent = 0;

  constructor(
    readonly spid: number,
    public database: string,
    readonly terminate: () => void,
    readonly backend: ScriptedBackend,
  ) {}

  async execute(request: TdsRequest, output: TdsOutput, signal: AbortSignal): Promise<void> {
    this.requests.push(request);
    if (request.kind === 'procedure') {
      this.procedure(request.name, request.parameters, output);
      return;
    }
    const parameters = request.kind === 'statement' ? request.parameters : [];
    const sql = request.sql.trim();
    for (const [pattern, handler] of HANDLERS) {
      const match = pattern.exec(sql);
      if (match !== null) return handler({ sql, parameters, output, signal, session: this }, match);
    }
    throw new SqlError(102, `Incorrect syntax near '${sql.slice(0, 20)}'.`, { severity: 15 });
  }

  private procedure(name: string, parameters: readonly SqlParameter[], output: TdsOutput): void {
    if (!/sp_demo/.test(name)) {
      throw new SqlError(2812, `Could not find stored procedure '${name}'.`, { state: 62 });
    }
    const x = parameters.find((parameter) => parameter.name === 'x') ?? parameters[0];
    const value = typeof x?.value === 'number' || typeof x?.value === 'bigint' ? Number(x.value) : 0;
    output.columns([column('a', INT)]);
    output.row([value]);
    output.endRows();
    output.outputParameter('y', INT, value * 2);
    output.returnStatus(7);
  }

  async transaction(request: TransactionRequest): Promise<void> {
    this.transactions.push(request);
    switch (request.kind) {
      case 'begin':
        this.transactionDepth++;
        return;
      case 'commit':
        if (this.transactionDepth === 0) {
          throw new SqlError(3902, 'The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.');
        }
        this.transactionDepth--;
        return;
      case 'rollback':
        this.transactionDepth = 0;
        return;
      case 'save':
        return;
    }
  }

  async reset(keepTransaction: boolean): Promise<void> {
    this.resets++;
    this.database = 'master';
    if (!keepTransaction) this.transactionDepth = 0;
  }

  close(): void {
    this.closed = true;
  }
}

function one(output: TdsOutput, name: string, type: SqlType, value: SqlValue): void {
  output.columns([column(name, type)]);
  output.row([value]);
  output.endRows();
}

async function rows({ output, session }: Context, count: number): Promise<void> {
  session.rowsSent = 0;
  output.columns([column('n', INT, false), column('s', { kind: 'nvarchar', length: 100 })]);
  for (let n = 0; n < count; n++) {
    await output.row([n, `row ${n}`]);
    session.rowsSent++;
  }
  output.endRows();
}

/** Text of a value, so that a test can see what the server made of a parameter. */
export function describe(value: SqlValue): string {
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex')}`;
  if (value instanceof SqlDecimal) return `${value.unscaled}e-${value.scale}`;
  if (value instanceof SqlDateTime || value instanceof SqlTime) return `${value.ticks}`;
  if (value instanceof SqlDateTimeOffset) return `${value.utcTicks}/${value.offsetMinutes}`;
  if (value instanceof SqlVariant) return `variant ${value.type.kind} ${describe(value.value)}`;
  return String(value);
}

function describeType(type: SqlType): string {
  if ('length' in type) return `${type.kind}(${type.length})`;
  if ('precision' in type) return `${type.kind}(${type.precision},${type.scale})`;
  return 'scale' in type ? `${type.kind}(${type.scale})` : type.kind;
}

async function backup({ output, signal }: Context): Promise<void> {
  for (const percent of [10, 20, 30]) {
    output.info(information(3211, `${percent} percent processed.`), true);
    await sleep(20, undefined, { signal });
  }
  output.info(information(3014, 'BACKUP DATABASE successfully processed 330 pages.'));
}

const HANDLERS: readonly (readonly [RegExp, Handler])[] = [
  [/^begin tran/i, (c) => beginTransaction(c)],
  [/^commit/i, (c) => endTransaction(c, 'commit')],
  [/^(if @@trancount.*)?rollback/i, (c) => endTransaction(c, 'rollback')],
  [/^(set |$|if )/i, () => undefined],
  [
    /^use \[?(\w+)\]?/i,
    ({ session, output }, match) => {
      session.database = match[1] ?? 'master';
      output.useDatabase(session.database);
    },
  ],
  [/^waitfor/i, async ({ signal }) => void (await sleep(60_000, undefined, { signal }))],
  [/^stubborn/, (c) => new Promise((resolve) => c.signal.addEventListener('abort', () => resolve()))],
  [/^backup/i, backup],
  [
    /^print/i,
    ({ output }) => {
      output.info(information(0, 'hello'));
      output.info(information(50000, 'warn', 10, 3));
    },
  ],
  [
    /^fail (\d+)/,
    (_, match) => {
      throw new SqlError(Number(match[1]), `fault ${match[1]}`, {
        state: 9,
        line: 12,
        procedure: 'dbo.demo',
      });
    },
  ],
  [
    /^fail-two/,
    () => {
      throw new SqlErrors([
        new SqlError(3201, 'Cannot open backup device', { state: 2 }),
        new SqlError(3013, 'BACKUP DATABASE is terminating abnormally.'),
      ]);
    },
  ],
  [
    /^fatal/,
    () => {
      throw new SqlError(9001, 'The log is not available', { severity: 21 });
    },
  ],
  [
    /^bug/,
    () => {
      throw new Error('a bug of the backend');
    },
  ],
  [
    /^continue-after-error/,
    ({ output }) => {
      output.error(information(8134, 'Divide by zero error encountered.', 16));
      output.affected();
      one(output, 'after', INT, 1);
    },
  ],
  [
    /^rows-then-fail/,
    ({ output }) => {
      output.columns([column('n', INT, false)]);
      for (const n of [0, 1, 2]) output.row([n]);
      throw new SqlError(8134, 'Divide by zero error encountered.');
    },
  ],
  [/^rows (\d+)/, (c, match) => rows(c, Number(match[1]))],
  [/^endless/, (c) => rows(c, Number.MAX_SAFE_INTEGER)],
  [
    /^types/,
    ({ output }) => {
      output.columns(SAMPLE_COLUMNS);
      output.row(SAMPLE_ROW);
      output.row(SAMPLE_ROW.map(() => null));
      output.row(SAMPLE_ROW.map((value, index) => (index % 2 === 0 ? value : null)));
    },
  ],
  [
    /^echo/,
    ({ output, parameters }) => {
      output.columns(parameters.map(({ name }) => column(name, { kind: 'nvarchar', length: 'max' })));
      output.row(parameters.map(({ type, value }) => `${describeType(type)}=${describe(value)}`));
    },
  ],
  [
    /^two/,
    ({ output }) => {
      one(output, 'a', INT, 1);
      one(output, 'b', { kind: 'nvarchar', length: 10 }, 'x');
      output.affected(5, 'update');
    },
  ],
  [
    /^big (\d+)/,
    ({ output }, match) =>
      one(output, 'big', { kind: 'varbinary', length: 'max' }, Buffer.alloc(Number(match[1]), 7)),
  ],
  [
    /^drop (before|rows) (fin|rst|hang)/,
    async ({ output }, match) => {
      if (match[1] === 'rows') {
        output.columns([column('n', INT, false)]);
        output.row([1]);
        output.flush();
      }
      const how = match[2];
      if (how === 'fin' || how === 'rst' || how === 'hang') output.drop(how);
    },
  ],
  [
    /^kill (\d+)/,
    ({ session, output }, match) => {
      session.backend.session(Number(match[1])).terminate();
      output.affected();
    },
  ],
  [/^select @@spid/i, ({ output, session }) => one(output, 'spid', { kind: 'smallint' }, session.spid)],
  [
    /^select db_name/i,
    ({ output, session }) => one(output, 'db', { kind: 'nvarchar', length: 128 }, session.database),
  ],
  // jTDS asks for it at every login
  [/^select @@max_precision/i, ({ output }) => one(output, '', { kind: 'tinyint' }, 38)],
  [/^select @@trancount/i, ({ output, session }) => one(output, 'n', INT, session.transactionDepth)],
  [
    /^select @@version/i,
    ({ output }) => one(output, '', { kind: 'nvarchar', length: 300 }, 'Microsoft SQL Server 2022'),
  ],
  [/^len/, ({ output, sql }) => one(output, 'n', INT, sql.length)],
  [/^select 1/i, ({ output }) => one(output, '', INT, 1)],
  [
    /^set-output/,
    ({ output, parameters }) => {
      for (const { name, type, value, output: wanted } of parameters) {
        if (wanted) output.outputParameter(name, type, typeof value === 'number' ? value + 1 : value);
      }
    },
  ],
  [
    /^wrong-value/,
    ({ output }) => {
      output.columns([column('n', INT)]);
      output.row([1]);
      output.row(['not a number']);
    },
  ],
];

function beginTransaction({ session, output }: Context): void {
  session.transactionDepth++;
  if (session.transactionDepth === 1) output.transaction('begin');
}

function endTransaction({ session, output }: Context, how: 'commit' | 'rollback'): void {
  if (session.transactionDepth === 0) return;
  session.transactionDepth = how === 'commit' ? session.transactionDepth - 1 : 0;
  if (session.transactionDepth === 0) output.transaction(how);
}
