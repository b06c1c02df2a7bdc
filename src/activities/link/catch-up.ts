/** What the cutover waits for: the gate, equal LSNs behind the fence, the last look, Azure's first full backup. */

import { bySite, type LinkSite, otherSite } from '../../model/link/side';
import { pacingOf } from '../../model/run/pacing';
import { compareLsn } from '../../model/sql-server/lsn';
import type { DistributedReplicaFacts } from '../../model/sql-server/observation';
import { cutoverRoute } from '../../rules/link/capability';
import { linkGate, redoReason } from '../../rules/link/cutover-gate';
import { otherLinks } from '../../rules/link/other-links';
import { type LsnSample, lsnEquality } from '../../rules/sql-server/lsn-equality';
import { readServer } from '../../tsql/queries/server';
import type { ActivityReporter } from '../run/activity-boundary';
import type { CatchUpEvidence, ReadinessEvidence } from '../run/api';
import { NeedsPerson } from '../run/failures';
import type { EqualLsnEvidence } from '../sql-server/api';
import { readAvailabilityGroupFacts } from '../sql-server/observe/availability-groups';
import { readInstanceDatabaseFacts } from '../sql-server/observe/database';
import { readServerFacts } from '../sql-server/observe/server';
import { linkFacts, type Observing } from './link-facts';

/** Looks behind the fence that must agree. */
const SAMPLES_NEEDED = 3;
/** Facts for a decision that stops applications. */
const GATE_FACTS_MAX_AGE_MS = 5_000;

/** Waits until the state of the link lets the cutover begin; tells why it does not. */
export async function awaitReadiness(
  observing: Observing,
  reporter: ActivityReporter,
  primary: LinkSite,
): Promise<ReadinessEvidence> {
  const { spec, clock } = observing;
  const { polling, cutover } = spec.settings;
  for (;;) {
    const facts = await linkFacts(observing, 0, primary);
    const reasons = linkGate({
      facts: facts ?? null,
      now: clock.now(),
      factsMaxAgeMs: GATE_FACTS_MAX_AGE_MS,
      maxLag: cutover.maxLag,
    });
    if (facts !== undefined && reasons.length === 0) {
      if (primary === 'server') await refuseWithOtherLinks(observing, reporter.signal);
      const { secondaryLagSeconds: lag } = facts;
      const behind = lag === null ? 'nobody knows how far behind' : `${lag} s behind`;
      return { observedAt: facts.observedAt, summary: `connected, healthy, ${behind}` };
    }
    reporter.report({
      version: 1,
      activity: 'cutover-gate',
      waitingFor: reasons.map(({ reason, evidence }) => `${reason} (${evidence})`).join(' '),
      observedAt: new Date(clock.now()).toISOString(),
      ...(facts?.secondaryLagSeconds == null ? {} : { lagSeconds: facts.secondaryLagSeconds }),
    });
    await clock.sleep(polling.active, reporter.signal);
  }
}

/**
 * After a planned failover the availability group of the SQL Server is a secondary. What becomes of other links over
 * it is not documented, so none may be there. Deleting a link to cut over leaves the group what it is.
 * @throws NeedsPerson
 */
async function refuseWithOtherLinks({ ports, spec, clock }: Observing, signal: AbortSignal): Promise<void> {
  const others = otherLinks(await readAvailabilityGroupFacts(ports.server, signal), spec.names);
  if (others.length === 0) return;
  const [server, instance] = await Promise.all([
    readServerFacts(ports.server, clock, signal),
    ports.azure.readInstance(signal),
  ]);
  if (cutoverRoute(server, instance) === 'delete-link') return;
  throw new NeedsPerson(
    'OtherLinksOfTheGroup',
    `${spec.names.availabilityGroup} also leads ${others.join(', ')}: after the failover it would be a secondary, and those links would have no primary`,
    'remove the other links first (sqlferry abort or remove), then resume',
  );
}

