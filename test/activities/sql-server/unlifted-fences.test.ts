/** The fence on a group whose second replica goes away at the worst moment: over real sockets, without Temporal. */

import type { EstateDefinitionInput } from '../../../estate/world/definition';
import type { Observing } from '../../../src/activities/link/link-facts';
import { watchServerLed } from '../../../src/activities/link/server-led-watch';
import type { ActivityReporter } from '../../../src/activities/run/activity-boundary';
import { Snapshots } from '../../../src/activities/run/snapshots';
import { liftRemainingFences } from '../../../src/activities/sql-server/unlifted-fences';
import type { LinkStepId } from '../../../src/model/link/step';
import type { Query } from '../../../src/model/statement';
import { SqlServerFailure } from '../../../src/ports/failures';
import { replica } from '../../rules/link/replica';
import { APPLICATION } from '../../support/application';
import { overGroup } from '../../support/group-spec';
import { linkSpec } from '../../support/link-spec';
import { type EstateStage, QUICK_POLLING, startEstateStage } from '../../support/scenario';
import { StepBench } from '../../support/step-bench';

const SECTIONS = `
logBackups: { directory: "C:\\\\Backup" }
cutover: { fence: { disableLogins: [${APPLICATION.name}] } }
${QUICK_POLLING}
`;
const server = (name: string) => ({
  kind: 'sql-server' as const,
  name,
  clustered: true,
  endpoint: { name: 'Hadr_endpoint' },
  logins: [
    { name: 'sa', password: 'Ferry!Passw0rd' },
    { ...APPLICATION, roles: [] },
  ],
});
const ESTATE: EstateDefinitionInput = {
  clock: { speed: 600 },
  instances: [
    { ...server('SQL1'), databases: [{ name: 'Sales', dataBytes: 1024 ** 3 }] },
    server('SQL2'),
    { kind: 'managed-instance', name: 'mi-west' },
  ],
  groups: [{ name: 'AG_Prod', replicas: ['SQL1', 'SQL2'], databases: ['Sales'] }],
};

let stage: EstateStage;
let bench: StepBench;
beforeEach(async () => {
  stage = await startEstateStage({ estate: ESTATE });
  const parts = { replicas: ['SQL2'], availabilityGroup: 'AG_Prod' };
  bench = await StepBench.open(stage, overGroup(stage.spec(SECTIONS), stage.estate, parts));
});
afterEach(async () => {
  await bench.close();
  await stage.close();
});

const FENCE: LinkStepId = 'server.fence';
const ADMIT: LinkStepId = 'server.admit-applications';
const STATEMENT = `ALTER LOGIN [${APPLICATION.name}] ENABLE;`;
const PENDING = { server: 'sql2', logins: [APPLICATION.name], statement: STATEMENT };

const away = () => stage.estate.world.instances.kill('SQL2');
const back = () => stage.estate.world.instances.revive('SQL2');
const isClosed = (name: string) =>
  stage.estate.world.instances.get(name).logins.get(APPLICATION.name)?.disabled;
const closed = () => [isClosed('SQL1'), isClosed('SQL2')];
const open = () =>
  liftRemainingFences({ ports: bench.ports, signal: new AbortController().signal }, [PENDING]);

/** Withdrawn while the replica is away: what is left is told, and opened once it answers. */
async function withdrawWhileAway(before: unknown): Promise<void> {
  expect(await bench.undoAll(FENCE, before)).toMatchObject({
    effects: [{ server: 'sql1', display: STATEMENT }],
    unreached: [PENDING],
  });
  expect(closed()).toEqual([false, true]);
  expect(await open()).toEqual([]);
  back();
  expect(await open()).toMatchObject([{ server: 'sql2', effects: [{ server: 'sql2', display: STATEMENT }] }]);
  expect(closed()).toEqual([false, false]);
  expect(await open()).toEqual([{ server: 'sql2', effects: [] }]);
}

