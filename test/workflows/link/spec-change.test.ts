/** In virtual time: the spec of a link that stands is changed. */

import type { ResolvedLink } from '../../../src/model/link/spec';
import type { Answer } from '../../../src/workflows/run/answers';
import type { RunInput } from '../../../src/workflows/run/state';
import { isWatch } from '../../support/fake-link';
import { linkSpecWith } from '../../support/link-spec';
import { STANDING_SPEC, StandingLink } from '../../support/standing-driver';
import {
  type ActivityCall,
  closeWorkflowDrivers,
  type FakeOutcome,
  hang,
} from '../../support/workflow-driver';

afterAll(closeWorkflowDrivers);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DBA = { by: 'dba', reason: 'new network' };
const PLANNED = { by: 'dba', type: 'planned', to: 'instance' };
const FORCED = { ...PLANNED, type: 'forced', reason: 'lost', acceptLossSeconds: 100_000 };

const HOST = 'sql1.example.net';
const NEXT: ResolvedLink = {
  ...linkSpecWith(`purpose: disaster-recovery
cutover: { fence: { disableLogins: [app, web] } }
hooks: { afterFailover: [{ name: dns, type: webhook, url: "https://ops.example.com/secret-path" }] }
polling: { heartbeatTimeout: 3m }
`),
  server: { ...STANDING_SPEC.server, host: HOST },
};

const hostIn = ({ input }: ActivityCall) => (input as { spec: ResolvedLink }).spec.server.host;
const isGuard = (call: ActivityCall) => isWatch(call, 'server');

/** Stands, and its watch waits. */
const standing = (
  then: (call: ActivityCall) => FakeOutcome | undefined = () => undefined,
  input: Partial<RunInput> = {},
) =>
  StandingLink.begin(
    { override: (call) => then(call) ?? (isGuard(call) && call.at >= HOUR ? hang : undefined) },
    input,
  );

const change = ({ driver }: StandingLink, spec: unknown = NEXT) =>
  driver.update<Answer>('changeSpec', { ...DBA, spec });

test('the watch is begun anew with the new spec, and an event names the fields alone', async () => {
  const begun = await standing();
  await begun.goOn(HOUR);
  const before = begun.driver.calls.length;
  expect(await change(begun)).toMatchObject({ accepted: true, note: expect.stringMatching(/polling/) });
  await begun.goOn();
  const watches = begun.driver.calls.slice(before).filter(isGuard);
  expect(watches.map(hostIn)).toEqual([HOST]);
  const { events, protection } = await begun.status();
  expect(protection?.pendingRequest).toBeNull();
  expect(events.at(-1)).toMatchObject({
    code: 'spec.changed',
    message:
      'the spec was changed by dba (new network): cutover.fence.disableLogins, polling.heartbeatTimeout, hooks, sqlServers.sql1.host',
  });
  expect(JSON.stringify(events)).not.toMatch(/secret-path|example\.net/);
  expect(await begun.driver.query<ResolvedLink>('spec')).toEqual(NEXT);
  await begun.end();
});

test('the next failover has it', async () => {
  const begun = await standing();
  await change(begun);
  await begun.goOn();
  const before = begun.driver.calls.length;
  await begun.driver.update('failover', PLANNED);
  await begun.goOn(HOUR);
  expect((await begun.protection()).primary).toBe('instance');
  const steps = begun.driver.calls.slice(before).filter(({ type }) => type === 'performStep');
  expect(steps.length).toBeGreaterThan(2);
  expect(new Set(steps.map(hostIn))).toEqual(new Set([HOST]));
  await begun.end();
});

test('a new history goes on with it', async () => {
  const begun = await StandingLink.start({}, { maxHistoryEvents: 200 });
  await begun.driver.run(() => false, 2 * HOUR);
  expect(begun.driver.ended).toBeUndefined();
  expect(await change(begun)).toMatchObject({ accepted: true });
  await begun.driver.run(() => false, 30 * 24 * HOUR);
  const ended = begun.driver.ended;
  if (ended?.kind !== 'continued-as-new') throw new Error(`no new history: ${ended?.kind}`);
  const input = ended.input as RunInput;
  expect(input.spec).toEqual(NEXT);
  await begun.end();
  const next = await StandingLink.start({}, input);
  await next.goOn(MINUTE);
  expect(next.driver.ended).toBeUndefined();
  expect(new Set(next.driver.calls.map(hostIn))).toEqual(new Set([HOST]));
  await next.driver.dispose();
});

test('what may not change is refused, field by field, and nothing of it is in force', async () => {
  const begun = await standing();
  const other = { ...NEXT, settings: { ...NEXT.settings, database: 'Other' } };
  expect(await change(begun, other)).toEqual({
    accepted: false,
    rule: 'spec-change.identity',
    reasons: [expect.stringMatching(/^database: .* \[spec-change\.identity\]$/)],
    nextSteps: [expect.stringMatching(/remove the link/)],
  });
  expect(await change(begun, STANDING_SPEC)).toMatchObject({
    accepted: false,
    reasons: ['nothing differs from the spec in force'],
  });
  expect(await begun.driver.query<ResolvedLink>('spec')).toEqual(STANDING_SPEC);
  await begun.end();
});

test.each<[string, unknown, RegExp]>([
  ['no spec', null, /spec must be an object/],
  ['no settings', { ...NEXT, settings: undefined }, /spec\.settings must be an object/],
  ['no host', { ...NEXT, server: { ...NEXT.server, host: 7 } }, /spec\.server\.host must be text/],
  ['no TLS', { ...NEXT, server: { ...NEXT.server, tls: {} } }, /spec\.server\.tls\.mode must be/],
  [
    'no login',
    { ...NEXT, instance: { ...NEXT.instance, authentication: undefined } },
    /spec\.instance\.authentication must be an object/,
  ],
])('a spec without its shape is rejected: %s', async (_name, spec, message) => {
  const begun = await standing();
  await expect(change(begun, spec)).rejects.toThrow(message);
  await begun.driver.dispose();
});

test('refused while a failover is under way, and before the link stands', async () => {
  const begun = await standing((call) => (call.type === 'awaitReadiness' ? hang : undefined));
  await begun.driver.update('failover', PLANNED);
  await begun.goOn();
  expect(await change(begun)).toMatchObject({
    accepted: false,
    reasons: ['another request is under way'],
  });
  await begun.driver.dispose();

  const early = await StandingLink.start({ override: () => hang });
  expect(await change(early)).toMatchObject({ accepted: false, reasons: ['the link does not stand yet'] });
  await early.driver.dispose();
});

test('a forced failover does not wait for it, and has the new spec', async () => {
  const begun = await standing();
  begun.driver.stopsWithin(10 * HOUR);
  expect(await change(begun)).toMatchObject({ accepted: true });
  expect(await begun.driver.update('failover', FORCED)).toMatchObject({ accepted: true });
  await begun.goOn();
  expect((await begun.protection()).primary).toBe('instance');
  const acts = begun.driver.calls.filter(
    (call) => (call.input as { stepId?: string }).stepId === 'instance.forced-failover',
  );
  expect(new Set(acts.map(hostIn))).toEqual(new Set([HOST]));
  await begun.end();
});