/**
 * Waits until both sides stand at the same LSN, several looks in a row, all after the fence (promise 6), and until the
 * secondary has so little left to apply that a failover is not refused for it (47516).
 */
export async function awaitCatchUp(
  observing: Observing,
  reporter: ActivityReporter,
  primary: LinkSite,
  fencedAt: string,
): Promise<EqualLsnEvidence> {
  const { spec, clock } = observing;
  const { maxLag } = spec.settings.cutover;
  const { behindFenceMs, agreedMs } = pacingOf(spec.settings.polling);
  const samples: LsnSample[] = [];
  // The run begins this after the fence: no look is from before it, whatever the clocks of two workers say.
  const after = new Date(Math.min(Date.parse(fencedAt), clock.now() - 1)).toISOString();
  for (;;) {
    // The look that may be the last one asks for the time as well: nobody waits for a further one.
    const isNear = samples.length >= SAMPLES_NEEDED - 1;
    const [{ facts, ...sample }, instanceNow] = await Promise.all([
      sampleBoth(observing, primary, reporter.signal),
      isNear ? instanceTime(observing, reporter.signal) : null,
    ]);
    samples.push(sample);
    const verdict = lsnEquality(samples, after, SAMPLES_NEEDED);
    const [redo] = redoOf(facts, maxLag);
    if (verdict.equal && verdict.lsn !== null && redo === undefined) {
      const { lsn, samples: looks } = verdict;
      return {
        method: 'equal-lsn',
        observedAt: new Date(clock.now()).toISOString(),
        fencedAt,
        summary: `SQL Server and instance are equal at LSN ${lsn} (${looks} samples behind the fence)`,
        primaryEndOfLogLsn: lsn,
        secondaryHardenedLsn: lsn,
        samples: looks,
        platformTime: instanceNow ?? (await instanceTime(observing, reporter.signal)),
      };
    }
    reporter.report({
      version: 1,
      activity: 'catching-up',
      waitingFor: verdict.equal && redo !== undefined ? `${redo.reason} (${redo.evidence})` : verdict.reason,
      observedAt: new Date(clock.now()).toISOString(),
    });
    await clock.sleep(verdict.samples > 0 ? agreedMs : behindFenceMs, reporter.signal);
  }
}

/**
 * The last look before there is no way back: the same LSN on both sides, the log applied, the SQL Server still the primary.
 * @throws NeedsPerson when anything moved behind the fence; the fence is lifted then
 */
export async function confirmPointOfNoReturn(
  observing: Observing,
  reporter: ActivityReporter,
  primary: LinkSite,
  given: CatchUpEvidence,
): Promise<EqualLsnEvidence> {
  const { spec } = observing;
  const evidence = requireEqualLsn(given);
  // All at once: applications wait for this look.
  const [sample, instanceNow] = await Promise.all([
    sampleBoth(observing, primary, reporter.signal),
    instanceTime(observing, reporter.signal),
  ]);
  const { facts } = sample;
  const stands = [sample.primaryEndOfLogLsn, sample.secondaryHardenedLsn].every(
    (lsn) => lsn !== null && compareLsn(lsn, evidence.primaryEndOfLogLsn) === 0,
  );
  if (facts?.localRoleDesc !== 'PRIMARY') {
    throw new NeedsPerson(
      'ServerNotPrimary',
      `${spec.settings.server} is ${facts?.localRoleDesc ?? 'not part'} of the link`,
      'find out who changed the roles',
    );
  }
  // Equal logs are no use without the link: the roles could not swap, and behind the point nothing lifts the fence.
  if (facts.connectedStateDesc !== 'CONNECTED' || facts.isSuspended) {
    throw new NeedsPerson(
      'LinkNotConnected',
      `behind the fence the link is ${facts.isSuspended ? 'suspended' : (facts.connectedStateDesc ?? 'without a state')}`,
      'check the network between the endpoints; the cutover begins again once the link is healthy',
    );
  }
  const [redo] = redoReason(facts, spec.settings.cutover.maxLag);
  if (redo !== undefined) {
    throw new NeedsPerson(
      'RedoNotDrained',
      `${redo.reason} (${redo.evidence})`,
      'wait until the redo queue is small, or give the secondary more resources; the cutover begins again then',
    );
  }
  if (!stands) {
    throw new NeedsPerson(
      'LogMovedBehindFence',
      `after the fence the SQL Server went on from LSN ${evidence.primaryEndOfLogLsn} to ${sample.primaryEndOfLogLsn ?? 'unknown'}`,
      'find who still writes (sys.dm_exec_sessions) and add the login to cutover.fence.disableLogins',
    );
  }
  return { ...evidence, observedAt: sample.observedAt, platformTime: instanceNow };
}

