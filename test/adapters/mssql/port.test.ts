/** The adapter with the real driver against a real socket. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SqlError, SqlErrors } from '../../../estate/sql/errors';
import {
  type ClosableSqlServerPort,
  createSqlServerPort,
  type SqlServerPortDependencies,
  type SqlServerPortOptions,
} from '../../../src/adapters/mssql/port';
import { secretReferenceSchema } from '../../../src/model/secret-reference';
import type { Query, Statement } from '../../../src/model/statement';
import type { Clock } from '../../../src/ports/clock';
import { SecretFailure, SqlServerFailure } from '../../../src/ports/failures';
import { createMasterKey } from '../../../src/tsql/master-key';
import {
  BIGINT,
  message,
  NVARCHAR,
  PASSWORD,
  rows,
  ScriptedServer,
  serverCertificate,
  USER,
  untilAborted,
} from './scripted-server';

const clock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => void (await sleep(ms, undefined, signal === undefined ? {} : { signal })),
};

const password = secretReferenceSchema.parse('env:SQL_PASSWORD');

let server: ScriptedServer;
const ports: ClosableSqlServerPort[] = [];
const servers: ScriptedServer[] = [];

async function start(...options: Parameters<typeof ScriptedServer.start>): Promise<ScriptedServer> {
  const started = await ScriptedServer.start(...options);
  servers.push(started);
  return started;
}

function open(
  options: Partial<SqlServerPortOptions> = {},
  dependencies: Partial<SqlServerPortDependencies> = {},
): ClosableSqlServerPort {
  const port = createSqlServerPort(
    {
      name: 'prod-1',
      host: '127.0.0.1',
      port: server.port,
      tls: { mode: 'off', trustServerCertificate: false },
      authentication: { type: 'sql', user: USER, password },
      ...options,
    },
    { clock, secrets: { read: async () => PASSWORD }, ...dependencies },
  );
  ports.push(port);
  return port;
}

beforeEach(async () => {
  server = await start();
});

afterEach(async () => {
  await Promise.all(ports.splice(0).map((port) => port.close()));
  await Promise.all(servers.splice(0).map((one) => one.close()));
});

async function failureOf(work: Promise<unknown>): Promise<SqlServerFailure> {
  const outcome: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof SqlServerFailure))
    throw new Error(`expected a SqlServerFailure, got ${String(outcome)}`);
  return outcome;
}

const statement = (text: string, database = 'master'): Statement => ({
  id: 'test-statement',
  text,
  display: text,
  database,
});

const query = (text: string, parameters: Query<unknown>['parameters'] = {}, database = 'master') => ({
  id: 'test-query',
  text,
  parameters,
  database,
  decode: (row: Readonly<Record<string, unknown>>) => row,
});

describe('requests', () => {
  test('a query travels as a parameterised call, its rows are decoded', async () => {
    server.answer = (_request, output) =>
      rows(output, { name: NVARCHAR, size: BIGINT }, ['Sales', 2n ** 60n]);
    const result = await open().query({
      ...query('SELECT @database, @big, @small', { database: "x'; --", big: 2 ** 40, small: 7 }),
      decode: (row) => `${row.name} ${row.size}`,
    });
    expect(result).toEqual(['Sales 1152921504606846976']);
    expect(server.requests).toEqual([
      {
        kind: 'statement',
        sql: 'SELECT @database, @big, @small',
        parameters: [
          expect.objectContaining({
            name: 'database',
            type: expect.objectContaining({ kind: 'nvarchar' }),
            value: "x'; --",
          }),
          expect.objectContaining({ name: 'big', type: { kind: 'bigint' }, value: 2n ** 40n }),
          expect.objectContaining({ name: 'small', type: { kind: 'int' }, value: 7 }),
        ],
      },
    ]);
  });

  test('a query without a result set has no rows', async () => {
    await expect(open().query(query('DBCC TRACESTATUS (-1)'))).resolves.toEqual([]);
  });

  test('a statement for master is a batch; connections stay in master', async () => {
    const port = open();
    await port.execute(statement('DROP AVAILABILITY GROUP [AG];'));
    expect(server.requests).toEqual([{ kind: 'batch', sql: 'DROP AVAILABILITY GROUP [AG];' }]);
    expect(server.logins.map((login) => [login.database, login.applicationName])).toEqual([
      ['master', 'sqlferry'],
      ['master', 'sqlferry'],
    ]);
  });

  test('another database is entered inside the call, so that it ends with it', async () => {
    const port = open();
    await port.execute(statement('CREATE TABLE dbo.t (a int);', 'Sa]les'));
    await port.query(query('SELECT 1', {}, 'Sa]les'));
    expect(server.requests).toEqual([
      expect.objectContaining({ kind: 'statement', sql: 'USE [Sa]]les];\nCREATE TABLE dbo.t (a int);' }),
      expect.objectContaining({ kind: 'statement', sql: 'USE [Sa]]les];\nSELECT 1' }),
    ]);
  });

  test('messages of the server arrive while it works', async () => {
    const heard: string[] = [];
    let finish = (): void => undefined;
    const heardFirst = new Promise<void>((resolve) => {
      finish = resolve;
    });
    server.answer = async (_request, output) => {
      output.info(message(5701, "Changed database context to 'master'.", 0));
      output.info(message(3211, '5 percent processed.', 0), true);
      await heardFirst;
      output.info(message(3014, 'BACKUP LOG successfully processed 3 pages.', 0));
    };
    await open().execute(statement('BACKUP LOG'), {
      onMessage: ({ number, text }) => {
        heard.push(`${number} ${text}`);
        finish();
      },
    });
    expect(heard).toEqual(['3211 5 percent processed.', '3014 BACKUP LOG successfully processed 3 pages.']);
  });
});

describe('server errors', () => {
  test('all numbers are kept, the cause first', async () => {
    server.answer = () => {
      throw new SqlErrors([
        new SqlError(3201, "Cannot open backup device 'D:\\x.trn'.", { state: 2 }),
        new SqlError(3013, 'BACKUP LOG is terminating abnormally.'),
      ]);
    };
    const failure = await failureOf(open().execute(statement('BACKUP LOG [x]')));
    expect(failure).toMatchObject({ server: 'prod-1', statementId: 'test-statement', transport: undefined });
    expect(failure.errors).toEqual([
      { number: 3201, severity: 16, state: 2, message: "Cannot open backup device 'D:\\x.trn'." },
      { number: 3013, severity: 16, state: 1, message: 'BACKUP LOG is terminating abnormally.' },
    ]);
    expect(failure.message).toContain('Msg 3201');
    expect(failure.message).toContain('Msg 3013');
  });

  test('the same through a parameterised call', async () => {
    server.answer = () => {
      throw new SqlErrors([new SqlError(41158, 'Failed to join.'), new SqlError(47106, 'Cannot join.')]);
    };
    const failure = await failureOf(open().query(query('SELECT 1')));
    expect(failure.errors.map((error) => error.number)).toEqual([41158, 47106]);
  });

  test('an error that ends the connection is told as such', async () => {
    server.answer = () => {
      throw new SqlError(596, 'Cannot continue the execution because the session is in the kill state.', {
        severity: 21,
      });
    };
    const failure = await failureOf(open().execute(statement('x')));
    expect(failure.transport).toBe('connection-lost');
    expect(failure.errors).toEqual([expect.objectContaining({ number: 596, severity: 21 })]);
  });

  test('what a decoder refuses is thrown as it is', async () => {
    server.answer = (_request, output) => rows(output, { a: NVARCHAR }, ['x']);
    const broken = {
      ...query('SELECT 1'),
      decode: () => {
        throw new TypeError('no such row');
      },
    };
    await expect(open().query(broken)).rejects.toThrow(TypeError);
  });
});

describe('secrets', () => {
  test('the password of a master key is masked in errors and messages', async () => {
    const heard: string[] = [];
    server.answer = (request, output) => {
      const sql = request.kind === 'batch' ? request.sql : '';
      output.info(message(50000, `running ${sql}`, 0));
      throw new SqlError(102, `Incorrect syntax near 'Tr0ub4dor&3'. ${sql.slice(0, -6)}`, { severity: 15 });
    };
    const create = createMasterKey({ password: 'Tr0ub4dor&3' });
    const failure = await failureOf(open().execute(create, { onMessage: ({ text }) => heard.push(text) }));
    expect(JSON.stringify([failure, failure.message, heard])).not.toContain('Tr0u');
    expect(failure.errors[0]?.message).toContain("near '********'");
  });

  test('the password of the connection, keys and tokens are masked', async () => {
    const key = 'ab'.repeat(40);
    server.answer = () => {
      throw new SqlError(
        50000,
        `user ferry with ${PASSWORD} sent 0x${key} and ${key}, sig=abc%2Fdef&x=1 pwd=hello;`,
      );
    };
    const failure = await failureOf(open().execute(statement('x')));
    expect(failure.errors[0]?.message).toBe(
      'user ferry with ******** sent 0x<masked> and <masked>, sig=********&x=1 pwd=********;',
    );
  });
});

describe('connecting', () => {
  test('nothing is opened before the first request', async () => {
    open();
    await sleep(20);
    expect(server.logins).toHaveLength(0);
  });

  test('a refused login keeps every number, also those that the driver drops', async () => {
    server.verdict = () => ({
      kind: 'refused',
      errors: [
        message(4060, 'Cannot open database "master" requested by the login. The login failed.', 11),
        message(18456, "Login failed for user 'ferry'.", 14),
      ],
    });
    const failure = await failureOf(open().query(query('SELECT 1')));
    expect(failure).toMatchObject({ statementId: 'connect', transport: 'login-failed' });
    expect(failure.errors.map((error) => error.number)).toEqual([4060, 18456]);
    expect(server.logins).toHaveLength(1);
  });

  test('after a refused login the password is read again', async () => {
    server.password = 'changed';
    const passwords = [PASSWORD, 'changed'];
    const port = open({}, { secrets: { read: async () => passwords.shift() ?? '' } });
    expect((await failureOf(port.query(query('SELECT 1')))).transport).toBe('login-failed');
    await expect(port.query(query('SELECT 1'))).resolves.toEqual([]);
  });

  test('a password that changes while the pool stands is taken up as well', async () => {
    let current = PASSWORD;
    const port = open({}, { secrets: { read: async () => current } });
    await port.query(query('SELECT 1'));
    current = 'changed';
    server.password = 'changed';
    server.answer = (_request, output) => output.drop('fin');
    expect((await failureOf(port.query(query('SELECT 1')))).transport).toBe('connection-lost');
    server.answer = () => undefined;
    expect((await failureOf(port.query(query('SELECT 1')))).transport).toBe('login-failed');
    await expect(port.query(query('SELECT 1'))).resolves.toEqual([]);
  });

  test('a server that is not ready is no failed login', async () => {
    server.verdict = () => ({
      kind: 'refused',
      errors: [message(40613, "Database 'master' on server 'x' is not currently available.", 17)],
    });
    expect(await failureOf(open().query(query('SELECT 1')))).toMatchObject({
      transport: 'unreachable',
      errors: [expect.objectContaining({ number: 40613 })],
    });
    // The driver's own retries are off.
    expect(server.logins).toHaveLength(1);
  });

  test('nobody listens', async () => {
    const port = await freePort();
    expect(await failureOf(open({ port }).query(query('SELECT 1')))).toMatchObject({
      server: 'prod-1',
      statementId: 'connect',
      transport: 'unreachable',
      errors: [],
    });
  });

  test('after nobody listened, the next request tries anew', async () => {
    const port = open();
    server.verdict = () => ({ kind: 'dropped', how: 'fin' });
    expect((await failureOf(port.query(query('SELECT 1')))).transport).toBe('unreachable');
    server.verdict = () => undefined;
    await expect(port.query(query('SELECT 1'))).resolves.toEqual([]);
  });

  test('a secret that cannot be read is told as that', async () => {
    const read = async (): Promise<string> => {
      throw new SecretFailure('env:SQL_PASSWORD', 'the variable is not set');
    };
    await expect(open({}, { secrets: { read } }).query(query('SELECT 1'))).rejects.toBeInstanceOf(
      SecretFailure,
    );
  });

  test('a closed port refuses', async () => {
    const port = open();
    await port.query(query('SELECT 1'));
    await port.close();
    expect((await failureOf(port.query(query('SELECT 1')))).message).toContain('the port is closed');
  });
});

describe('Microsoft Entra', () => {
  const entra = {
    authentication: { type: 'entra', tokenScope: 'https://database.windows.net/.default' },
  } as const;

  test('each connection asks for a token of its own', async () => {
    let asked = 0;
    const port = open(entra, {
      accessToken: async () => {
        asked += 1;
        return `token-${asked}`;
      },
    });
    await port.query(query('SELECT 1'));
    expect(server.logins.map((login) => login.accessToken)).toEqual(['token-1', 'token-2']);
  });

  test('a token that is not accepted', async () => {
    const failure = await failureOf(
      open(entra, { accessToken: async () => 'expired' }).query(query('SELECT 1')),
    );
    expect(failure.transport).toBe('login-failed');
    expect(failure.errors.map((error) => error.number)).toEqual([18456]);
  });

  test('a token that cannot be had', async () => {
    const accessToken = async (): Promise<string> => {
      throw new Error('the identity service is away');
    };
    expect((await failureOf(open(entra, { accessToken }).query(query('SELECT 1')))).transport).toBe(
      'login-failed',
    );
  });

  test('no source of tokens', async () => {
    expect((await failureOf(open(entra).query(query('SELECT 1')))).message).toContain(
      'no source of Microsoft Entra',
    );
  });
});

describe('TLS', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sqlferry-tls-'));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function secured(dnsName: string, ips: readonly string[] = []) {
    const caFile = join(folder, 'ca.pem');
    const { certPem, keyPem } = await serverCertificate(dnsName, ips);
    await writeFile(caFile, certPem);
    server = await start({ tls: { cert: certPem, key: keyPem }, encryption: 'required' });
    return caFile;
  }

  test('an authority that changes while the pool stands is taken up', async () => {
    const caFile = await secured('sql1.corp');
    const port = open({
      tls: { mode: 'required', caFile, serverName: 'sql1.corp', trustServerCertificate: false },
    });
    await port.query(query('SELECT 1'));
    await server.close();
    const renewed = await serverCertificate('sql1.corp');
    const tls = { cert: renewed.certPem, key: renewed.keyPem };
    server = await start({ tls, encryption: 'required' }, server.port);
    await expect(untilTlsFails(port)).resolves.toMatchObject({ transport: 'tls' });
    await writeFile(caFile, renewed.certPem);
    await expect(port.query(query('SELECT 1'))).resolves.toEqual([]);
  });

  /** The pool may notice first that its old connection is gone. */
  async function untilTlsFails(port: ClosableSqlServerPort): Promise<SqlServerFailure> {
    const failure = await failureOf(port.query(query('SELECT 1')));
    return failure.transport === 'connection-lost' ? untilTlsFails(port) : failure;
  }

  test.each([
    'required',
    'strict',
  ] as const)('%s: a certificate of the given authority is trusted', async (mode) => {
    const caFile = await secured('sql1.corp');
    const port = open({ tls: { mode, caFile, serverName: 'sql1.corp', trustServerCertificate: false } });
    await expect(port.query(query('SELECT 1'))).resolves.toEqual([]);
  });

  test.each(['required', 'strict'] as const)('%s: an unknown authority is refused', async (mode) => {
    await secured('sql1.corp');
    const port = open({ tls: { mode, serverName: 'sql1.corp', trustServerCertificate: false } });
    const failure = await failureOf(port.query(query('SELECT 1')));
    expect(failure).toMatchObject({ statementId: 'connect', transport: 'tls' });
    expect(failure.message).toMatch(/self-signed certificate/);
  });

  test.each([
    'required',
    'strict',
  ] as const)('%s: a certificate for another name is refused', async (mode) => {
    const caFile = await secured('other.corp');
    const port = open({ tls: { mode, caFile, serverName: 'sql1.corp', trustServerCertificate: false } });
    expect(await failureOf(port.query(query('SELECT 1')))).toMatchObject({ transport: 'tls' });
  });

  test('an address is checked against the addresses of the certificate', async () => {
    const caFile = await secured('sql1.corp', ['127.0.0.1']);
    const port = open({ tls: { mode: 'required', caFile, trustServerCertificate: false } });
    await expect(port.query(query('SELECT 1'))).resolves.toEqual([]);
  });

  test('trustServerCertificate takes any', async () => {
    await secured('other.corp');
    const port = open({ tls: { mode: 'required', trustServerCertificate: true } });
    await expect(port.query(query('SELECT 1'))).resolves.toEqual([]);
  });

  test('a server without encryption is refused: no login in clear', async () => {
    const port = open({ tls: { mode: 'required', trustServerCertificate: true } });
    expect((await failureOf(port.query(query('SELECT 1')))).transport).toBe('tls');
    expect(server.logins).toHaveLength(0);
  });

  test('a server that insists on encryption is told as that', async () => {
    await secured('sql1.corp');
    const failure = await failureOf(open().query(query('SELECT 1')));
    expect(failure.transport).toBe('tls');
    expect(failure.message).toContain('requires encryption');
  });

  test('an authority that cannot be read', async () => {
    const caFile = join(folder, 'absent.pem');
    const port = open({ tls: { mode: 'required', caFile, trustServerCertificate: false } });
    const failure = await failureOf(port.query(query('SELECT 1')));
    expect(failure.transport).toBe('tls');
    expect(failure.message).toContain('absent.pem');
  });
});

