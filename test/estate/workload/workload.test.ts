import fc from 'fast-check';
import { IdRanges } from '../../../estate/workload/acknowledged';
import type { WorkloadConnection, WorkloadDriver, WorkloadTarget } from '../../../estate/workload/driver';
import { verify, WorkloadWriter } from '../../../estate/workload/writer';

const target = (host: string): WorkloadTarget => ({
  host,
  port: 1433,
  database: 'Sales',
  user: 'app',
  password: 'secret',
});

/** Servers by host, each with its rows; `fail` decides what a row meets. */
class Servers {
  readonly rows = new Map<string, number[]>();
  fail: (host: string, id: number) => Error | undefined = () => undefined;
  down = new Set<string>();
  readonly driver: WorkloadDriver = async ({ host }) => this.connect(host);

  private connect(host: string): WorkloadConnection {
    if (this.down.has(host)) throw new Error('ECONNREFUSED');
    const rows = this.rows.get(host) ?? [];
    this.rows.set(host, rows);
    return {
      prepare: async () => {},
      insert: async (id) => {
        const error = this.fail(host, id);
        if (error) throw error;
        rows.push(id);
      },
      ids: async () => [...rows],
      close: async () => {},
    };
  }
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
};

describe('workload writer', () => {
  it('remembers exactly what was acknowledged, through refusals and broken connections', async () => {
    const servers = new Servers();
    servers.fail = (_host, id) => {
      if (id === 3) return Object.assign(new Error('read-only'), { number: 3906 });
      return id === 5 ? new Error('socket hang up') : undefined;
    };
    const writer = new WorkloadWriter({
      target: target('a'),
      rate: 1000,
      retryMs: 1,
      driver: servers.driver,
    });
    writer.start();
    await until(() => writer.report().acknowledged >= 8);
    await writer.stop();
    expect([...writer.acknowledged].slice(0, 4)).toEqual([1, 2, 4, 6]);
    expect(writer.report()).toMatchObject({ refused: { 3906: 1 }, unknown: 1 });
    expect(await verify(writer.acknowledged, target('a'), servers.driver)).toMatchObject({
      lost: [],
      unacknowledgedPresent: 0,
      duplicates: 0,
    });
  });

  it('goes on at another server after it was fenced and moved', async () => {
    const servers = new Servers();
    const writer = new WorkloadWriter({
      target: target('a'),
      rate: 1000,
      retryMs: 1,
      driver: servers.driver,
    });
    writer.start();
    await until(() => writer.report().acknowledged >= 3);
    servers.fail = (host) => (host === 'a' ? Object.assign(new Error('fenced'), { number: 983 }) : undefined);
    await until(() => (writer.report().refused[983] ?? 0) > 0);
    writer.repoint(target('b'));
    await until(() => (servers.rows.get('b')?.length ?? 0) >= 3);
    await writer.stop();
    expect(Math.min(...(servers.rows.get('b') ?? []))).toBeGreaterThan(
      Math.max(...(servers.rows.get('a') ?? [])),
    );
  });

  it('waits for a server that is down', async () => {
    const servers = new Servers();
    servers.down.add('a');
    const writer = new WorkloadWriter({
      target: target('a'),
      rate: 1000,
      retryMs: 1,
      driver: servers.driver,
    });
    writer.start();
    await until(() => writer.report().connectionFailures > 2);
    servers.down.clear();
    await until(() => writer.report().acknowledged > 0);
    await writer.stop();
    expect(writer.report().attempted).toBe(writer.report().acknowledged);
  });

  it('names lost rows and counts those that nobody acknowledged', async () => {
    const servers = new Servers();
    servers.rows.set('b', [1, 2, 4, 9]);
    expect(await verify([1, 2, 3, 4, 5], target('b'), servers.driver)).toEqual({
      acknowledged: 5,
      present: 4,
      lost: [3, 5],
      unacknowledgedPresent: 1,
      duplicates: 0,
    });
  });
});

describe('IdRanges', () => {
  it('is a set, whatever the order of insertion', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 })), (ids) => {
        const ranges = new IdRanges();
        for (const id of ids) ranges.add(id);
        const expected = [...new Set(ids)].sort((a, b) => a - b);
        expect([...ranges]).toEqual(expected);
        expect(ranges.size).toBe(expected.length);
        for (let id = 0; id <= 41; id += 1) expect(ranges.has(id)).toBe(expected.includes(id));
        expect([...IdRanges.from(ranges.toJSON())]).toEqual(expected);
      }),
    );
  });
});
