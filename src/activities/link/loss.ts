/** What a forced failover would lose, as well as it can be known. */
import { bySite, type LinkSite, otherSite } from '../../model/link/side';
import { compareLsn, type Lsn } from '../../model/sql-server/lsn';
import type { DistributedReplicaFacts } from '../../model/sql-server/observation';
import { sameName } from '../../rules/names';
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
  if (old?.endOfLogLsn != null && hardened !== null) {
    const behind = compareLsn(old.endOfLogLsn, hardened) > 0;
    const seconds = behind ? upperBound(old.secondaryLagSeconds ?? 0) : 0;
    const summary = behind
      ? `the old primary stands at LSN ${old.endOfLogLsn}, the new one at ${hardened}: ${seconds} s of transactions`
      : `both ends stand at LSN ${hardened}: nothing would be lost`;
    return { ...common, method: 'measured', seconds, summary };
  }
  if (lastHealth?.lagSeconds == null) {
    return {
      ...common,
      method: 'unknown',
      seconds: null,
      summary: 'no lag was ever seen: the loss is not known',
    };
  }
  const age = Math.max(0, (now - Date.parse(lastHealth.observedAt)) / 1_000);
  const seconds = upperBound(lastHealth.lagSeconds + age);
  return {
    ...common,
    method: 'estimate',
    seconds,
    summary: `estimate: a lag of ${lastHealth.lagSeconds} s was seen ${Math.round(age)} s ago, so at most ${seconds} s of transactions`,
  };
}

/** secondary_lag_seconds comes in whole seconds, so up to one more may be meant. */
const upperBound = (seconds: number): number => Math.ceil(seconds) + 1;

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
