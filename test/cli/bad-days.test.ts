/**
 * Bad days: through `sqlferry preflight` and through `sqlferry start` each gives one clear message with its remedy and
 * the right exit code, and nothing is changed.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { EstateDefinitionInput } from '../../estate/world/definition';
import { closeServer, type Stage, startStage } from '../support/scenario';
import { json, type SpecFileChanges, sqlferry, writeSpecs } from './command';

type Instances = NonNullable<EstateDefinitionInput['instances']>;

const LOGINS = [
  { name: 'sa', password: 'Ferry!Passw0rd' },
  { name: 'sales_app', password: 'Sales!Passw0rd', roles: [] },
];
const SOURCE = { kind: 'sql-server', name: 'SQL1', logins: LOGINS } as const;
const TARGET = { kind: 'managed-instance', name: 'mi-west' } as const;

/** One server with a database for each bad day that is the database's. */
const DATABASES: Instances = [
  {
    ...SOURCE,
    databases: [
      { name: 'Sales' },
      { name: 'NoBackup', fullBackup: false },
      { name: 'Simple', recoveryModel: 'SIMPLE' },
      { name: 'TwoLogs', extraFiles: [{ type: 'LOG', name: 'TwoLogs_log2' }] },
    ],
  },
  TARGET,
];
const OLD: Instances = [
  { ...SOURCE, version: '2019', update: 'CU17', databases: [{ name: 'Sales' }] },
  TARGET,
];
const EXPIRED: Instances = [
  {
    ...SOURCE,
    certificates: [{ name: 'Cert_SQL1_endpoint', subject: 'Certificate of SQL1', expiresInDays: -3 }],
    endpoint: { certificate: 'Cert_SQL1_endpoint' },
    databases: [{ name: 'Sales' }],
  },
  TARGET,
];

interface BadDay {
  readonly what: string;
  readonly specs?: SpecFileChanges;
  readonly env?: NodeJS.ProcessEnv;
  readonly exit: number;
  /** The message, with the remedy below it. */
  readonly says: RegExp;
  /** Costs a whole connection time-out each time: asked once only. */
  readonly slow?: boolean;
}

