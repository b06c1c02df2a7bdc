/** The SQL Server dies behind the fence of a planned failover: a forced one is asked for over it, and goes through. */
import { WorkloadWriter } from '../../estate/workload/writer';
import { FakeAzure } from '../adapters/azure/fake-azure';
import { APPLICATION, applicationOn, until } from '../support/application';
import { closeServer, type Stage, startStage } from '../support/scenario';
import { LINK_SECTIONS, linkEstate, standingLink } from '../support/standing-link';

afterAll(closeServer);

const DBA = { by: 'dba' };

describe('a primary that dies behind the fence', () => {
  let receiver: FakeAzure;
  let stage: Stage;
  let writer: WorkloadWriter;
  let dies = false;

  const status = async () => (await stage.migrations.view('sales')).status;
  const protection = async () => {
    const { protection: seen } = await status();
    if (seen === null) throw new Error('the link does not stand');
    return seen;
  };
  const isShut = (name: string) =>
    stage.estate.world.instances.get(name).logins.get(APPLICATION.name)?.disabled;
  const writesOn = async (name: string) => {
    writer.repoint(applicationOn(stage.estate, name));
    const { acknowledged } = writer.report();
    await until(`the application writes on ${name}`, () => writer.report().acknowledged > acknowledged + 10);
  };
  const isFree = async () => (await protection()).pendingRequest === null;

  /** A planned failover whose primary dies once it is fenced, and the forced one that overtakes it. */
  async function dieBehindTheFence() {
    dies = true;
    const planned = { ...DBA, type: 'planned', to: 'instance', acknowledgedBy: 'dba' } as const;
    expect(await stage.migrations.failover('sales', planned)).toMatchObject({ accepted: true });
    await until('the primary dies behind the fence', () => !dies);
    expect(await isFree()).toBe(false);
    const forced = {
      by: 'head of operations',
      type: 'forced',
      to: 'instance',
      reason: 'SQL1 is dead',
      acceptLossSeconds: 100_000,
      acknowledgedBy: 'head of operations',
    } as const;
    expect(await stage.migrations.failover('sales', forced)).toMatchObject({
      accepted: true,
      note: expect.stringContaining('planned failover under way ends where it is'),
    });
    await until('the instance leads', async () => (await protection()).primary === 'instance', 90_000);
    await until('nothing is under way', isFree);
    expect((await protection()).failovers.slice(-2)).toEqual([
      expect.objectContaining({
        type: 'planned',
        outcome: 'withdrawn',
        preempted: { fenceOn: 'server' },
        summary: expect.stringContaining(`the fence stays on sql1 (disabled there: ${APPLICATION.name})`),
      }),
      expect.objectContaining({ type: 'forced', outcome: 'done' }),
    ]);
    await writesOn('mi-west');
  }

  async function comesBack() {
    stage.estate.world.instances.revive('SQL1');
    stage.estate.world.instances.start('SQL1');
    await until('two primaries are found', async () => (await protection()).splitBrain !== null, 60_000);
    expect(isShut('SQL1')).toBe(true);
  }

  async function repair() {
    expect(await stage.migrations.repair('sales', { ...DBA, survivor: 'instance' })).toMatchObject({
      accepted: true,
    });
    await until('it is repaired', async () => (await protection()).splitBrain === null, 60_000);
    await until('nothing is under way', isFree);
    expect((await protection()).primary).toBe('instance');
  }

  beforeAll(async () => {
    receiver = await FakeAzure.start();
    receiver.handler = () => {
      if (dies) stage.estate.world.instances.kill('SQL1');
      dies = false;
      return { status: 204 };
    };
    stage = await startStage({ estate: linkEstate(), env: { HOOK_URL: `${receiver.origin}/fenced` } });
    await stage.startWorker();
    const hook = `{ name: fenced, type: webhook, url: "env:HOOK_URL", caFile: "${receiver.caFile}", timeout: 5s }`;
    await standingLink(
      stage,
      `${LINK_SECTIONS}\nhooks: { whenFenced: [${hook}] }\nafterFailover: { repairOrphanedUsers: true }\n`,
    );
    writer = new WorkloadWriter({ target: applicationOn(stage.estate, 'SQL1'), rate: 50, retryMs: 25 });
    writer.start();
    await writesOn('SQL1');
  }, 120_000);
  afterAll(async () => {
    await writer.stop();
    await stage.close();
    await receiver.stop();
  });

  test('forced over the planned one; back and repaired: whoever leads has its logins open', async () => {
    await dieBehindTheFence();
    await comesBack();
    await repair();
    expect(isShut('mi-west')).toBe(false);
    const back = { ...DBA, type: 'planned', to: 'server', acknowledgedBy: 'dba' } as const;
    expect(await stage.migrations.failover('sales', back)).toMatchObject({ accepted: true });
    await until('the server leads', async () => (await protection()).primary === 'server', 60_000);
    await until('nothing is under way', isFree);
    expect(isShut('SQL1')).toBe(false);
    await writesOn('SQL1');
  }, 240_000);
});
