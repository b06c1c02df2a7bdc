/** What other hands do to a DR link: roles that are swapped beside the run, and a link that is deleted. */
import { query, until } from '../support/application';
import { closeServer, type Stage, startStage } from '../support/scenario';
import { LINK_SECTIONS, linkEstate, standingLink } from '../support/standing-link';

afterAll(closeServer);

const DBA = { by: 'dba' };

describe('roles and links that others change', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage({ estate: linkEstate() });
    await stage.startWorker();
    await standingLink(stage);
  }, 90_000);
  afterAll(() => stage.close());

  const status = async () => (await stage.migrations.view('sales')).status;
  const protection = async () => {
    const { protection: seen } = await status();
    if (seen === null) throw new Error('the link does not stand');
    return seen;
  };
  const leads = (side: 'server' | 'instance') =>
    until(`${side} leads`, async () => (await protection()).primary === side);
  const progress = async () =>
    (await stage.migrations.view('sales')).pending.flatMap((work) =>
      work.progress === null ? [] : [work.progress],
    );

  test('a failover by T-SQL is followed: told, recorded, and the instance watched', async () => {
    await query(stage.estate, 'SQL1', 'ALTER AVAILABILITY GROUP [DAG_Sales] FAILOVER');
    await leads('instance');
    const { failovers } = await protection();
    expect(failovers).toEqual([
      expect.objectContaining({ type: 'outside', by: 'outside', to: 'instance', outcome: 'done' }),
    ]);
    expect(failovers[0]?.summary).toMatch(/mi-west says PRIMARY and sql1 SECONDARY, seen 3 times/);
    expect((await status()).events.map(({ code }) => code)).toContain('failover.external');
    await until('the instance is watched', async () =>
      (await progress()).some(
        ({ activity, roles }) => activity === 'instance-leads' && roles?.instance === 'PRIMARY',
      ),
    );
    // Also when nobody saw the swap itself.
    await until('the full backup is seen', async () => typeof (await protection()).fullBackupAt === 'string');
  }, 60_000);

  test('so is the way back through Azure, and the run fails over from there by itself', async () => {
    stage.estate.world.links.failover('mi-west', 'DAG_Sales', 'Planned');
    await leads('server');
    expect((await protection()).failovers.at(-1)).toMatchObject({ by: 'outside', to: 'server' });
    const asked = { ...DBA, type: 'planned', to: 'instance', acknowledgedBy: 'head of operations' } as const;
    await until('log backups go on', async () =>
      (await progress()).some(({ activity }) => activity === 'replicating'),
    );
    expect(await stage.migrations.failover('sales', asked)).toMatchObject({ accepted: true });
    await leads('instance');
    expect((await protection()).failovers.at(-1)).toMatchObject({
      by: 'dba',
      outcome: 'done',
      acknowledged: { by: 'head of operations', what: expect.stringContaining('the last failover was') },
    });
  }, 60_000);

  test('Azure says once for each failover when its first full backup is there', async () => {
    await until('the full backup is seen', async () => typeof (await protection()).fullBackupAt === 'string');
    expect((await status()).events.filter(({ code }) => code === 'after.full-backup')).toHaveLength(2);
  }, 60_000);

  test('a link that others deleted is told, refused what it needs, and cleaned up by remove', async () => {
    stage.estate.world.links.delete('mi-west', 'DAG_Sales');
    await until('the removal is told', async () => (await protection()).deletedExternally !== undefined);
    const seen = await status();
    expect(seen.protection?.possible).toEqual(['removal']);
    expect(seen.nextSteps).toEqual(['sqlferry remove sales']);
    expect(await stage.migrations.failover('sales', { ...DBA, type: 'planned', to: 'server' })).toMatchObject(
      {
        accepted: false,
        reasons: [expect.stringContaining('removal cleans up what is left')],
      },
    );
    expect(await stage.migrations.remove('sales', DBA)).toMatchObject({ accepted: true });
    expect(await stage.migrations.result('sales')).toMatchObject({ outcome: 'removed' });
    expect(stage.estate.world.instances.get('SQL1').groups.size).toBe(0);
  }, 60_000);

  test('the list says how a run ended in its own words', async () => {
    // The copy on the instance is there already, which preflight does not let pass.
    await stage.migrations.start(stage.spec(LINK_SECTIONS, 'again'));
    await expect(stage.migrations.result('again')).rejects.toThrow();
    await until('both are listed', async () => {
      const listed = await stage.migrations.list();
      return listed.length === 2 && listed.every(({ outcome }) => outcome !== 'running');
    });
    const listed = await stage.migrations.list();
    expect(Object.fromEntries(listed.map(({ name, outcome }) => [name, outcome]))).toEqual({
      sales: 'removed',
      again: 'failed',
    });
  }, 60_000);
});
