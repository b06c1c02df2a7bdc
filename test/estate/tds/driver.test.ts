/** The server as the real `mssql` driver sees it, in clear. */
import sql from 'mssql';
import { TdsServer } from '../../../estate/tds/server';
import { SAMPLES } from './samples';
import { PASSWORD, ScriptedBackend, USER } from './scripted-backend';

let backend: ScriptedBackend;
let server: TdsServer;
let config: sql.config;
const pools: sql.ConnectionPool[] = [];

beforeAll(async () => {
  backend = new ScriptedBackend();
  server = new TdsServer({ backend });
  const { port } = await server.listen(0, '127.0.0.1');
  config = {
    server: '127.0.0.1',
    port,
    user: USER,
    password: PASSWORD,
    database: 'master',
    pool: { max: 4 },
    options: { encrypt: false, trustServerCertificate: true },
  };
});

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

afterAll(() => server.close());

async function connect(more: Partial<sql.config> = {}): Promise<sql.ConnectionPool> {
  const pool = new sql.ConnectionPool({ ...config, ...more });
  pool.on('error', () => undefined);
  pools.push(pool);
  return pool.connect();
}

interface Failure {
  readonly code?: string;
  readonly number?: number;
  readonly class?: number;
  readonly state?: number;
  readonly lineNumber?: number;
  readonly serverName?: string;
  readonly procName?: string;
  readonly message: string;
  readonly precedingErrors?: readonly { readonly number: number }[];
}

async function failure(work: Promise<unknown>): Promise<Failure> {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof Error)) throw new Error('it did not fail');
  return outcome;
}

async function spidOf(pool: sql.ConnectionPool): Promise<number> {
  const result = await pool.query<{ spid: number }>('select @@spid');
  return result.recordset[0]?.spid ?? 0;
}

