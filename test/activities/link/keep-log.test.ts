/** The steps that turn trace flag 12381 on and off, against the estate. */
import type { LinkContext } from '../../../src/activities/link/context';
import { LINK_STEPS } from '../../../src/activities/link/steps/registry';
import type { DistributedReplicaFacts, SeedingFacts } from '../../../src/model/sql-server/observation';
import { otherSeedings } from '../../../src/rules/link/keep-log';
import { replica, seeding } from '../../rules/link/replica';
import { linkSpec } from '../../support/link-spec';
import { type EstateStage, startEstateStage } from '../../support/scenario';
import { StepBench } from '../../support/step-bench';

describe('trace flag 12381', () => {
  let stage: EstateStage;
  let bench: StepBench;

  beforeEach(async () => {
    stage = await startEstateStage();
    bench = await StepBench.open(stage, stage.spec());
  });
  afterEach(async () => {
    await bench.close();
    await stage.close();
  });

  const flags = (): readonly number[] => [...stage.estate.world.instances.get('SQL1').traceFlags];

  test('is turned on and off, each once however often it is asked', async () => {
    expect(await bench.run('server.keep-log')).toMatchObject({ outcome: 'done' });
    expect(flags()).toEqual([12381]);
    expect(await bench.run('server.keep-log')).toMatchObject({ outcome: 'already-done', effects: [] });
    expect(await bench.run('server.release-log')).toMatchObject({ outcome: 'done' });
    expect(flags()).toEqual([]);
    expect(await bench.run('server.release-log')).toMatchObject({ outcome: 'already-done', effects: [] });
  });

  test('is off again once the step is undone, also twice', async () => {
    const { before } = await bench.look('server.keep-log');
    await bench.run('server.keep-log');
    expect(await bench.undo('server.keep-log', before)).toHaveLength(1);
    expect(flags()).toEqual([]);
    expect(await bench.undo('server.keep-log', before)).toEqual([]);
  });

  test('that was on before the run is on again once the run is undone', async () => {
    stage.estate.world.instances.setTraceFlag('SQL1', 12381, true);
    const kept = await bench.look('server.keep-log');
    const released = await bench.look('server.release-log');
    await bench.run('server.release-log');
    expect(flags()).toEqual([]);
    await bench.undo('server.release-log', released.before);
    await bench.undo('server.keep-log', kept.before);
    expect(flags()).toEqual([12381]);
  });
});

describe('while another database of the server is seeded', () => {
  const link = (groupName: string, changes: Partial<SeedingFacts>) =>
    replica({ groupName, seeding: seeding(changes) });

  test.each<[string, DistributedReplicaFacts, readonly string[]]>([
    ['waits for its turn', link('DAG_Other', { currentState: 'LIMIT_CONCURRENT_BACKUPS' }), ['DAG_Other']],
    ['is seeded', link('DAG_Other', { currentState: 'SEEDING' }), ['DAG_Other']],
    ['still streams', link('DAG_Other', { isStreaming: true }), ['DAG_Other']],
    ['is complete', link('DAG_Other', {}), []],
    ['failed', link('DAG_Other', { currentState: 'FAILED' }), []],
    ['is down, its history gone', replica({ groupName: 'DAG_Other', seeding: null }), []],
    ['is the one that asks', link('dag_sales', { currentState: 'SEEDING' }), []],
  ])('a link that %s', (_what, facts, expected) => {
    expect(otherSeedings([facts], 'DAG_Sales')).toEqual(expected);
  });

  /** A server with the flag on, and another link in this state. */
  function contextWith(other: DistributedReplicaFacts): LinkContext {
    const rows: Readonly<Record<string, readonly unknown[]>> = {
      'read-trace-flags': [{ flag: 12381, isOn: true }],
      'read-link-replicas': [other],
      'read-seeding': [other],
    };
    const server = { name: 'sql1', query: async ({ id }: { id: string }) => rows[id] ?? [] };
    return {
      ports: { server },
      spec: linkSpec(),
      clock: { now: () => 0 },
      signal: new AbortController().signal,
    } as unknown as LinkContext;
  }

  const busy = contextWith(link('DAG_Other', { currentState: 'SEEDING' }));
  const quiet = contextWith(link('DAG_Other', {}));
  const OFF = { isOn: false, others: [] };

  test('it stays on, and the journal says for whom', async () => {
    const { settled } = await LINK_STEPS['server.release-log'].look(busy);
    expect(settled).toContain('DAG_Other');
    expect((await LINK_STEPS['server.release-log'].look(quiet)).settled).toBeUndefined();
  });

  test('undoing leaves it on, and names who needs it', async () => {
    await expect(LINK_STEPS['server.keep-log'].undoTo(OFF, busy)).rejects.toMatchObject({
      code: 'TraceFlagInUse',
      message: expect.stringContaining('DAG_Other'),
    });
    expect((await LINK_STEPS['server.keep-log'].undoTo(OFF, quiet)).effects).toHaveLength(1);
  });
});
