/** TLS in its three forms, and Entra logins, with the real driver. */
import { createHash, X509Certificate } from 'node:crypto';
import sql from 'mssql';
import { createServerCertificate, type ServerCertificate } from '../../../estate/tds/certificate';
import { frameMessage, PacketType } from '../../../estate/tds/packets';
import { TdsServer, type TdsServerOptions } from '../../../estate/tds/server';
import { RawClient } from './raw-client';
import { ACCESS_TOKEN, PASSWORD, ScriptedBackend, USER } from './scripted-backend';

const NOT_BEFORE = new Date(Date.now() - 86_400_000);
const NOT_AFTER = new Date(Date.now() + 86_400_000);

let certificate: ServerCertificate;
const servers: TdsServer[] = [];
const pools: sql.ConnectionPool[] = [];

beforeAll(async () => {
  certificate = await createServerCertificate({
    commonName: 'sql-a.example',
    dnsNames: ['localhost', 'sql-a.example'],
    ipAddresses: ['127.0.0.1', '::1'],
    notBefore: NOT_BEFORE,
    notAfter: NOT_AFTER,
  });
});

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(
  more: Partial<TdsServerOptions> = {},
): Promise<{ port: number; backend: ScriptedBackend }> {
  const backend = new ScriptedBackend(true);
  const server = new TdsServer({
    backend,
    tls: { key: certificate.keyPem, cert: certificate.certPem },
    ...more,
  });
  servers.push(server);
  const { port } = await server.listen(0, '127.0.0.1');
  return { port, backend };
}

type Options = Record<string, unknown>;

async function connect(port: number, options: Options, more: Options = {}): Promise<sql.ConnectionPool> {
  const config = {
    server: 'localhost',
    port,
    user: USER,
    password: PASSWORD,
    pool: { max: 1 },
    ...more,
    options,
  };
  const pool = new sql.ConnectionPool(config as unknown as sql.config);
  pool.on('error', () => undefined);
  pools.push(pool);
  return pool.connect();
}

async function exercise(pool: sql.ConnectionPool): Promise<void> {
  expect((await pool.query('rows 20000')).recordset).toHaveLength(20_000);
  expect((await pool.query(`len ${'z'.repeat(50_000)}`)).recordset[0]).toEqual({ n: 50_004 });
  const spid = (await pool.query('select @@spid')).recordset[0];
  const request = pool.request();
  const cancelled = request.query('waitfor delay').catch((error: { code: string }) => error.code);
  setTimeout(() => request.cancel(), 50);
  expect(await cancelled).toBe('ECANCEL');
  expect((await pool.query('select @@spid')).recordset[0]).toEqual(spid);
}

const trusting = (): Options => ({ cryptoCredentialsDetails: { ca: certificate.certPem } });

test('the certificate says what it was asked to say', () => {
  const parsed = new X509Certificate(certificate.certPem);
  expect(parsed.subject).toBe('CN=sql-a.example');
  expect(parsed.checkHost('localhost')).toBe('localhost');
  expect(parsed.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(parsed.checkIP('::1')).toBe('::1');
  expect(parsed.verify(parsed.publicKey)).toBe(true);
  expect(parsed.ca).toBe(true);
  expect(new Date(parsed.validTo).getTime()).toBe(Math.floor(NOT_AFTER.getTime() / 1000) * 1000);
  expect(parsed.raw.equals(Buffer.from(certificate.certDer))).toBe(true);
});

test('TLS inside PRELOGIN, certificate verified', async () => {
  const { port } = await start();
  await exercise(await connect(port, { encrypt: true, trustServerCertificate: false, ...trusting() }));
});

test('a certificate that the client does not know is refused', async () => {
  const { port } = await start();
  await expect(connect(port, { encrypt: true, trustServerCertificate: false })).rejects.toMatchObject({
    code: 'ESOCKET',
  });
});

test('TDS 8.0: TLS 1.3 from the first byte', async () => {
  const { port } = await start();
  await exercise(await connect(port, { encrypt: 'strict', ...trusting() }));
});

test('a client without encryption is served when encryption is optional', async () => {
  const { port } = await start();
  await exercise(await connect(port, { encrypt: false }));
});

test('a client without encryption is refused when encryption is required', async () => {
  const { port, backend } = await start({ encryption: 'required' });
  await expect(connect(port, { encrypt: false })).rejects.toMatchObject({ code: 'EENCRYPT' });
  expect(backend.logins).toHaveLength(0);
  await exercise(await connect(port, { encrypt: true, ...trusting() }));
});

test('a client that wants encryption is not served in clear', async () => {
  const { port, backend } = await start({ encryption: 'off' });
  await expect(connect(port, { encrypt: true, ...trusting() })).rejects.toMatchObject({ code: 'EENCRYPT' });
  expect(backend.logins).toHaveLength(0);
});

test('required encryption without a certificate is a mistake', () => {
  expect(() => new TdsServer({ backend: new ScriptedBackend(), encryption: 'required' })).toThrow(
    'no certificate',
  );
});

test('a broken handshake closes the connection and nothing else', async () => {
  const { port } = await start();
  const noise = createHash('sha512').update('handshake').digest();
  const record = Buffer.concat([Buffer.from([0x16, 3, 1, 0, noise.length]), noise]);
  const wrapped = [noise, record].map((bytes) => frameMessage(PacketType.prelogin, bytes));
  const badPacket = Buffer.from('1201000300000100', 'hex');
  for (const garbage of [...wrapped, badPacket, record, noise]) {
    for (const encryption of [0, 1]) {
      const client = await RawClient.open(port);
      client.send(PacketType.prelogin, Buffer.from([1, 0, 6, 0, 1, 0xff, encryption]));
      await client.receive();
      client.socket.end(garbage);
      await client.untilClosed();
    }
    const strict = await RawClient.open(port);
    strict.socket.end(Buffer.concat([record, garbage]));
    await strict.untilClosed();
  }
  await exercise(await connect(port, { encrypt: 'strict', ...trusting() }));
});

describe('Entra logins', () => {
  const encrypted = (): Options => ({ encrypt: true, ...trusting() });
  const withoutUser = { user: undefined, password: undefined };

  test('an access token comes with the login', async () => {
    const { port, backend } = await start();
    const authentication = { type: 'azure-active-directory-access-token', options: { token: ACCESS_TOKEN } };
    const pool = await connect(port, encrypted(), { ...withoutUser, authentication });
    await exercise(pool);
    expect(backend.logins.at(-1)).toMatchObject({ accessToken: ACCESS_TOKEN, user: '' });
  });

  test('a wrong token is refused', async () => {
    const { port } = await start();
    const authentication = { type: 'azure-active-directory-access-token', options: { token: 'other' } };
    await expect(connect(port, encrypted(), { ...withoutUser, authentication })).rejects.toMatchObject({
      code: 'ELOGIN',
    });
  });

  test('the server tells the client where to get a token', async () => {
    const { port, backend } = await start();
    const scopes: unknown[] = [];
    const credential = {
      getToken: async (scope: unknown) => {
        scopes.push(scope);
        return { token: ACCESS_TOKEN, expiresOnTimestamp: Date.now() + 3_600_000 };
      },
    };
    const authentication = { type: 'token-credential', options: { credential } };
    await exercise(await connect(port, encrypted(), { ...withoutUser, authentication }));
    expect(scopes[0]).toBe('https://database.windows.net/.default');
    expect(backend.logins.at(-1)).toMatchObject({ accessToken: ACCESS_TOKEN });
  });
});
