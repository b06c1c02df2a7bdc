/** Whole conversations, byte by byte: DONE rules, Attention, resets, refusals, older versions, broken input. */
import { createHash } from 'node:crypto';
import type { LoginVerdict } from '../../../estate/tds/backend';
import { frameMessage, PacketStatus, PacketType } from '../../../estate/tds/packets';
import { TdsServer } from '../../../estate/tds/server';
import { ALL_HEADERS, login7, PRELOGIN_WITHOUT_ENCRYPTION, RawClient } from './raw-client';
import { ScriptedBackend, ScriptedSession } from './scripted-backend';

let backend: ScriptedBackend;
let server: TdsServer;
let port: number;

beforeEach(async () => {
  backend = new ScriptedBackend();
  server = new TdsServer({ backend });
  ({ port } = await server.listen(0, '127.0.0.1'));
});

afterEach(() => server.close());

const hex = (text: string): string => text.replace(/\s/g, '');
const NOTHING = '0000 0000000000000000';

async function loggedIn(version?: number): Promise<RawClient> {
  const client = await RawClient.open(port);
  await client.login(version === undefined ? {} : { version });
  return client;
}

function rpc(name: string | number, parameters = ''): Buffer {
  const target =
    typeof name === 'number'
      ? Buffer.from([0xff, 0xff, name, 0])
      : Buffer.concat([Buffer.from([name.length, 0]), Buffer.from(name, 'utf16le')]);
  return Buffer.concat([ALL_HEADERS, target, Buffer.from([0, 0]), Buffer.from(hex(parameters), 'hex')]);
}

/** An unnamed nvarchar parameter. */
function text(value: string): string {
  const bytes = Buffer.from(value, 'utf16le');
  const length = Buffer.from([bytes.length & 0xff, bytes.length >> 8]).toString('hex');
  return `00 00 e7401f0904d00034 ${length} ${bytes.toString('hex')}`;
}

const integer = (value: number, status = 0): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return `00 0${status} 2604 04 ${bytes.toString('hex')}`;
};

async function call(client: RawClient, name: string | number, parameters = ''): Promise<string> {
  client.send(PacketType.rpc, rpc(name, parameters));
  return (await client.receive())?.toString('hex') ?? 'closed';
}

test('the reply to a login has the order that drivers rely on', async () => {
  const client = await RawClient.open(port);
  const reply = (await client.login({ packetSize: 8192 })) ?? Buffer.alloc(0);
  const kinds: string[] = [];
  for (let at = 0; at < reply.length; ) {
    const token = reply.readUInt8(at);
    if (token === 0xfd) {
      kinds.push('fd');
      break;
    }
    const detail = token === 0xe3 ? reply.readUInt8(at + 3) : token === 0xab ? reply.readInt32LE(at + 3) : '';
    kinds.push(`${token.toString(16)}:${detail}`);
    at += 3 + reply.readUInt16LE(at + 1);
  }
  expect(kinds).toEqual(['e3:1', 'ab:5701', 'e3:7', 'e3:2', 'ab:5703', 'ad:', 'e3:4', 'fd']);
  expect(reply.includes(Buffer.from('8192', 'utf16le'))).toBe(true);
});

