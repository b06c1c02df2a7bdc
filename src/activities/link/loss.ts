/** What a forced failover would lose, as well as it can be known. */
import { bySite, type LinkSite, otherSite } from '../../model/link/side';
import { compareLsn, type Lsn } from '../../model/sql-server/lsn';
import type { DistributedReplicaFacts } from '../../model/sql-server/observation';
import { sameName } from '../../rules/names';
import { rpoEstimate } from '../../rules/run/rpo';
import { readServer } from '../../tsql/queries/server';
import type { Health } from '../run/api';
import type { LogLossReport } from '../sql-server/api';
import { askLostSide } from '../sql-server/observe/reading';
import type { Observing } from './link-facts';
import { readDistributedReplicaFacts } from './observe-link';
import { sideFacts } from './side-facts';

/**
 * What a forced failover would lose. Measured where both ends answer; else the last lag that was seen, with its age:
 * all that was committed since then may be lost as well.
 * @param lastHealth by the clock of this worker
 */
export async function measureLoss(
  observing: Observing,
  signal: AbortSignal,
  to: LinkSite,
  lastHealth: Health | null,
): Promise<LogLossReport> {
  const { clock } = observing;
  const from = otherSite(to);
  const now = clock.now();
  const [old, hardened, newPrimaryTime] = await Promise.all([
    lostSideFacts(observing, from, signal),
    hardenedLsn(observing, to, signal),
    serverTime(observing, to, signal),
  ]);
  const common = {
    observedAt: new Date(now).toISOString(),
    oldPrimaryEndOfLogLsn: old?.endOfLogLsn ?? null,
    newPrimaryHardenedLsn: hardened,
    newPrimaryTime,
  };
  const measured =
    old?.endOfLogLsn == null || hardened === null
      ? null
      : measuredLoss(old.endOfLogLsn, hardened, old.secondaryLagSeconds);
  return { ...common, ...(measured ?? estimatedLoss(lastHealth, now)) };
}

type Judged = Pick<LogLossReport, 'method' | 'seconds' | 'summary'>;

/** @returns null when one end is behind by an amount that nobody can tell: the last lag that was seen bounds it */
function measuredLoss(end: Lsn, hardened: Lsn, lagSeconds: number | null): Judged | null {
  if (compareLsn(end, hardened) <= 0) {
    return {
      method: 'measured',
      seconds: 0,
      summary: `both ends stand at LSN ${hardened}: nothing would be lost`,
    };
  }
  if (lagSeconds === null) return null;
  // secondary_lag_seconds comes in whole seconds, so up to one more may be meant.
  const seconds = lagSeconds + 1;
  const summary = `the old primary stands at LSN ${end}, the new one at ${hardened}: ${seconds} s of transactions`;
  return { method: 'measured', seconds, summary };
}

/** @param now milliseconds since 1970-01-01 UTC, by the clock of the last look */
function estimatedLoss(last: Health | null, now: number): Judged {
  const seen = last?.lagSeconds == null ? null : { lagSeconds: last.lagSeconds, observedAt: last.observedAt };
  const { seconds, lagSeconds, observedAt, ageSeconds } = rpoEstimate(seen, now);
  if (seconds === null || ageSeconds === null) {
    const why =
      lagSeconds === null
        ? 'no lag was ever seen'
        : `a lag of ${lagSeconds} s was seen, at a time that lies ahead (${observedAt})`;
    return { method: 'unknown', seconds: null, summary: `${why}: the loss is not known` };
  }
  return {
    method: 'estimate',
    seconds,
    summary: `estimate: a lag of ${lagSeconds} s was seen ${Math.round(ageSeconds)} s ago, so at most ${seconds} s of transactions`,
  };
}

/** Undefined when it does not answer soon, or has no such link. */
async function lostSideFacts(
  { ports, spec, clock }: Observing,
  from: LinkSite,
  signal: AbortSignal,
): Promise<DistributedReplicaFacts | undefined> {
  const port = bySite(from, ports);
  const all = await askLostSide(
    (options) => readDistributedReplicaFacts(port, clock, options),
    clock,
    signal,
  );
  return all?.find(({ groupName }) => sameName(groupName, spec.names.distributedGroup));
}

/** Null when it cannot be read: its clock is evidence, not a condition. */
async function serverTime({ ports }: Observing, side: LinkSite, signal: AbortSignal): Promise<string | null> {
  const port = bySite(side, ports);
  return port.query(readServer(), { signal }).then(
    ([server]) => server?.serverTime ?? null,
    () => null,
  );
}

async function hardenedLsn(observing: Observing, side: LinkSite, signal: AbortSignal): Promise<Lsn | null> {
  return sideFacts(observing, side, signal).then(
    (facts) => facts.lastHardenedLsn,
    () => null,
  );
}