let silent: Server;
let silentPort = 0;
const silentSockets = new Set<Socket>();
beforeAll(async () => {
  // Takes connections and never answers, like a port behind a firewall that swallows everything.
  silent = createServer((socket) => {
    silentSockets.add(socket);
    socket.on('error', () => {});
    socket.resume();
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  silentPort = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(async () => {
  for (const socket of silentSockets) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
  await closeServer();
});

/** Changes the host or port of the SQL Server only: it stands first in the inventory. */
const serverPort = (port: () => number) => (yaml: string) => yaml.replace(/port: \d+/, `port: ${port()}`);

function badDays(of: string, instances: Instances, days: readonly BadDay[]): void {
  describe(of, () => {
    let stage: Stage;
    beforeAll(async () => {
      stage = await startStage({ estate: { clock: { speed: 1 }, instances } });
      await stage.startWorker();
    });
    afterAll(() => stage.close());

    for (const [index, day] of days.entries()) {
      const arranged = () => {
        const specs = writeSpecs(stage, { name: `day-${index}`, ...day.specs });
        return { files: [specs.migration, '-i', specs.inventory], close: () => specs.close() };
      };
      const env = () => ({ ...stage.env, ...day.env });

      test(`preflight: ${day.what}`, async () => {
        const { files, close } = arranged();
        const result = await sqlferry(['preflight', ...files], env());
        const asJson = day.slow ? undefined : await sqlferry(['preflight', ...files, '--json'], env());
        close();
        expectClear(result, day);
        if (asJson !== undefined) {
          expect([asJson.code, asJson.err]).toEqual([day.exit, '']);
          json(asJson);
        }
        expect(stage.estate.world.journal.effective()).toEqual([]);
      });

      test(`start: ${day.what}`, async () => {
        const { files, close } = arranged();
        const server = ['--address', stage.server.address, '--task-queue', stage.taskQueue];
        const result = await sqlferry(['start', ...files, ...server], env());
        close();
        expectClear(result, day);
        expect(result.out).not.toMatch(/preflight passed/);
        expect(stage.estate.world.journal.effective()).toEqual([]);
      });
    }
  });
}

function expectClear({ code, out, err }: { code: number; out: string; err: string }, day: BadDay): void {
  const told = out + err;
  expect(told).toMatch(day.says);
  expect(code).toBe(day.exit);
  expect(told).not.toMatch(/\n\s+at |\bundefined\b|\[object|Error:/);
  // The message stands there once.
  const [message = ''] = day.says.exec(told) ?? [];
  expect(told.split(message)).toHaveLength(2);
}

badDays('the files, the way to the server, the login', DATABASES, [
  {
    what: 'a broken spec',
    specs: { sections: 'cutover: { approvl: {} }\nlogBackups: { directory: "C:\\\\B", every: soon }' },
    exit: 2,
    says: /error: 2 mistakes in the spec files; nothing was done\n {2}\S*migration\.yaml:7:\d+: .*\n(.*\n)* {2}\S*migration\.yaml:8:\d+: .*no duration/,
  },
  {
    what: 'an unreachable host',
    specs: { inventory: serverPort(() => 1) },
    exit: 4,
    says: /^error: sql1: The server or service cannot be reached\. Failed to connect to 127\.0\.0\.1:1 \(ECONNREFUSED\) \[Unreachable\]\n {2}→ Check host and port in the inventory, name resolution and firewalls\.\n/m,
  },
  {
    what: 'a host name that does not exist',
    specs: { inventory: (yaml) => yaml.replace(/host: 127\.0\.0\.1/, 'host: sql1.invalid') },
    exit: 4,
    says: /^error: sql1: The server or service cannot be reached\. .*sql1\.invalid.*\[Unreachable\]\n {2}→ Check host/m,
  },
  {
    what: 'a wrong password',
    // The password of somebody else: the worker reads its own environment, so the reference is changed.
    specs: { inventory: (yaml) => yaml.replace('env:SQL1_PASSWORD', 'env:MASTER_KEY_PASSWORD') },
    exit: 1,
    says: /^error: sql1: The server refused the login: wrong user or password, .*Login failed for user 'sa'\. \(Msg 18456, state 1\) \[LoginFailed\]\n {2}→ Check authentication in the inventory and the secret/m,
  },
  {
    what: 'a wrong password of the instance',
    specs: { inventory: (yaml) => yaml.replace('env:MI_PASSWORD', 'env:MASTER_KEY_PASSWORD') },
    exit: 1,
    says: /^error: mi-west: The server refused the login: .*'ferryadmin'.*\[LoginFailed\]\n {2}→ Check authentication/m,
  },
  {
    what: 'a wrong secret of the application in Azure',
    specs: { inventory: (yaml) => yaml.replace('env:ESTATE_CLIENT_SECRET', 'env:MASTER_KEY_PASSWORD') },
    exit: 1,
    says: /^error: Azure: No access token was granted, or the token was refused\. AADSTS7000215: .* \[Unauthorized\]\n {2}→ Check azure\.credential/m,
  },
  {
    what: 'a secret that is not there',
    specs: { inventory: (yaml) => yaml.replace('env:SQL1_PASSWORD', 'env:NO_SUCH_VARIABLE') },
    exit: 1,
    says: /^error: env:NO_SUCH_VARIABLE: the variable is not set/m,
  },
  {
    what: 'a certificate that nobody trusts',
    specs: {
      inventory: (yaml) => yaml.replace(/tls: \{ mode: required, caFile: [^,]*,/, 'tls: { mode: required,'),
    },
    exit: 1,
    says: /^error: sql1: The TLS handshake failed: .*\[TlsFailed\]\n {2}→ Give tls\.caFile/m,
  },
]);

badDays('the database', DATABASES, [
  {
    what: 'no full backup (1475)',
    specs: { database: 'NoBackup' },
    exit: 3,
    says: /^✗ database\.full-backup {2}There is no full backup .*\n {4}→ Take a full backup that is not copy-only: BACKUP DATABASE .*\n.*prevents 1475/m,
  },
  {
    what: 'the simple recovery model',
    specs: { database: 'Simple' },
    exit: 3,
    says: /^✗ database\.recovery-model {2}The recovery model is SIMPLE\.\n {4}→ ALTER DATABASE \[name\] SET RECOVERY FULL, then take a full backup/m,
  },
  {
    what: 'a second log file',
    specs: { database: 'TwoLogs' },
    exit: 3,
    says: /^✗ database\.log-files {2}It has 2 log files: TwoLogs_log, TwoLogs_log2\.\n {4}→ Empty the additional log file/m,
  },
  {
    what: 'a misspelt database',
    specs: { database: 'Slaes' },
    exit: 3,
    says: /^✗ database\.exists {2}sql1 has no database "Slaes"\.\n {4}→ Correct database or server/m,
  },
]);

badDays('the server is too old', OLD, [
  {
    what: '2019 CU17',
    exit: 3,
    says: /^✗ server\.version {2}SQL Server 2019 15\.0\.4249\.2; the link needs 15\.0\.4312\.2 or later\.\n {4}→ Install CU20/m,
  },
]);

badDays('the endpoint certificate', EXPIRED, [
  {
    what: 'has expired',
    exit: 3,
    says: /^✗ certificate\.valid {2}Cert_SQL1_endpoint expired on 2026-01-12.*\n {4}→ sqlferry certificates rotate/m,
  },
]);

badDays('a server that takes connections and never answers', DATABASES, [
  {
    what: 'is given up after one connection time-out',
    specs: { inventory: serverPort(() => silentPort) },
    exit: 4,
    slow: true,
    says: /^error: sql1: The server or service cannot be reached\. Failed to connect to 127\.0\.0\.1:\d+ in 15000ms \[Unreachable\]\n {2}→ Check host/m,
  },
]);