describe('DONE', () => {
  test('a batch without results', async () => {
    const client = await loggedIn();
    expect((await client.batch('set x on'))?.toString('hex')).toBe(hex(`fd 0000 ${NOTHING}`));
  });

  test('a batch of three statements', async () => {
    const client = await loggedIn();
    const reply = (await client.batch('two'))?.toString('hex') ?? '';
    expect(reply).toContain(hex('d1 04 01000000 fd 1100 c100 0100000000000000 81'));
    expect(reply.endsWith(hex('fd 1100 c100 0100000000000000 fd 1000 c500 0500000000000000'))).toBe(true);
  });

  test('a failing batch', async () => {
    const client = await loggedIn();
    const reply = (await client.batch('fail 1'))?.toString('hex') ?? '';
    expect(reply.startsWith('aa')).toBe(true);
    expect(reply.endsWith(hex(`fd 0200 ${NOTHING}`))).toBe(true);
  });

  test('a statement that fails in the middle', async () => {
    const client = await loggedIn();
    const reply = (await client.batch('continue-after-error'))?.toString('hex') ?? '';
    expect(reply).toContain(hex(`fd 0300 ${NOTHING} 81`));
    expect(reply.endsWith(hex('fd 1000 c100 0100000000000000'))).toBe(true);
  });

  test('a fatal error has the server-error bit and ends the connection', async () => {
    const client = await loggedIn();
    const reply = (await client.batch('fatal'))?.toString('hex') ?? '';
    expect(reply.endsWith(hex(`fd 0201 ${NOTHING}`))).toBe(true);
    await client.untilClosed();
  });

  test('the transaction bit', async () => {
    const client = await loggedIn();
    const begun = (await client.batch('begin tran'))?.toString('hex') ?? '';
    expect(begun).toMatch(/^e30b000808(.{16})00fd0400/);
    const descriptor = begun.slice(10, 26);
    const ended = (await client.batch('commit'))?.toString('hex') ?? '';
    expect(ended).toBe(hex(`e3 0b00 09 00 08 ${descriptor} fd 0000 ${NOTHING}`));
  });

  test('a statement by RPC', async () => {
    const client = await loggedIn();
    const reply = await call(client, 10, text('select 1'));
    expect(reply.endsWith(hex(`ff 1100 c100 0100000000000000 79 00000000 fe 0000 ${NOTHING}`))).toBe(true);
  });

  test('a failing statement by RPC', async () => {
    const client = await loggedIn();
    const reply = await call(client, 10, text('fail 8134'));
    expect(reply.endsWith(hex(`ff 0300 ${NOTHING} 79 c61f0000 fe 0200 ${NOTHING}`))).toBe(true);
  });
});

describe('RPC', () => {
  test('unnamed values take the names of the declaration', async () => {
    const client = await loggedIn();
    await call(
      client,
      'sys.sp_executesql',
      `${text('echo')} ${text('@first int, @second int')} ${integer(1)} ${integer(2)}`,
    );
    expect(backend.sessions[0]?.requests[0]).toMatchObject({
      kind: 'statement',
      parameters: [
        { name: 'first', value: 1 },
        { name: 'second', value: 2 },
      ],
    });
  });

  test('output ordinals count the parameters of sp_executesql itself', async () => {
    const client = await loggedIn();
    const parameters = `${text('set-output')} ${text('@a int, @b int OUTPUT')} ${integer(1)} ${integer(2, 1)}`;
    const reply = await call(client, 10, parameters);
    expect(reply).toContain(hex('ac 0300 02 40006200 01 00000000 0100 2604 04 03000000'));
  });

  test('sp_prepexec returns a handle, sp_execute uses it, sp_unprepare ends it', async () => {
    const client = await loggedIn();
    const handle = hex('ac 0000 07 400068006100 6e0064006c006500 01 00000000 0100 2604 04 01000000');
    const prepared = await call(client, 13, `00 01 2604 00 ${text('@a int')} ${text('echo')} ${integer(5)}`);
    expect(prepared).toContain(handle);
    expect(await call(client, 12, `${integer(1)} ${integer(6)}`)).toContain(
      Buffer.from('int=6', 'utf16le').toString('hex'),
    );
    expect(await call(client, 15, integer(1))).toBe(hex(`79 00000000 fe 0000 ${NOTHING}`));
    expect(await call(client, 12, `${integer(1)} ${integer(6)}`)).toContain(hex('f31f0000 02 10')); // 8179
  });

  test.each([
    ['a missing value', 10, `${text('echo')} ${text('@a int, @b int')} ${integer(1)}`, 8178],
    ['a surplus value', 10, `${text('echo')} ${text('@a int')} ${integer(1)} ${integer(1)}`, 8144],
    ['an undeclared name', 10, `${text('echo')} ${text('@a int')} 02 40007a00 00 2604 00`, 8145],
    ['a statement that is no text', 10, integer(1), 214],
    ['a server cursor', 2, '', 16937],
    ['a fetch from a cursor', 7, '', 16909],
    ['a cursor by name', 'sp_cursoropen', '', 16937],
    ['a table-valued parameter', 'p', '00 00 f3 00 00 00', 8009],
    ['an unknown procedure', 'nothing', '', 2812],
  ])('%s is refused', async (_, name, parameters, number) => {
    const client = await loggedIn();
    const reply = await call(client, name, parameters);
    const bytes = Buffer.from(reply, 'hex');
    expect(bytes[0]).toBe(0xaa);
    expect(bytes.readInt32LE(3)).toBe(number);
    expect((await client.batch('set x'))?.toString('hex')).toBe(hex(`fd 0000 ${NOTHING}`));
  });

  test('several calls are answered in one reply', async () => {
    const client = await loggedIn();
    const one = rpc('sp_demo', integer(1)).subarray(ALL_HEADERS.length);
    client.send(PacketType.rpc, Buffer.concat([ALL_HEADERS, one, Buffer.from([0xff]), one]));
    const reply = (await client.receive())?.toString('hex') ?? '';
    expect(reply).toContain(hex(`79 07000000 fe 0100 ${NOTHING} 81`));
    expect(reply.endsWith(hex(`79 07000000 fe 0000 ${NOTHING}`))).toBe(true);
  });

  test('a default parameter is left to the procedure', async () => {
    const client = await loggedIn();
    await call(client, 'sp_demo', '02 40007800 02 2604 00');
    expect(backend.sessions[0]?.requests[0]).toMatchObject({
      kind: 'procedure',
      name: 'sp_demo',
      parameters: [],
    });
  });
});