describe('logins', () => {
  test('the backend sees what the client said of itself', async () => {
    await connect({ options: { ...config.options, appName: 'check', readOnlyIntent: true } });
    expect(backend.logins.at(-1)).toMatchObject({
      user: USER,
      password: PASSWORD,
      database: 'master',
      applicationName: 'check',
      readOnlyIntent: true,
      remoteAddress: '127.0.0.1',
    });
  });

  test('a wrong password is refused', async () => {
    const error = await failure(connect({ password: 'wrong' }));
    expect(error).toMatchObject({ code: 'ELOGIN', message: "Login failed for user 'sa'." });
  });

  test('an unknown database is refused with 4060 before 18456', async () => {
    const error = await failure(connect({ database: 'missing' }));
    expect(error.code).toBe('ELOGIN');
  });

  test('a login can be sent on to another server', async () => {
    const target = new TdsServer({ backend: new ScriptedBackend() });
    const { port } = await target.listen(0, '127.0.0.1');
    backend.verdict = () => ({ kind: 'routed', host: '127.0.0.1', port });
    const pool = await connect();
    backend.verdict = undefined;
    expect(target.connectionCount).toBeGreaterThan(0);
    await pool.close();
    await target.close();
  });

  test('a dropped login fails the connection', async () => {
    backend.verdict = () => ({ kind: 'dropped', how: 'rst' });
    const error = await failure(connect());
    backend.verdict = undefined;
    expect(error.code).toBe('ESOCKET');
  });

  test('closing the connection closes the session', async () => {
    const pool = await connect({ pool: { max: 1 } });
    const spid = await spidOf(pool);
    await pool.close();
    while (server.connectionCount > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(backend.session(spid).closed).toBe(true);
  });
});

describe('values', () => {
  test.each(
    SAMPLES.map((sample, index) => [sample.name, index] as const),
  )('%s arrives', async (name, index) => {
    const pool = await connect({ pool: { max: 1 } });
    const { recordset } = await pool.query<Record<string, unknown>>('types');
    expect(recordset[0]?.[name]).toEqual(SAMPLES[index]?.seen);
    expect(recordset[1]?.[name]).toBeNull();
    expect(recordset[2]?.[name]).toEqual(index % 2 === 0 ? SAMPLES[index]?.seen : null);
  });

  test('parameters of every type reach the backend', async () => {
    const pool = await connect();
    const when = new Date('2020-02-29T23:59:59.997Z');
    const request = pool.request();
    request
      .input('nv', sql.NVarChar(50), "O'Brien ✓")
      .input('nvmax', sql.NVarChar(sql.MAX), 'y'.repeat(5000));
    request.input('vc', sql.VarChar(20), 'é €').input('vcmax', sql.VarChar(sql.MAX), 'z'.repeat(9000));
    request.input('ch', sql.Char(3), 'abc').input('nch', sql.NChar(3), 'äbc');
    request.input('ti', sql.TinyInt, 255).input('si', sql.SmallInt, -2).input('i', sql.Int, -7);
    request.input('bi', sql.BigInt, 123456789012n).input('bit', sql.Bit, true);
    request.input('r', sql.Real, 0.5).input('f', sql.Float, -0.25);
    request.input('m', sql.Money, 12.34).input('sm', sql.SmallMoney, -1.5);
    request.input('dec', sql.Decimal(18, 4), -1.25).input('num', sql.Numeric(38, 0), 7);
    request.input('g', sql.UniqueIdentifier, '6f9619ff-8b86-d011-b42d-00c04fc964ff');
    request.input('bin', sql.VarBinary(10), Buffer.from('00ff', 'hex'));
    request.input('binmax', sql.VarBinary(sql.MAX), Buffer.from('0102', 'hex'));
    request.input('d', sql.Date, when).input('t', sql.Time(3), when).input('dt', sql.DateTime, when);
    request.input('sdt', sql.SmallDateTime, when).input('dt2', sql.DateTime2(7), when);
    request.input('dto', sql.DateTimeOffset(3), when);
    request
      .input('txt', sql.Text, 'old')
      .input('ntxt', sql.NText, 'öld')
      .input('img', sql.Image, Buffer.from([9]));
    request.input('nul', sql.NVarChar(10), null);
    const { recordset } = await request.query<Record<string, string>>('echo');
    const day = 737_483n;
    const perDay = 864_000_000_000n;
    const instant = day * perDay + perDay - 30_000n;
    expect(recordset[0]).toMatchObject({
      nv: "nvarchar(50)=O'Brien ✓",
      nvmax: `nvarchar(max)=${'y'.repeat(5000)}`,
      vc: 'varchar(20)=é €',
      vcmax: `varchar(max)=${'z'.repeat(9000)}`,
      ch: 'char(3)=abc',
      nch: 'nchar(3)=äbc',
      ti: 'tinyint=255',
      si: 'smallint=-2',
      i: 'int=-7',
      bi: 'bigint=123456789012',
      bit: 'bit=true',
      r: 'real=0.5',
      f: 'float=-0.25',
      m: 'money=123400e-4',
      sm: 'smallmoney=-15000e-4',
      dec: 'decimal(18,4)=-12500e-4',
      num: 'decimal(38,0)=7e-0',
      g: 'uniqueidentifier=6F9619FF-8B86-D011-B42D-00C04FC964FF',
      bin: 'varbinary(10)=0x00ff',
      binmax: 'varbinary(max)=0x0102',
      d: `date=${day * perDay}`,
      t: `time(3)=${perDay - 30_000n}`,
      dt: `datetime=${instant}`,
      sdt: `smalldatetime=${day * perDay + perDay - 600_000_000n}`,
      dt2: `datetime2(7)=${instant}`,
      dto: `datetimeoffset(3)=${instant}/0`,
      txt: 'text=old',
      ntxt: 'nvarchar(3)=öld', // tedious declares ntext and sends nvarchar
      img: 'image=0x09',
      nul: 'nvarchar(10)=null',
    });
  });
});

describe('results', () => {
  test.each(['query', 'batch'] as const)('several result sets and counts by %s', async (how) => {
    const pool = await connect();
    const result = await pool.request()[how]('two');
    const recordsets = result.recordsets as unknown as Iterable<Iterable<unknown>>;
    expect([...recordsets].map((set) => [...set])).toEqual([[{ a: 1 }], [{ b: 'x' }]]);
    expect(result.rowsAffected).toEqual([1, 1, 5]);
  });

  test('fifty thousand rows', async () => {
    const pool = await connect();
    const { recordset } = await pool.query<{ n: number; s: string }>('rows 50000');
    expect(recordset).toHaveLength(50_000);
    expect(recordset[49_999]).toEqual({ n: 49_999, s: 'row 49999' });
  });

  test('a value of ten megabytes, and a request of 200 kilobytes', async () => {
    const pool = await connect();
    const { recordset } = await pool.query<{ big: Buffer }>('big 10000000');
    expect(recordset[0]?.big.equals(Buffer.alloc(10_000_000, 7))).toBe(true);
    const length = await pool.query<{ n: number }>(`len ${'z'.repeat(100_000)}`);
    expect(length.recordset[0]?.n).toBe(100_004);
  });

  test.each([512, 4096, 32_767])('packets of %i bytes', async (packetSize) => {
    const pool = await connect({ options: { ...config.options, packetSize } as sql.config['options'] });
    const { recordset } = await pool.query<{ s: string }>('rows 2000');
    expect(recordset[1999]?.s).toBe('row 1999');
    const length = await pool.query<{ n: number }>(`len ${'z'.repeat(50_000)}`);
    expect(length.recordset[0]?.n).toBe(50_004);
  });

  test('output parameters and the return value of a procedure', async () => {
    const pool = await connect();
    const result = await pool.request().input('x', sql.Int, 21).output('y', sql.Int).execute('dbo.sp_demo');
    expect(result.returnValue).toBe(7);
    expect(result.output).toEqual({ y: 42 });
    expect([...(result.recordset as Iterable<unknown>)]).toEqual([{ a: 21 }]);
  });

  test('output parameters of a statement', async () => {
    const pool = await connect();
    const result = await pool
      .request()
      .output('a', sql.Int, 1)
      .output('b', sql.NVarChar(20), 'x')
      .query('set-output');
    expect(result.output).toEqual({ a: 2, b: 'x' });
  });

  test('USE changes the database of the connection', async () => {
    const pool = await connect({ pool: { max: 1 } });
    await pool.request().batch('use [other]');
    expect((await pool.query('select db_name()')).recordset[0]).toEqual({ db: 'other' });
  });
});

describe('messages', () => {
  test('an error keeps number, state, class, line, server and procedure', async () => {
    const pool = await connect();
    expect(await failure(pool.request().query('fail 35250'))).toMatchObject({
      code: 'EREQUEST',
      number: 35250,
      state: 9,
      class: 16,
      lineNumber: 12,
      serverName: 'SQL-A',
      procName: 'dbo.demo',
    });
  });

  test.each(['query', 'batch'] as const)('the cause comes before the last error in %s', async (how) => {
    const pool = await connect();
    const error = await failure(pool.request()[how]('fail-two'));
    expect(error.number).toBe(3013);
    expect(error.precedingErrors?.map(({ number }) => number)).toEqual([3201]);
  });

  test.each(['query', 'batch'] as const)('rows and then an error in %s', async (how) => {
    const pool = await connect();
    expect(await failure(pool.request()[how]('rows-then-fail'))).toMatchObject({ number: 8134 });
  });

  test('an error that does not end the batch', async () => {
    const pool = await connect();
    const request = pool.request();
    const seen: unknown[] = [];
    request.stream = true;
    request.on('row', (row: unknown) => seen.push(row));
    request.on('error', (error: Failure) => seen.push(error.number));
    const done = new Promise((resolve) => request.once('done', resolve));
    request.batch('continue-after-error');
    await done;
    expect(seen).toEqual(expect.arrayContaining([8134, { after: 1 }]));
  });

  test('a procedure that does not exist', async () => {
    const pool = await connect();
    expect(await failure(pool.request().execute('missing'))).toMatchObject({ number: 2812 });
  });

  test('a failure of the backend itself becomes an error and the connection lives', async () => {
    const pool = await connect({ pool: { max: 1 } });
    const spid = await spidOf(pool);
    expect((await failure(pool.request().query('bug'))).message).toContain('a bug of the backend');
    expect((await failure(pool.request().query('wrong-value'))).message).toContain("column 'n'");
    expect(await spidOf(pool)).toBe(spid);
  });

  test('informational messages', async () => {
    const pool = await connect();
    const messages: unknown[] = [];
    const request = pool.request();
    request.on('info', (info: Failure) => messages.push([info.number, info.class, info.state, info.message]));
    await request.query('print');
    expect(messages).toEqual([
      [0, 0, 1, 'hello'],
      // Severity 10 travels as 0.
      [50000, 0, 3, 'warn'],
    ]);
  });

  test('a flushed message arrives before the request ends', async () => {
    const pool = await connect();
    const request = pool.request();
    const order: string[] = [];
    request.on('info', (info: Failure) => order.push(info.message.slice(0, 10)));
    await request.query('backup database x').then(() => order.push('end'));
    expect(order).toEqual(['10 percent', '20 percent', '30 percent', 'BACKUP DAT', 'end']);
  });

  test('a class of 20 or more closes the connection', async () => {
    const pool = await connect({ pool: { max: 1 } });
    const spid = await spidOf(pool);
    // tedious sees the end of the connection and the error at once; which of them it reports is up to it
    await failure(pool.request().query('fatal'));
    expect(await spidOf(pool)).not.toBe(spid);
    expect(backend.session(spid).closed).toBe(true);
  });
});

describe('stopping', () => {
  test('a request that times out leaves its connection usable', async () => {
    const pool = await connect({ pool: { max: 1 }, requestTimeout: 200 });
    const spid = await spidOf(pool);
    expect(await failure(pool.request().query('waitfor delay'))).toMatchObject({ code: 'ETIMEOUT' });
    expect(await spidOf(pool)).toBe(spid);
  });

  test.each([
    'waitfor delay',
    'stubborn',
    'endless',
  ])('cancelling "%s" leaves its connection usable', async (text) => {
    const pool = await connect({ pool: { max: 1 } });
    const spid = await spidOf(pool);
    const session = backend.session(spid);
    const before = session.requests.length;
    const request = pool.request();
    request.stream = text === 'endless';
    const ended = new Promise<Failure>((resolve) => {
      request.on('error', resolve);
      request.query(text).catch(resolve);
    });
    // The hidden SELECT 1 of the pool comes first.
    while (session.requests.slice(before).every((one) => !('sql' in one) || one.sql !== text)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    request.cancel();
    expect(await ended).toMatchObject({ code: 'ECANCEL' });
    expect(await spidOf(pool)).toBe(spid);
  });

  test('KILL ends an idle and a busy connection', async () => {
    const victim = await connect({ pool: { max: 1 } });
    const killer = await connect({ pool: { max: 1 } });
    const idle = await spidOf(victim);
    await killer.query(`kill ${idle}`);
    while (!backend.session(idle).closed) await new Promise((resolve) => setImmediate(resolve));
    const busy = await spidOf(victim);
    expect(busy).not.toBe(idle);
    const waiting = failure(victim.request().query('waitfor delay'));
    while (backend.session(busy).requests.length < 4) await new Promise((resolve) => setImmediate(resolve));
    await killer.query(`kill ${busy}`);
    await waiting;
    expect(await spidOf(victim)).not.toBe(busy);
  });

  test.each([
    'before fin',
    'before rst',
    'rows fin',
    'rows rst',
  ])('a connection dropped (%s) fails the request', async (how) => {
    const pool = await connect({ pool: { max: 1 } });
    const spid = await spidOf(pool);
    await failure(pool.request().query(`drop ${how}`));
    expect(await spidOf(pool)).not.toBe(spid);
    expect(backend.session(spid).closed).toBe(true);
  });

  test('a server that hangs answers not even an Attention', async () => {
    const pool = await connect({
      pool: { max: 1 },
      requestTimeout: 100,
      options: { ...config.options, cancelTimeout: 100 } as sql.config['options'],
    });
    expect((await failure(pool.request().query('drop before hang'))).code).toBe('ETIMEOUT');
  });
});

describe('transactions and prepared statements', () => {
  test('begin, commit and rollback by Transaction Manager requests', async () => {
    const pool = await connect({ pool: { max: 1 } });
    const spid = await spidOf(pool);
    const first = new sql.Transaction(pool);
    await first.begin();
    const inside = await new sql.Request(first).query<{ n: number }>('select @@trancount');
    expect(inside.recordset[0]?.n).toBe(1);
    await first.commit();
    const second = new sql.Transaction(pool);
    await second.begin(sql.ISOLATION_LEVEL.SERIALIZABLE);
    await second.rollback();
    expect(backend.session(spid).transactions).toEqual([
      { kind: 'begin', isolationLevel: 'read committed' },
      { kind: 'commit' },
      { kind: 'begin', isolationLevel: 'serializable' },
      { kind: 'rollback' },
    ]);
  });

  test('transactions by T-SQL text', async () => {
    const pool = await connect({ pool: { max: 1 } });
    await pool.request().batch('begin tran');
    expect((await pool.query('select @@trancount')).recordset[0]).toEqual({ n: 1 });
    await pool.request().batch('commit');
    expect((await pool.query('select @@trancount')).recordset[0]).toEqual({ n: 0 });
  });

  test('sp_prepare, sp_execute and sp_unprepare', async () => {
    const pool = await connect({ pool: { max: 1 } });
    const prepared = new sql.PreparedStatement(pool);
    prepared.input('a', sql.Int);
    prepared.input('b', sql.NVarChar(20));
    await prepared.prepare('echo');
    for (const a of [1, 2]) {
      const { recordset } = await prepared.execute({ a, b: 'zz' });
      expect(recordset[0]).toEqual({ a: `int=${a}`, b: 'nvarchar(20)=zz' });
    }
    await prepared.unprepare();
    await expect(pool.query('select 1')).resolves.toBeDefined();
  });
});

test('many requests over few connections', async () => {
  const pool = await connect();
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, i) => pool.request().input('i', sql.Int, i).query<{ i: string }>('echo')),
  );
  expect(answers.map(({ recordset }) => recordset[0]?.i)).toEqual(answers.map((_, i) => `int=${i}`));
});