describe('stopping', () => {
  test('the deadline holds also after the server has begun to answer', async () => {
    server.answer = async (_request, output, signal) => {
      output.info(message(3211, '5 percent processed.', 0), true);
      await untilAborted(signal);
    };
    const port = open();
    const failure = await failureOf(port.execute(statement('BACKUP'), { deadlineMs: 150 }));
    expect(failure).toMatchObject({ statementId: 'test-statement', transport: 'timeout', errors: [] });
    expect(failure.message).toContain('no result within 150 ms');
  });

  test('the server is told, and the connection serves the next request', async () => {
    let told = false;
    server.answer = async (_request, _output, signal) => {
      await untilAborted(signal);
      told = true;
    };
    const port = open();
    await failureOf(port.execute(statement('WAITFOR'), { deadlineMs: 100 }));
    expect(told).toBe(true);
    const loginsBefore = server.logins.length;
    server.answer = () => undefined;
    await port.execute(statement('x'));
    expect(server.logins).toHaveLength(loginsBefore);
  });

  test('the deadline covers connecting', async () => {
    server.verdict = () => ({ kind: 'dropped', how: 'hang' });
    const port = open();
    const failure = await failureOf(port.query(query('SELECT 1'), { deadlineMs: 50 }));
    expect(failure.transport).toBe('timeout');
    expect(server.connectionCount).toBe(1);
    await port.close();
  });

  test('a server that does not answer the cancellation is left', async () => {
    server.answer = (_request, output) => output.drop('hang');
    const failure = await failureOf(open().query(query('SELECT 1'), { deadlineMs: 50 }));
    expect(failure.transport).toBe('timeout');
  });

  test('the caller gives up', async () => {
    const caller = new AbortController();
    server.answer = async (_request, _output, signal) => {
      caller.abort();
      await untilAborted(signal);
    };
    const failure = await failureOf(open().execute(statement('x'), { signal: caller.signal }));
    expect(failure.transport).toBe('cancelled');
  });

  test('the caller has given up before', async () => {
    const failure = await failureOf(open().execute(statement('x'), { signal: AbortSignal.abort() }));
    expect(failure.transport).toBe('cancelled');
    expect(server.logins).toHaveLength(0);
  });
});