test('a replica that goes away behind the fence is left to be opened', async () => {
  const { before } = await bench.look(FENCE);
  await bench.run(FENCE);
  expect(closed()).toEqual([true, true]);
  away();
  await withdrawWhileAway(before);
});

test('a replica that came between the look and the fence is opened again', async () => {
  away();
  const { before } = await bench.look(FENCE);
  back();
  await bench.run(FENCE);
  expect(closed()).toEqual([true, true]);
  expect(await bench.undoAll(FENCE, before)).toMatchObject({ unreached: [] });
  expect(closed()).toEqual([false, false]);
});

test('one that came between and went again is left to be opened', async () => {
  away();
  const { before } = await bench.look(FENCE);
  back();
  await bench.run(FENCE);
  away();
  await withdrawWhileAway(before);
});

test('a login that was closed before the fence stays closed, also where nobody could look', async () => {
  for (const name of ['SQL1', 'SQL2']) {
    stage.estate.world.logins.alter(name, APPLICATION.name, { disabled: true });
  }
  away();
  const { before } = await bench.look(FENCE);
  expect(await bench.undoAll(FENCE, before)).toEqual({ effects: [], unreached: [] });
  back();
  expect(await bench.undoAll(FENCE, before)).toEqual({ effects: [], unreached: [] });
});

test('applications are admitted where they can be, and the rest is not forgotten', async () => {
  await bench.run(FENCE);
  away();
  expect(await bench.run(ADMIT)).toMatchObject({
    outcome: 'done',
    evidence: expect.stringContaining('no answer from sql2'),
    unreached: [PENDING],
  });
  expect(closed()).toEqual([false, true]);
  // A look that finds nothing to do says so as well.
  expect(await bench.run(ADMIT)).toMatchObject({ outcome: 'already-done', unreached: [PENDING] });
});

test('the watch of the link asks at each look, and says who answered; an absent replica holds no look up', async () => {
  let now = Date.parse('2026-11-01T00:00:00.000Z');
  let isAway = true;
  const sent: string[] = [];
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
      isAway = sent.length < 3;
    },
  };
  const server = {
    query: async ({ id }: Query<unknown>): Promise<readonly unknown[]> => {
      if (id === 'read-backups') return [{ database: 'Sales', finishedAt: new Date(now).toISOString() }];
      if (id !== 'read-link-replicas') return [];
      const serverTime = new Date(now).toISOString();
      const { observedAt: _, ...row } = replica({ groupName: 'DAG_Sales', database: 'Sales', serverTime });
      return [row];
    },
    execute: async () => undefined,
  };
  const sql2 = {
    query: async (asked: Query<unknown>) => {
      sent.push('ask');
      if (isAway) throw new SqlServerFailure('sql2', asked.id, [], 'unreachable', 'sql2: no answer');
      return [{ name: APPLICATION.name, isDisabled: true }];
    },
    execute: async ({ display }: { display: string }) => {
      sent.push(display);
    },
  };
  const group = { members: new Map([['sql2', sql2]]), leader: () => 'sql1' };
  const observing = {
    ports: { server, sites: { server }, group },
    spec: linkSpec(),
    clock,
    snapshots: new Snapshots(clock),
  } as unknown as Observing;
  const { signal } = new AbortController();
  const reporter = { signal, report: () => undefined } as unknown as ActivityReporter;
  const watch = () =>
    watchServerLed(observing, reporter, {
      primary: 'server',
      knownHealthy: true,
      checkpointAfterMs: Number.MAX_SAFE_INTEGER,
      known: { logAlarmRaised: false, unliftedFences: [PENDING] },
    });
  let news = await watch();
  // Log backups go on while the replica is away.
  while (news.kind === 'log-backup-taken') {
    isAway = sent.length < 3;
    news = await watch();
  }
  expect(news).toMatchObject({ kind: 'fences-lifted', fences: [{ server: 'sql2' }] });
  expect(sent).toEqual(['ask', 'ask', 'ask', 'ask', STATEMENT]);
});
