import { unionLength } from '../../../estate/world/timeline';
import { EstateWorld } from '../../../estate/world/world';
import { link, linked, MI, newWorld, refusedWith, replicating, SQL } from './story';

const context = (text: string) =>
  ({ surface: 'tsql', instance: SQL, actor: 'sa', session: 51, text }) as const;

describe('effect journal', () => {
  it('tells effects from what did nothing and what was refused', async () => {
    const world = newWorld();
    const { journal } = world;
    const create = () => world.certificates.createMasterKey(SQL);
    journal.runSync(context('CREATE MASTER KEY'), create);
    await refusedWith(() => journal.runSync(context('CREATE MASTER KEY'), create));
    await journal.run(context('ALTER LOGIN sa ENABLE'), async () => {
      world.logins.alter(SQL, 'sa', { disabled: false });
    });
    expect(world.effects().map((one) => [one.text, one.outcome, one.error?.number])).toEqual([
      ['CREATE MASTER KEY', 'effect', undefined],
      ['CREATE MASTER KEY', 'refused', 15578],
      ['ALTER LOGIN sa ENABLE', 'no-op', undefined],
    ]);
    expect(journal.effective(/master key/i)).toHaveLength(1);
  });

  it('follows statements that take time, and keeps them apart', async () => {
    const world = newWorld();
    const backup = world.journal.run(context('BACKUP DATABASE'), () =>
      world.backups.full(SQL, 'Sales', { device: 'x', userName: 'sa' }),
    );
    world.journal.runSync(context('DBCC TRACEON'), () => world.instances.setTraceFlag(SQL, 9567, true));
    await world.clock.advance(60_000);
    await backup;
    expect(world.effects().map((one) => [one.text, one.outcome, one.endedAt - one.startedAt > 0])).toEqual([
      ['DBCC TRACEON', 'effect', false],
      ['BACKUP DATABASE', 'effect', true],
    ]);
  });

  it('does not count what the platform does later as an effect of the request', async () => {
    const world = newWorld();
    await replicating(world);
    world.journal.runSync({ ...context('PATCH'), surface: 'arm' }, () =>
      world.links.update(MI, 'DAG_Sales', 'Async'),
    );
    await world.clock.advance(60_000);
    expect(world.effects().at(-1)).toMatchObject({ text: 'PATCH', outcome: 'no-op', changes: [] });
  });
});

describe('entries that are closed', () => {
  it('stay as they were, whatever they have set going', async () => {
    const world = newWorld();
    world.journal.runSync(context('RESTART'), () => world.instances.restart(MI, 1_000));
    const before = world.effects().at(-1)?.changes.length;
    await world.clock.advance(60_000);
    expect(world.instances.get(MI).state).toBe('running');
    expect(world.effects().at(-1)?.changes).toHaveLength(before ?? 0);
  });
});

describe('platform timeline', () => {
  it('counts overlapping time once', () => {
    expect(
      unionLength([
        [0, 10],
        [5, 15],
        [20, 25],
        [21, 22],
      ]),
    ).toBe(20);
    expect(unionLength([])).toBe(0);
  });

  it('records what the platform took for a link', async () => {
    const world = newWorld();
    await replicating(world);
    const kinds = world.platformTimeline().map((one) => one.kind);
    expect(kinds).toEqual(
      expect.arrayContaining(['trust-certificate-put', 'link-create', 'seeding', 'catch-up']),
    );
    const busy = world.timeline.busy((one) => one.kind === 'link-create').simulatedMs;
    expect(busy).toBe(13_000);
  });
});

describe('definition', () => {
  it('gives SQL1 with Sales and mi-west when nothing is said', () => {
    const world = EstateWorld.create({ clock: { mode: 'manual' } });
    expect(world.instances.get('sql1')).toMatchObject({
      edition: 'Developer Edition (64-bit)',
      version: { productVersion: '16.0.4165.4', updateLevel: 'CU16' },
    });
    expect(world.databases.get('SQL1', 'sales').dataBytes).toBe(24 * 1024 ** 3);
    expect(world.instances.get('mi-west').engineEdition).toBe(8);
  });

  it.each([
    [
      { instances: [{ kind: 'sql-server', name: 'A', databases: [{ name: 'x', dataBytes: -1 }] }] },
      'instances[0].databases[0].dataBytes',
    ],
    [{ instances: [{ kind: 'sql-server', name: 'A', verison: '2022' }] }, 'instances[0]'],
    [{ instances: [{ kind: 'sql-server', name: 'A', update: 'CU99' }] }, 'instances[0].update'],
    [
      {
        instances: [
          { kind: 'sql-server', name: 'A' },
          { kind: 'managed-instance', name: 'a' },
        ],
      },
      'instances[1].name',
    ],
    [{ clock: { speed: 0 } }, 'clock.speed'],
    [{ rates: { redoRate: 'fast' } }, 'rates.redoRate'],
    [{ faults: [{ surface: 'sql', statement: '(', action: { kind: 'hang' } }] }, 'faults[0].statement'],
  ])('names the field that is wrong in %j', (definition, path) => {
    expect(() => EstateWorld.create(definition)).toThrow(path);
  });
});

describe('faults of the world', () => {
  it('are refused when they name an instance that is not there', () => {
    const world = newWorld();
    const add = () =>
      world.faults.add({ surface: 'world', afterMs: 1, action: { kind: 'kill', instance: 'SQL9' } });
    expect(add).toThrow("no instance 'SQL9'");
    expect(world.faults.list()).toEqual([]);
  });

  it('strike at their time, or on an operation, and by their count', async () => {
    const world = newWorld();
    world.faults.add({
      surface: 'world',
      afterMs: 5_000,
      action: { kind: 'restart', instance: MI, downMs: 1_000 },
    });
    await world.clock.advance(5_500);
    expect(world.instances.get(MI).state).toBe('stopped');
    await world.clock.advance(1_000);
    expect(world.instances.get(MI).state).toBe('running');
    world.faults.add({
      surface: 'world',
      onOperation: 'seeding',
      delayMs: 10_000,
      count: 1,
      action: { kind: 'break-seeding', database: 'Sales' },
    });
    await linked(world);
    await world.clock.advance(300_000);
    expect(world.links.seedingOperations(SQL).map((one) => one.state)).toEqual(['FAILED', 'COMPLETED']);
    expect(link(world).state).toBe('LinkSynchronizing');
  });
});