describe('lost connections', () => {
  test.each(['fin', 'rst'] as const)('%s before the answer', async (how) => {
    server.answer = (_request, output) => output.drop(how);
    const port = open();
    const failure = await failureOf(port.execute(statement('ALTER AVAILABILITY GROUP [DAG] FAILOVER;')));
    expect(failure).toMatchObject({ statementId: 'test-statement', transport: 'connection-lost' });
    server.answer = () => undefined;
    await port.execute(statement('x'));
  });

  test('in the middle of the rows', async () => {
    server.answer = (_request, output) => {
      output.columns([{ name: 'a', type: NVARCHAR, nullable: true }]);
      void output.row(['x']);
      output.flush();
      output.drop('rst');
    };
    expect((await failureOf(open().query(query('SELECT a')))).transport).toBe('connection-lost');
  });

  test('an idle connection that ends does not end the process, and is replaced', async () => {
    const port = open();
    await port.query(query('SELECT 1'));
    await server.close();
    servers.splice(servers.indexOf(server), 1);
    // The driver may or may not have heard of it yet.
    const first = await failureOf(port.query(query('SELECT 1')));
    expect(['connection-lost', 'unreachable']).toContain(first.transport);
    expect((await failureOf(port.query(query('SELECT 1')))).transport).toBe('unreachable');
  });
});

test('requests run side by side', async () => {
  let running = 0;
  let most = 0;
  let release = (): void => undefined;
  const all = new Promise<void>((resolve) => {
    release = resolve;
  });
  server.answer = async () => {
    running += 1;
    most = Math.max(most, running);
    if (running === 4) release();
    await all;
  };
  const port = open();
  await Promise.all(Array.from({ length: 4 }, () => port.query(query('SELECT 1'))));
  expect(most).toBe(4);
});

async function freePort(): Promise<number> {
  const probe: Server = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 1;
}
