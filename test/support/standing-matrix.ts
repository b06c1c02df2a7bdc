/** A DR link and its failovers, disturbed at every position: what is asked for, and what must hold. */
import type { FailoverRecord } from '../../src/workflows/run/failover-record';
import type { FailoverRequest } from '../../src/workflows/run/standing-messages';
import type { FakeLink, FakeLinkOptions } from './fake-link';
import { DBA, type DisturbedRun, HOUR, startRun, stepOf } from './link-matrix';
import { linkSpecWith } from './link-spec';
import { STANDING_SPEC, StandingLink } from './standing-driver';
import { type ActivityCall, answer, type DriverOptions, type WorkflowDriver } from './workflow-driver';

/** Who leads the link first. */
export const BEGINNINGS = {
  'the SQL Server': STANDING_SPEC,
  'the instance': linkSpecWith(
    'purpose: disaster-recovery\ninitialPrimary: instance\ncutover: { fence: { disableLogins: [app] } }\n',
  ),
} as const;
export type Beginning = keyof typeof BEGINNINGS;

const WATCHES: readonly string[] = ['watch'];

export const startLink = (beginning: Beginning, driverOptions: DriverOptions = {}): Promise<DisturbedRun> =>
  startRun({}, driverOptions, BEGINNINGS[beginning], 'disasterRecoveryLink');

/** The link stands once it is watched: in the same activation. */
export const stands = ({ driver }: DisturbedRun): boolean =>
  driver.calls.some(({ type }) => WATCHES.includes(type));

/** How many calls are made until the link stands, the one that watches it included. */
export async function callsUntilItStands(beginning: Beginning): Promise<number> {
  const run = await startLink(beginning);
  await run.driver.run(() => stands(run));
  const { length } = run.driver.calls;
  await run.driver.dispose();
  return length;
}

/** Of a step that was done, the undoing; in any order, since Azure's side of a link goes first. */
export function leftBehind({ link }: { readonly link: FakeLink }): readonly string[] {
  const left = new Set<string>();
  for (const change of link.changes) {
    const [what = '', step = ''] = change.split(' ');
    if (what === 'do') left.add(step);
    else left.delete(step);
  }
  left.delete('first-log-backup');
  return [...left].map((step) => `${step} is left behind`);
}

/** A failover to be disturbed. Forced: the old primary answers, so that it is fenced and its loss is measured. */
export const FAILOVERS: Readonly<Record<string, Pick<FailoverRequest, 'type' | 'to'>>> = {
  'planned to the instance': { type: 'planned', to: 'instance' },
  'planned to the SQL Server': { type: 'planned', to: 'server' },
  'forced to the instance': { type: 'forced', to: 'instance' },
};

const ACTS: readonly string[] = [
  'server.planned-failover',
  'instance.planned-failover',
  'instance.forced-failover',
  'server.forced-failover',
];

export interface DisturbedFailover {
  readonly begun: StandingLink;
  /** Calls that were made before the failover was asked for. */
  readonly before: number;
}

export async function beginFailover(
  request: Pick<FailoverRequest, 'type' | 'to'>,
  driverOptions: DriverOptions = {},
  override: FakeLinkOptions['override'] = () => undefined,
): Promise<DisturbedFailover> {
  const begun = await StandingLink.begin(
    { override: (call) => (call.type === 'measureLoss' ? answer(MEASURED) : override(call)) },
    {},
    driverOptions,
  );
  const by = { ...DBA, acknowledgedBy: 'dba', reason: 'a test', acceptLossSeconds: 1_000_000 };
  if (request.to === 'server') {
    await begun.driver.update('failover', { ...by, type: 'planned', to: 'instance' });
    await begun.goOn();
    begun.link.effects.length = 0;
  }
  const before = begun.driver.calls.length;
  await begun.driver.update('failover', { ...by, ...request });
  return { begun, before };
}

export function failoverIn({ begun }: DisturbedFailover): WorkflowDriver | undefined {
  return begun.driver.children.at(-1);
}

/** How many calls the undisturbed failover makes. */
export async function callsOfFailover(request: Pick<FailoverRequest, 'type' | 'to'>): Promise<number> {
  const disturbed = await beginFailover(request);
  const { driver } = disturbed.begun;
  await driver.run(() => failoverIn(disturbed)?.ended !== undefined);
  const { length } = driver.calls;
  await driver.dispose();
  return length - disturbed.before;
}

export const isAct = (call: ActivityCall | undefined): boolean =>
  call?.type === 'observeStep' && ACTS.includes(stepOf(call) ?? '');

/** The act of the failover was asked for: there is no way back. */
export const hasActed = ({ begun, before }: DisturbedFailover): boolean =>
  begun.driver.calls.slice(before).some(isAct);

/** Either all of it came to pass, or the applications are where they were. */
export function wholeOrNothing(disturbed: DisturbedFailover): readonly string[] {
  const { changes } = disturbed.begun.link;
  if (!hasActed(disturbed)) {
    const acted = changes.filter((change) => ACTS.some((act) => change === `do ${act}`));
    return [...acted.map((change) => `${change}, unasked`), ...fencedStill(changes)];
  }
  return changes.at(-1)?.includes('admit-applications') === true
    ? []
    : [`was left halfway: ${changes.join(', ')}`];
}

/** By its undo or by an admission: the fence does not stay. */
function fencedStill(changes: readonly string[]): readonly string[] {
  const last = changes.findLast((change) => /fence|admit-applications/.test(change));
  return last?.startsWith('do ') === true && last.includes('fence') ? ['the fence stays'] : [];
}

export function outcomeOf(failover: WorkflowDriver | undefined): FailoverRecord['outcome'] | string {
  const ended = failover?.ended;
  return ended?.kind === 'completed' ? (ended.result as FailoverRecord).outcome : (ended?.kind ?? 'none');
}

/** What a forced failover loses that an old primary which answers is asked for. */
export const MEASURED = {
  observedAt: '2026-11-01T00:00:00.000Z',
  method: 'measured',
  seconds: 0,
  oldPrimaryEndOfLogLsn: '42',
  newPrimaryHardenedLsn: '42',
  newPrimaryTime: '2026-11-01T00:00:00.000Z',
  summary: 'nothing is lost',
};

export const LONG = 2 * HOUR;