/** @throws NeedsPerson for evidence that a link does not take: nobody passes the point of no return on it */
function requireEqualLsn(evidence: CatchUpEvidence): EqualLsnEvidence {
  if (isEqualLsn(evidence)) return evidence;
  throw new NeedsPerson(
    'CatchUpNotProved',
    `a link is caught up when both logs are equal; ${evidence.method} does not show that`,
    'resume: the fence is lifted, and the cutover begins again',
  );
}

const isEqualLsn = (evidence: CatchUpEvidence): evidence is EqualLsnEvidence =>
  evidence.method === 'equal-lsn' && 'primaryEndOfLogLsn' in evidence;

/** @param since clock of the instance before the failover */
export async function awaitAzureFullBackup(
  observing: Observing,
  reporter: ActivityReporter,
  since: string,
): Promise<{ readonly evidence: string }> {
  const { ports, spec, clock } = observing;
  const { database } = spec.settings;
  for (;;) {
    const instance = await readInstanceDatabaseFacts(
      ports.instance,
      clock,
      database,
      spec.names.distributedGroup,
      reporter.signal,
    );
    if (instance.lastFullBackupAt !== null && Date.parse(instance.lastFullBackupAt) > Date.parse(since)) {
      return { evidence: `Azure finished a full backup of ${database} at ${instance.lastFullBackupAt}` };
    }
    reporter.report({
      version: 1,
      activity: 'azure-full-backup',
      waitingFor: 'the first full backup that Azure takes of the new primary',
      observedAt: instance.observedAt,
      details: { 'last full backup': instance.lastFullBackupAt ?? 'none' },
    });
    await clock.sleep(spec.settings.polling.active, reporter.signal);
  }
}

/** A link that does not show is the last look's to refuse. */
const redoOf = (facts: DistributedReplicaFacts | undefined, maxLag: number) =>
  facts === undefined ? [] : redoReason(facts, maxLag);

/** Both sides at once, each read locally: what the SQL Server has heard of the instance may be old. */
async function sampleBoth(
  observing: Observing,
  primary: LinkSite,
  signal: AbortSignal,
): Promise<LsnSample & { readonly facts: DistributedReplicaFacts | undefined }> {
  const { ports, spec, clock } = observing;
  const observedAt = new Date(clock.now()).toISOString();
  const [facts, instance] = await Promise.all([
    linkFacts(observing, 0, primary),
    readInstanceDatabaseFacts(
      bySite(otherSite(primary), ports),
      clock,
      spec.settings.database,
      spec.names.distributedGroup,
      signal,
    ),
  ]);
  return {
    observedAt,
    primaryEndOfLogLsn: facts?.endOfLogLsn ?? null,
    secondaryHardenedLsn: instance.lastHardenedLsn,
    facts,
  };
}

async function instanceTime({ ports, clock }: Observing, signal: AbortSignal): Promise<string> {
  const [server] = await ports.instance.query(readServer(), { signal });
  return server?.serverTime ?? new Date(clock.now()).toISOString();
}
