/** In virtual time: the repair of a split brain, for those whose applications wait for it. */

import type { HookInput } from '../../../src/activities/run/failover-api';
import type { Answer } from '../../../src/workflows/run/answers';
import { isWatch, watchInput } from '../../support/fake-link';
import { linkSpecWith } from '../../support/link-spec';
import { StandingLink } from '../../support/standing-driver';
import {
  type ActivityCall,
  answer,
  closeWorkflowDrivers,
  type FakeOutcome,
  hang,
} from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DBA = { by: 'dba' };
const HEALTH = { observedAt: '2026-11-01T02:10:00.000Z', summary: 'fine', lagSeconds: 0, logUsedPercent: 5 };
const splitBrain = (healthy = true): FakeOutcome =>
  answer(
    {
      kind: 'split-brain',
      reason: 'two primaries',
      health: { ...HEALTH, healthy },
      logEnds: { server: '9', instance: '9' },
    },
    MINUTE,
  );

const SPEC = linkSpecWith(`purpose: disaster-recovery
cutover: { fence: { disableLogins: [app] } }
hooks: { afterFailover: [{ name: dns, type: webhook, url: "https://ops.example.com/dns" }] }
`);

const standing = (watch: (call: ActivityCall) => FakeOutcome | undefined): Promise<StandingLink> =>
  StandingLink.begin({ override: (call) => (call.at >= 2 * HOUR ? watch(call) : undefined) }, { spec: SPEC });

const repair = (begun: StandingLink, survivor: 'server' | 'instance') =>
  begun.driver.update<Answer>('repair', { ...DBA, survivor });

test('a link that others deleted after the split cannot be repaired; it can be removed', async () => {
  const begun = await standing((call) => {
    if (!isWatch(call, 'server')) return undefined;
    const { standing: known } = watchInput(call);
    if (known?.splitBrainKnown !== true) return splitBrain();
    if (known.deletionKnown) return hang;
    return answer(
      { kind: 'deleted-externally', reason: 'Azure has no link', health: { ...HEALTH, healthy: false } },
      MINUTE,
    );
  });
  await begun.goOn(20 * MINUTE);
  const seen = await begun.protection();
  expect(seen).toMatchObject({ splitBrain: {}, deletedExternally: {}, possible: ['removal'] });
  expect(seen.notPossible).toContainEqual({
    what: 'repair of a split brain',
    rule: 'repair.deleted-externally',
    reason: 'Azure has no link; removal cleans up what is left',
  });
  expect(await repair(begun, 'server')).toMatchObject({
    accepted: false,
    reasons: ['Azure has no link; removal cleans up what is left'],
  });
  expect(await begun.driver.update('remove', DBA)).toMatchObject({ accepted: true });
  await begun.driver.run();
  expect(begun.driver.ended).toMatchObject({ result: { outcome: 'removed' } });
  await begun.end();
});

/** The link from its first look on; the split is found by whoever watches. */
async function split(primary: 'server' | 'instance') {
  const told: { code: string; nextStep: string }[] = [];
  let isFound = false;
  const begun = await standing((call) => {
    if (call.type === 'notifyPerson') told.push(call.input as (typeof told)[number]);
    if (!isWatch(call, primary)) return undefined;
    if (isFound) return hang;
    isFound = true;
    return splitBrain();
  });
  return { begun, nextStep: () => told.findLast(({ code }) => code === 'split-brain.repaired')?.nextStep };
}

test('forced to the instance: only the SQL Server, which led before, can be made to follow', async () => {
  const { begun, nextStep } = await split('instance');
  const forced = { ...DBA, type: 'forced', to: 'instance', reason: 'fire', acceptLossSeconds: 100_000 };
  await begun.driver.update('failover', forced);
  await begun.goOn(5 * MINUTE);
  begun.link.effects.length = 0;
  expect(await repair(begun, 'server')).toMatchObject({
    accepted: false,
    reasons: [expect.stringContaining('only the SQL Server, which led before, can be made to follow')],
    nextSteps: [expect.stringMatching(/--survivor instance.*drop the copy there, and start the link again/)],
  });
  expect((await begun.status()).nextSteps).toEqual(['sqlferry repair sales --survivor instance']);
  expect(await repair(begun, 'instance')).toMatchObject({ accepted: true });
  await begun.goOn(5 * MINUTE);
  expect(await begun.protection()).toMatchObject({ primary: 'instance', splitBrain: null });
  // The applications are there already.
  expect(begun.link.hooks).toEqual([]);
  expect(nextStep()).toBe('nothing');
  await begun.end();
});

test('forced by others, and their side survives: the applications are let in and repointed there', async () => {
  const { begun, nextStep } = await split('server');
  await begun.goOn(20 * MINUTE);
  begun.link.effects.length = 0;
  expect(await repair(begun, 'instance')).toMatchObject({ accepted: true });
  await begun.goOn(5 * MINUTE);
  expect(await begun.protection()).toMatchObject({ primary: 'instance', splitBrain: null });
  expect(begun.link.hooks).toEqual(['afterFailover dns']);
  expect(begun.link.changes.at(-1)).toBe('do instance.admit-applications');
  expect(nextStep()).toMatch(/applications go to mi-west and no longer to sql1/);
  const call = begun.driver.calls.findLast(({ type }) => type === 'runHook');
  expect((call?.input as HookInput).occasion).toMatchObject({ kind: 'repair', to: 'instance' });
  await begun.end();
});
