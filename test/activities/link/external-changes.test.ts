/** What counts as roles that others swapped, as a link that others removed, and as a log that fills up unwatched. */

import { linkGone, rolesByOthers } from '../../../src/activities/link/external-changes';
import type { Observing } from '../../../src/activities/link/link-facts';
import { watchLogSpace } from '../../../src/activities/link/log-space-watch';
import type { ActivityReporter } from '../../../src/activities/run/activity-boundary';
import { Snapshots } from '../../../src/activities/run/snapshots';
import type { Progress } from '../../../src/model/run/progress';
import type { DistributedReplicaFacts } from '../../../src/model/sql-server/observation';
import { replica, seeding } from '../../rules/link/replica';
import { linkSpec } from '../../support/link-spec';

const SIGNAL = new AbortController().signal;
type Role = 'PRIMARY' | 'SECONDARY' | 'RESOLVING' | 'silent' | 'none';

/** A world whose sides say the next thing with each look; the last one stands. */
function world(looks: {
  readonly server?: readonly Role[];
  readonly instance?: readonly Role[];
  readonly azure?: readonly (boolean | 'silent')[];
  readonly facts?: Partial<DistributedReplicaFacts>;
  /** Log used, in percent, look by look. */
  readonly used?: readonly number[];
}) {
  let now = Date.parse('2026-11-26T12:00:00Z');
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  const asked = { server: 0, instance: 0, azure: 0, used: 0 };
  const next = <T>(of: keyof typeof asked, said: readonly T[]): T => {
    const what = said[Math.min(asked[of], said.length - 1)];
    asked[of] += 1;
    if (what === undefined) throw new Error('nothing is said');
    return what;
  };
  const side = (name: 'server' | 'instance', said: readonly Role[]) => ({
    name,
    query: async ({ id }: { readonly id: string }) => {
      const time = new Date(now).toISOString();
      if (id === 'read-server') return [{ serverTime: time }];
      if (id !== 'read-link-replicas') return [];
      const role = next(name, said);
      if (role === 'silent') throw new Error('no answer');
      if (role === 'none') return [];
      const percent = looks.used === undefined ? 10 : next('used', looks.used);
      const log = { logSizeBytes: 1_000_000, logUsedBytes: percent * 10_000 };
      const facts = { groupName: 'DAG_Sales', localRoleDesc: role, serverTime: time };
      return [replica({ ...log, ...facts, ...looks.facts })];
    },
  });
  const observing = {
    ports: {
      server: side('server', looks.server ?? ['PRIMARY']),
      instance: side('instance', looks.instance ?? ['SECONDARY']),
      azure: {
        readLink: async () => {
          const there = next('azure', looks.azure ?? [true]);
          if (there === 'silent') throw new Error('no answer');
          return there ? { name: 'DAG_Sales' } : undefined;
        },
      },
    },
    spec: linkSpec(),
    clock,
    snapshots: new Snapshots(clock),
  } as unknown as Observing;
  return { observing, asked };
}

describe('rolesByOthers', () => {
  const P = 'PRIMARY' as const;
  const S = 'SECONDARY' as const;

  test('three looks that agree are news, with who says what and when', async () => {
    const { observing, asked } = world({ server: [S], instance: [P] });
    const news = await rolesByOthers(observing, 'server', false, SIGNAL);
    expect(news).toMatchObject({ kind: 'external-failover', primary: 'instance' });
    expect(news?.reason).toMatch(
      /^mi-west says PRIMARY and sql1 SECONDARY, seen 3 times from .*12:00:00.* to .*12:00:04/,
    );
    expect([asked.server, asked.instance]).toEqual([3, 3]);
  });

  test.each<[string, readonly Role[], readonly Role[]]>([
    ['only one side has changed', [S], [S]],
    ['roles that are just being swapped', [S, S, P], [P, P, S]],
    ['the third look tells otherwise', [S, S, S], [P, P, 'RESOLVING']],
    ['the new primary falls silent', [S], [P, P, 'silent']],
    ['the old primary is silent: that is a forced failover, and a person decides', ['silent'], [P]],
    ['two primaries', [P], [P]],
    ['all is as the run knows it', [P], [S]],
  ])('%s: no news', async (_title, server, instance) => {
    const { observing } = world({ server, instance });
    expect(await rolesByOthers(observing, 'server', false, SIGNAL)).toBeUndefined();
  });

  test('after two primaries, one that leads again is news, too', async () => {
    const { observing } = world({});
    expect(await rolesByOthers(observing, 'server', true, SIGNAL)).toMatchObject({ primary: 'server' });
  });
});

describe('linkGone', () => {
  const apart = { connectedStateDesc: 'DISCONNECTED' };

  test.each([
    [
      'with its group left',
      { azure: [false], facts: apart },
      /sql1 has the group without its partner, seen 3 times$/,
    ],
    ['with its group gone', { azure: [false], server: ['none' as const] }, /sql1 has no such group either/],
  ])('gone from Azure, %s', async (_title, looks, reason) => {
    const { observing, asked } = world(looks);
    const news = await linkGone(observing, 'server', SIGNAL);
    expect(news).toMatchObject({ kind: 'deleted-externally', reason: expect.stringMatching(reason) });
    expect(asked.azure).toBe(3);
  });

  test.each([
    ['Azure still has it', { azure: [true], facts: apart }],
    ['it comes back with the third look', { azure: [false, false, true], facts: apart }],
    ['Azure does not answer', { azure: [false, 'silent' as const], facts: apart }],
    ['the primary is still connected', { azure: [false] }],
    ['the primary does not answer', { azure: [false], server: ['silent' as const] }],
  ])('%s: no news', async (_title, looks) => {
    expect(await linkGone(world(looks).observing, 'server', SIGNAL)).toBeUndefined();
  });
});

describe('watchLogSpace', () => {
  const RUNNING = {
    seeding: seeding({ currentState: 'FAILED' }),
    synchronizationStateDesc: 'NOT SYNCHRONIZING',
    synchronizationHealthDesc: 'NOT_HEALTHY',
    logReuseWaitDesc: 'ACTIVE_BACKUP_OR_RESTORE',
  };

  test('tells of a log that is nearly full, after looks that only report', async () => {
    const reports: Progress[] = [];
    const reporter = {
      signal: SIGNAL,
      report: (one: Progress) => reports.push(one),
    } as unknown as ActivityReporter;
    const { observing } = world({ server: ['silent', 'PRIMARY'], used: [40, 41, 42, 90], facts: RUNNING });
    const news = await watchLogSpace(observing, reporter, false);
    expect(news).toMatchObject({ kind: 'log-alarm', reason: expect.stringMatching(/^The log is 90 % used/) });
    expect(reports.map(({ log }) => log?.usedPercent)).toEqual([40, 41, 42]);
    expect(reports[1]?.log).toMatchObject({
      reuseWait: 'ACTIVE_BACKUP_OR_RESTORE',
      fullInMs: expect.any(Number),
    });
  });
});