describe('Attention', () => {
  const ACKNOWLEDGED = hex(`fd 2000 ${NOTHING}`);

  test('is acknowledged in a message of its own after the cancelled reply', async () => {
    const client = await loggedIn();
    client.send(PacketType.sqlBatch, Buffer.concat([ALL_HEADERS, Buffer.from('waitfor', 'utf16le')]));
    client.send(PacketType.attention, Buffer.alloc(0));
    expect((await client.receive())?.toString('hex')).toBe(hex(`fd 0200 ${NOTHING}`));
    expect((await client.receive())?.toString('hex')).toBe(ACKNOWLEDGED);
  });

  test('ends an RPC with DONEPROC', async () => {
    const client = await loggedIn();
    client.send(PacketType.rpc, rpc(10, text('waitfor')));
    client.send(PacketType.attention, Buffer.alloc(0));
    expect((await client.receive())?.toString('hex')).toBe(hex(`fe 0200 ${NOTHING}`));
    expect((await client.receive())?.toString('hex')).toBe(ACKNOWLEDGED);
  });

  test('is acknowledged when nothing runs', async () => {
    const client = await loggedIn();
    client.send(PacketType.attention, Buffer.alloc(0));
    expect((await client.receive())?.toString('hex')).toBe(ACKNOWLEDGED);
  });

  test('a request with the ignore bit is not run', async () => {
    const client = await loggedIn();
    client.send(
      PacketType.sqlBatch,
      Buffer.concat([ALL_HEADERS, Buffer.from('fatal', 'utf16le')]),
      PacketStatus.ignore,
    );
    expect((await client.receive())?.toString('hex')).toBe(hex(`fd 0200 ${NOTHING}`));
    expect(backend.sessions[0]?.requests).toEqual([]);
  });

  test('stops a producer whose client does not read', async () => {
    const client = await loggedIn();
    client.socket.pause();
    client.send(PacketType.sqlBatch, Buffer.concat([ALL_HEADERS, Buffer.from('endless', 'utf16le')]));
    const session = backend.sessions[0];
    if (session === undefined) throw new Error('no session');
    // The producer must come to rest by itself: back-pressure, not memory, holds the rows.
    let before = -1;
    while (session.rowsSent === 0 || before !== session.rowsSent) {
      before = session.rowsSent;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    client.send(PacketType.attention, Buffer.alloc(0));
    client.socket.resume();
    const cancelled = await client.receive();
    expect(cancelled?.subarray(-13).toString('hex')).toBe(hex(`fd 0200 ${NOTHING}`));
    expect((await client.receive())?.toString('hex')).toBe(ACKNOWLEDGED);
  });
});

describe('reset of the connection', () => {
  test.each([
    ['drops the transaction', PacketStatus.resetConnection, 0],
    ['keeps the transaction', PacketStatus.resetConnectionSkipTransaction, 1],
  ])('%s', async (_, status, depth) => {
    const client = await loggedIn();
    await client.batch('use other');
    await client.batch('begin tran');
    client.send(PacketType.sqlBatch, Buffer.concat([ALL_HEADERS, Buffer.from('set x', 'utf16le')]), status);
    const reply = (await client.receive())?.toString('hex') ?? '';
    const inTransaction = depth === 0 ? '0000' : '0400';
    expect(reply).toBe(hex(`e3 0300 12 00 00 fd ${inTransaction} ${NOTHING}`));
    expect(backend.sessions[0]).toMatchObject({ resets: 1, database: 'master', transactionDepth: depth });
  });

  test('by sp_reset_connection, which also forgets prepared statements', async () => {
    const client = await loggedIn();
    await call(client, 11, `00 01 2604 00 ${text('')} ${text('echo')} ${integer(1)}`);
    await call(client, 'sp_reset_connection');
    expect(backend.sessions[0]?.resets).toBe(1);
    expect(await call(client, 12, integer(1))).toContain(hex('f31f0000'));
  });
});

describe('refusals', () => {
  const number = (reply: Buffer | undefined): number => reply?.readInt32LE(3) ?? 0;

  test('integrated security has no domain behind it', async () => {
    const client = await RawClient.open(port);
    expect(number(await client.login({ integrated: true }))).toBe(18452);
    await client.untilClosed();
    expect(backend.logins).toEqual([]);
  });

  test('a wrong password', async () => {
    const client = await RawClient.open(port);
    const reply = await client.login({ password: 'x' });
    expect(number(reply)).toBe(18456);
    expect(reply?.subarray(-13).toString('hex')).toBe(hex(`fd 0200 ${NOTHING}`));
    await client.untilClosed();
  });

  test('an unknown database, with the cause before 18456', async () => {
    const client = await RawClient.open(port);
    const reply = (await client.login({ database: 'missing' })) ?? Buffer.alloc(0);
    const second = 3 + reply.readUInt16LE(1);
    expect([number(reply), number(reply.subarray(second))]).toEqual([4060, 18456]);
    await client.untilClosed();
  });

  test('an Entra token where there are no Entra logins', async () => {
    const client = await RawClient.open(port);
    expect(
      number(await client.login({ feature: Buffer.from(hex('02 09000000 02 04000000 78007900'), 'hex') })),
    ).toBe(18456);
    await client.untilClosed();
    expect(backend.logins).toEqual([]);
  });

  test('a request that is running when its session is killed', async () => {
    const client = await loggedIn();
    client.send(PacketType.sqlBatch, Buffer.concat([ALL_HEADERS, Buffer.from('waitfor', 'utf16le')]));
    while (backend.sessions[0]?.requests.length !== 1) await new Promise((resolve) => setImmediate(resolve));
    backend.sessions[0].terminate();
    expect(number(await client.receive())).toBe(596);
    await client.untilClosed();
  });

  test('a session that is accepted after its client has gone', async () => {
    const gone = new ScriptedSession(1, 'master', () => undefined, backend);
    let decide: (verdict: LoginVerdict) => void = () => undefined;
    const undecided = new TdsServer({
      backend: { identity: backend.identity, login: () => new Promise((resolve) => (decide = resolve)) },
    });
    const { port: other } = await undecided.listen(0, '127.0.0.1');
    const client = await RawClient.open(other);
    client.send(PacketType.prelogin, PRELOGIN_WITHOUT_ENCRYPTION);
    await client.receive();
    client.send(PacketType.login7, login7());
    client.socket.end();
    await client.untilClosed();
    while (undecided.connectionCount > 0) await new Promise((resolve) => setImmediate(resolve));
    decide({ kind: 'accepted', session: gone });
    await undecided.close();
    expect(gone.closed).toBe(true);
  });

  test('bulk load', async () => {
    const client = await loggedIn();
    client.send(PacketType.bulkLoad, Buffer.alloc(10_000));
    expect(number(await client.receive())).toBe(4002);
    expect((await client.batch('set x'))?.toString('hex')).toBe(hex(`fd 0000 ${NOTHING}`));
  });

  test('distributed transactions', async () => {
    const client = await loggedIn();
    client.send(PacketType.transactionManager, Buffer.concat([ALL_HEADERS, Buffer.from([0, 0])]));
    expect(number(await client.receive())).toBe(8501);
  });

  test('a commit without a transaction', async () => {
    const client = await loggedIn();
    client.send(PacketType.transactionManager, Buffer.concat([ALL_HEADERS, Buffer.from([7, 0, 0, 0])]));
    expect(number(await client.receive())).toBe(3902);
  });

  test('a client that never logs in is cut off', async () => {
    const impatient = new TdsServer({ backend, loginTimeoutMs: 50 });
    const { port: other } = await impatient.listen(0, '127.0.0.1');
    const client = await RawClient.open(other);
    await client.untilClosed();
    await impatient.close();
    expect(client.closed).toBe(true);
  });

  test('a port that is taken', async () => {
    await expect(new TdsServer({ backend }).listen(port, '127.0.0.1')).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });
});

describe('older versions', () => {
  test.each([
    ['7.1', 0x71000001, '71000001'],
    ['7.2', 0x72090002, '72090002'],
    ['7.3', 0x730b0003, '730b0003'],
    ['8.0', 0x08000000, '08000000'],
    ['of the future', 0x79000000, '74000004'],
  ])('TDS %s is acknowledged', async (_, version, acknowledged) => {
    const client = await RawClient.open(port);
    const reply = await client.login({ version });
    expect(reply?.toString('hex')).toContain(`01${acknowledged}14`);
  });

  test('TDS 7.0 is cut off', async () => {
    const client = await RawClient.open(port);
    expect(await client.login({ version: 0x70000000 })).toBeUndefined();
  });

  test('TDS 7.1 has no headers and short counts', async () => {
    const client = await loggedIn(0x71000001);
    client.send(PacketType.sqlBatch, Buffer.from('two', 'utf16le'));
    const reply = (await client.receive())?.toString('hex') ?? '';
    expect(
      reply.startsWith(hex('81 0100 0000 0900 2604 01 6100 d1 04 01000000 fd 1100 c100 01000000 81')),
    ).toBe(true);
    expect(reply.endsWith(hex('fd 1000 c500 05000000'))).toBe(true);
  });

  test('TDS 7.2 gets the new dates as text', async () => {
    const client = await loggedIn(0x72090002);
    const reply = await client.batch('types');
    expect(reply?.includes(Buffer.from('2026-11-21 04:41:12.123 -05:30', 'utf16le'))).toBe(true);
    // inside a sql_variant: base type nvarchar, at most 34 characters
    const variant = Buffer.from('2026-11-21 12:11:12.123 +02:00', 'utf16le');
    expect(reply?.includes(Buffer.concat([Buffer.from(hex('e7 07 0904d00034 4400'), 'hex'), variant]))).toBe(
      true,
    );
  });
});

describe('broken input', () => {
  /** Deterministic bytes: SHA-256 in counter mode. */
  function randomBytes(seed: number, length: number): Buffer {
    const blocks: Buffer[] = [];
    for (let i = 0; i * 32 < length; i++) blocks.push(createHash('sha256').update(`${seed}:${i}`).digest());
    return Buffer.concat(blocks).subarray(0, length);
  }

  async function survives(): Promise<void> {
    const client = await loggedIn();
    expect((await client.batch('set x'))?.toString('hex')).toBe(hex(`fd 0000 ${NOTHING}`));
    client.socket.destroy();
  }

  test.each([
    ['a batch before the login', PacketType.sqlBatch, Buffer.alloc(20)],
    ['a login that is too short', PacketType.login7, Buffer.alloc(40)],
    ['SSPI', PacketType.sspi, Buffer.alloc(10)],
    ['options that point outside', PacketType.prelogin, Buffer.from([1, 0xff, 0xff, 0, 1, 0xff])],
    ['a login longer than any', PacketType.login7, Buffer.alloc(200_000)],
  ])('%s closes the connection', async (_, type, data) => {
    const client = await RawClient.open(port);
    client.send(type, data);
    await client.untilClosed();
    await survives();
  });

  test.each([
    ['headers longer than the message', PacketType.sqlBatch, Buffer.from('ffffffff', 'hex')],
    ['headers of no length', PacketType.sqlBatch, Buffer.from('00000000', 'hex')],
    ['an RPC name beyond the end', PacketType.rpc, Buffer.concat([ALL_HEADERS, Buffer.from([0xfe, 0xff])])],
    [
      'a chunk of four gigabytes',
      PacketType.rpc,
      rpc('p', '00 00 e7 ffff 0904d00034 feffffffffffffff ffffffff'),
    ],
    ['a text of two gigabytes', PacketType.rpc, rpc('p', '00 00 23 ffffff7f 0904d00034 fffff77f')],
    ['an int of three bytes', PacketType.rpc, rpc('p', '00 00 26 03 03 000000')],
    ['a decimal of 39 digits', PacketType.rpc, rpc('p', '00 00 6a 11 27 00 00')],
    ['a time of scale 9', PacketType.rpc, rpc('p', '00 00 29 09 00')],
    ['a second login', PacketType.login7, login7()],
    ['an unknown packet type', 0x55, Buffer.alloc(3)],
  ])('%s after the login closes the connection', async (_, type, data) => {
    const client = await loggedIn();
    client.send(type, data);
    await client.untilClosed();
    await survives();
    expect(backend.sessions[0]?.closed).toBe(true);
  });

  test('requests without end are cut off', async () => {
    const client = await loggedIn();
    for (let i = 0; i < 40; i++) {
      client.send(PacketType.sqlBatch, Buffer.concat([ALL_HEADERS, Buffer.from('waitfor', 'utf16le')]));
    }
    await client.untilClosed();
    await survives();
  });

  test('random bytes at every stage never bring the server down', async () => {
    const types = [1, 3, 4, 6, 7, 8, 0x0e, 0x10, 0x11, 0x12, 0x16];
    for (let seed = 0; seed < 150; seed++) {
      const noise = randomBytes(seed, 4 + ((seed * 37) % 300));
      const client = seed % 3 === 0 ? await RawClient.open(port) : await loggedIn();
      const type = types[seed % types.length] ?? 0;
      const body = seed % 2 === 0 ? noise : Buffer.concat([ALL_HEADERS, noise]);
      client.socket.end(seed % 5 === 0 ? noise : frameMessage(type, body));
      await client.untilClosed();
    }
    await survives();
  });

  test('a valid conversation with any one byte changed never brings the server down', async () => {
    const login = login7();
    const request = rpc(10, `${text('echo')} ${text('@a int')} ${integer(1)}`);
    const conversation = Buffer.concat([
      frameMessage(PacketType.prelogin, PRELOGIN_WITHOUT_ENCRYPTION),
      frameMessage(PacketType.login7, login),
      frameMessage(PacketType.rpc, request),
    ]);
    const positions = randomBytes(1, 200);
    for (let i = 0; i < positions.length; i++) {
      const at = ((positions[i] ?? 0) * 7 + i * 31) % conversation.length;
      const changed = Buffer.from(conversation);
      changed[at] = (changed[at] ?? 0) ^ (1 << (i & 7));
      const client = await RawClient.open(port);
      client.socket.end(changed);
      client.socket.resume();
      await client.untilClosed();
    }
    await survives();
  });
});
