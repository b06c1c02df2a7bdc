/** Promise 4 for every spec of a DR link: what a change looks at or does stands in its plan, in the same order. */
import { LINK_PROCEDURE } from '../../../src/model/link/procedure';
import type { ResolvedLink } from '../../../src/model/link/spec';
import { type Change, changeSteps } from '../../../src/model/run/procedure';
import type { Answer } from '../../../src/workflows/run/answers';
import { watchInput } from '../../support/fake-link';
import { linkSpecWith } from '../../support/link-spec';
import { HOUR, StandingLink } from '../../support/standing-driver';
import { type ActivityCall, answer, closeWorkflowDrivers, hang } from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

/** Where `drift` is `ignore`, copies go on beside the replication, whenever another side leads: no part of the change. */
const SECTIONS: Readonly<Record<string, string>> = {
  'nothing else': '',
  'orphaned users': 'afterFailover: { repairOrphanedUsers: true }\n',
  jobs: 'instanceObjects: { jobs: { include: [totals] } }\n',
  'logins without jobs': 'instanceObjects: { logins: { include: [batch] } }\n',
  'all of it':
    'afterFailover: { repairOrphanedUsers: true }\ninstanceObjects: { logins: { include: [batch] }, jobs: { include: [totals] } }\n',
};

const specWith = (section: string): ResolvedLink =>
  linkSpecWith(`purpose: disaster-recovery
cutover: { fence: { disableLogins: [app] } }
failover: { coolDown: 0s }
${section}`);

const BY = { by: 'dba', acknowledgedBy: 'dba' };
const FORCED = { ...BY, type: 'forced', to: 'instance', reason: 'lost', acceptLossSeconds: 999_999 };

/** The old primary answers, so it is fenced as well. */
const MEASURED = {
  observedAt: '2026-11-01T00:00:00.000Z',
  method: 'measured',
  seconds: 0,
  newPrimaryTime: null,
  summary: 'nothing',
};

/** What is asked, and what a plan calls it. */
const CHANGES: readonly (readonly [string, readonly [string, object], Change])[] = [
  [
    'a planned failover',
    ['failover', { ...BY, type: 'planned', to: 'instance' }],
    { kind: 'failover', type: 'planned', to: 'instance' },
  ],
  ['a forced failover', ['failover', FORCED], { kind: 'failover', type: 'forced', to: 'instance' }],
  ['a drill', ['drill', { ...BY, holdMs: 60_000 }], { kind: 'drill', from: 'server', to: 'instance' }],
  ['the removal', ['remove', { by: 'dba' }], { kind: 'removal' }],
];

interface Scene {
  readonly begun: StandingLink;
  /** From now on it counts what is looked at or done. */
  forget(): void;
  /** Steps that were looked at or done since, in order, each once for all its calls in a row. */
  steps(): readonly string[];
}

const SPLIT = {
  kind: 'split-brain',
  reason: 'two primaries',
  health: { observedAt: MEASURED.observedAt, healthy: true, summary: 'fine', lagSeconds: 0 },
};

async function sceneOf(spec: ResolvedLink): Promise<Scene> {
  const override = (call: ActivityCall) => {
    if (call.type === 'measureLoss') return answer(MEASURED);
    if (call.type !== 'watch') return undefined;
    const { standing } = watchInput(call);
    return standing?.splitBrainKnown === false ? answer(SPLIT, 6 * HOUR) : hang;
  };
  const begun = await StandingLink.begin({ override }, { spec });
  let before = begun.driver.calls.length;
  return {
    begun,
    forget: () => {
      before = begun.driver.calls.length;
    },
    steps: () =>
      begun.driver.calls
        .slice(before)
        .map(({ input }) => (input as { stepId?: string }).stepId)
        .filter((id) => id !== undefined)
        .filter((id, at, all) => id !== all[at - 1]),
  };
}

describe.each(Object.entries(SECTIONS))('with %s', (_name, section) => {
  const spec = specWith(section);

  test.each(CHANGES)('%s', async (_what, [update, request], change) => {
    const { begun, steps } = await sceneOf(spec);
    expect(await begun.driver.update<Answer>(update, request)).toMatchObject({ accepted: true });
    await begun.goOn(2 * HOUR);
    expect(steps()).toEqual(changeSteps(LINK_PROCEDURE, spec, change).map(({ id }) => id));
    await begun.end();
  });

  test.each(['instance', 'server'] as const)('a repair whose survivor is the %s', async (survivor) => {
    const { begun, forget, steps } = await sceneOf(spec);
    await begun.goOn(6 * HOUR);
    forget();
    expect(await begun.driver.update('repair', { by: 'dba', survivor })).toMatchObject({ accepted: true });
    await begun.goOn(2 * HOUR);
    // Only where the applications were on the other side.
    const isLeftOut = (id: string) => survivor === 'server' && id === 'server.repair-orphaned-users';
    const planned = changeSteps(LINK_PROCEDURE, spec, { kind: 'repair', survivor }).map(({ id }) => id);
    expect(steps()).toEqual(planned.filter((id) => !isLeftOut(id)));
    await begun.end();
  });
});
