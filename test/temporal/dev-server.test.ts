import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectClient, TemporalConnectionFailure, temporalTarget } from '../../src/temporal/connection';
import { DevServerFailure, devServerArguments, startDevServer } from '../../src/temporal/dev-server';
import { ensureSearchAttributes } from '../../src/temporal/search-attributes';
import { openTemporalServer } from '../../src/temporal/server';

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilDead(pid: number): Promise<void> {
  while (isAlive(pid)) await sleep(20);
}

function canConnect(address: string): Promise<boolean> {
  const [host = '', port = ''] = address.split(':');
  return new Promise((done) => {
    const socket = connect(Number(port), host);
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}

describe('the dev server', () => {
  test('starts, knows the search attributes, keeps its file over a crash, and stops', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sqlferry-dev-'));
    const databaseFile = join(folder, 'temporal.db');
    try {
      const first = await startDevServer({ databaseFile });
      const client = await connectClient(await temporalTarget({ address: first.address }, {}));
      await client.workflow.start('nobodyRunsThis', { taskQueue: 'none', workflowId: 'kept', args: [] });
      await expect(ensureSearchAttributes(client.connection, 'default')).resolves.toEqual({
        usable: true,
        reason: '',
      });
      await client.connection.close();
      await first.kill();
      expect(isAlive(first.pid)).toBe(false);

      const second = await startDevServer({ databaseFile });
      const again = await connectClient(await temporalTarget({ address: second.address }, {}));
      const description = await again.workflow.getHandle('kept').describe();
      expect(description.status.name).toBe('RUNNING');
      await again.connection.close();
      await second.stop();
      await second.stop();
      expect(isAlive(second.pid)).toBe(false);
      expect(await canConnect(second.address)).toBe(false);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('does not outlive a parent that is killed', async () => {
    const program = `
      require('@swc/core');
      const { transformFileSync } = require('@swc/core');
      require.extensions['.ts'] = (module, file) => module._compile(transformFileSync(file, {
        jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } }).code, file);
      const { startDevServer } = require(${JSON.stringify(resolve('src/temporal/dev-server.ts'))});
      startDevServer().then((server) => process.stdout.write(server.pid + '\\n'));`;
    const parent = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(parent.stdout, 'data');
    const pid = Number(String(line));
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await untilDead(pid);
    expect(isAlive(pid)).toBe(false);
  });

  test('says what the executable said when it does not start', async () => {
    const start = startDevServer({ extraArguments: ['--no-such-flag'] });
    await expect(start).rejects.toThrow(DevServerFailure);
    await expect(startDevServer({ extraArguments: ['--no-such-flag'] })).rejects.toThrow(/no-such-flag/);
    await expect(startDevServer({ cli: '/no/such/file' })).rejects.toThrow(/ENOENT/);
  });

  test('has no UI unless asked', () => {
    expect(devServerArguments({}, 7233, undefined)).toContain('--headless');
    const withUi = devServerArguments({ ui: 8233 }, 7233, 8233);
    expect(withUi.slice(withUi.indexOf('--ui-port'), withUi.indexOf('--ui-port') + 2)).toEqual([
      '--ui-port',
      '8233',
    ]);
    expect(withUi).not.toContain('--headless');
  });
});

describe('where Temporal is', () => {
  test('a server that is set is used and not stopped', async () => {
    const server = await openTemporalServer(
      { cli: '/no/such/file' },
      { TEMPORAL_ADDRESS: 'temporal.example:7233' },
    );
    expect(server.devServer).toBeUndefined();
    expect(server.target).toMatchObject({ address: 'temporal.example:7233', namespace: 'default' });
  });

  test('settings of the environment reach the connection; an API key switches TLS on', async () => {
    const target = await temporalTarget(
      {},
      { TEMPORAL_ADDRESS: 'cloud:7233', TEMPORAL_NAMESPACE: 'ferry.acct', TEMPORAL_API_KEY: 'key' },
    );
    expect(target.namespace).toBe('ferry.acct');
    expect(target.connectionOptions).toMatchObject({ address: 'cloud:7233', apiKey: 'key' });
    expect(target.connectionOptions.tls).toBeTruthy();
  });

  test('overrides win; the default is this machine', async () => {
    const target = await temporalTarget({ address: 'a:1', namespace: 'n' }, { TEMPORAL_ADDRESS: 'b:2' });
    expect(target).toMatchObject({ address: 'a:1', namespace: 'n', connectionOptions: { address: 'a:1' } });
    expect((await temporalTarget({}, { XDG_CONFIG_HOME: '/no/such', HOME: '/no/such' })).address).toBe(
      '127.0.0.1:7233',
    );
  });

  test('an unreachable server gives one sentence with a remedy', async () => {
    const target = await temporalTarget({ address: '127.0.0.1:9' }, {});
    const failure = await connectClient(target, 500).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TemporalConnectionFailure);
    expect(String(failure)).toMatch(/Temporal at 127\.0\.0\.1:9: no answer .* TEMPORAL_ADDRESS/);
  });
});

describe('search attributes', () => {
  test('are added only where missing, and a refusal is an answer', async () => {
    const refusing = {
      operatorService: {
        listSearchAttributes: async () => ({ customAttributes: { SqlferryPhase: 2 } }),
        addSearchAttributes: async () => Promise.reject(new Error('7 PERMISSION_DENIED')),
      },
    };
    const report = await ensureSearchAttributes(refusing as never, 'default');
    expect(report.usable).toBe(false);
    expect(report.reason).toContain('SqlferryDatabase');
    expect(report.reason).not.toContain('SqlferryPhase');
    expect(report.reason).toContain('PERMISSION_DENIED');
  });

  test('a server without the operator service is no error', async () => {
    const silent = {
      operatorService: { listSearchAttributes: async () => Promise.reject(new Error('12 UNIMPLEMENTED')) },
    };
    await expect(ensureSearchAttributes(silent as never, 'default')).resolves.toMatchObject({
      usable: false,
    });
  });
});
