/** Anything at all, sent to any request or signal of a run: it changes nothing, and nothing of it throws in the run. */

import * as fc from 'fast-check';
import type { LinkStatus } from '../../../src/workflows/link/status';
import { FakeLink } from '../../support/fake-link';
import { linkSpecWith } from '../../support/link-spec';
import { StandingLink } from '../../support/standing-driver';
import { closeWorkflowDrivers, WorkflowDriver } from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const FIELDS = [
  'by',
  'reason',
  'type',
  'to',
  'survivor',
  'holdMs',
  'until',
  'schedule',
  'acceptLossSeconds',
  'kind',
  'record',
  'problem',
  'waitingFor',
  'place',
  'request',
];
const WORDS = [
  'ann',
  'planned',
  'Forced',
  'server',
  'target',
  'new-primary-proven',
  'granted',
  'problem',
  'ask',
  '',
  'a\nb',
];

/** Random JSON, and objects with the fields that are known; none of them says who asks as it should. */
const message = fc.oneof(
  fc.jsonValue(),
  fc
    .dictionary(fc.constantFrom(...FIELDS), fc.oneof(fc.constantFrom(...WORDS), fc.jsonValue()))
    .map(({ by, ...fields }) => ({
      ...fields,
      ...(typeof by === 'string' ? { by: `${by}\n` } : { by: by ?? null }),
    })),
);

const withoutNotes = ({ events, ...status }: LinkStatus) => ({
  ...status,
  events: events.filter(({ code }) => code !== 'message.ignored'),
});

async function holds(
  driver: WorkflowDriver,
  updates: readonly string[],
  signals: readonly string[],
): Promise<void> {
  const status = async () => withoutNotes(await driver.query<LinkStatus>('status'));
  const before = await status();
  const told = driver.calls.length;
  await fc.assert(
    fc.asyncProperty(message, fc.constantFrom(...updates), async (request, name) => {
      await expect(driver.update(name, request)).rejects.toThrow(/must be|not known/);
      expect(await status()).toEqual(before);
    }),
    { numRuns: 300 },
  );
  await fc.assert(
    fc.asyncProperty(message, fc.constantFrom(...signals), async (signal, name) => {
      await driver.signal(name, signal);
      expect(await status()).toEqual(before);
    }),
    { numRuns: 200 },
  );
  expect(driver.calls).toHaveLength(told);
}

const CONTROL = ['pause', 'resume', 'abort'];

test('of a migration that waits for its approval', async () => {
  const driver = await WorkflowDriver.start(
    'linkMigration',
    { spec: linkSpecWith('cutover: { approval: { required: true } }\n'), visibility: false },
    new FakeLink().activities,
  );
  await driver.run(() => false, 3 * 3_600_000);
  await holds(driver, [...CONTROL, 'approve', 'postpone', 'changeSchedule'], ['slotNews']);
  await driver.replay();
  await driver.dispose();
});

test('of a DR link', async () => {
  const standing = await StandingLink.begin();
  const updates = [...CONTROL, 'failover', 'drill', 'repair', 'remove'];
  await holds(standing.driver, updates, ['failoverNews', 'slotNews', 'failoverControl']);
  await standing.end();
});
