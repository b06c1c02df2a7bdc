import { compareLsn, type Lsn } from '../../model/sql-server/lsn';

/** One look at both sides. */
export interface LsnSample {
  /** ISO 8601, by the clock that also stamped the fence. */
  readonly observedAt: string;
  readonly primaryEndOfLogLsn: Lsn | null;
  readonly secondaryHardenedLsn: Lsn | null;
}

export interface LsnVerdict {
  readonly equal: boolean;
  /** Stable id of the rule that decided. */
  readonly ruleId:
    | 'lsn.equal-and-stable'
    | 'lsn.no-sample-after-fence'
    | 'lsn.not-reported'
    | 'lsn.instance-behind'
    | 'lsn.instance-ahead'
    | 'lsn.still-moving'
    | 'lsn.too-few-samples';
  readonly reason: string;
  /** Samples that count: the unbroken row of equal ones at the end. */
  readonly samples: number;
  /** The LSN on which both agree. */
  readonly lsn: Lsn | null;
}

/**
 * Does the instance have all that was committed? Only if the end of the log there and here is the same and stays so
 * over several looks, all taken after the fence (promise 6). Compared as BigInt: numeric(25,0) does not fit a double.
 * @param samples in the order in which they were taken
 * @param fencedAt time at which no application could write any more, ISO 8601
 * @param needed how many looks in a row must agree, at least 2
 */
export function lsnEquality(samples: readonly LsnSample[], fencedAt: string, needed: number): LsnVerdict {
  const fence = Date.parse(fencedAt);
  // A sample of the moment of the fence itself could be from before it.
  const after = samples.filter(({ observedAt }) => Date.parse(observedAt) > fence);
  const last = after.at(-1);
  if (last === undefined) {
    return no('lsn.no-sample-after-fence', 'No LSN was read after the fence.');
  }
  const server = last.primaryEndOfLogLsn;
  const instance = last.secondaryHardenedLsn;
  if (server === null || instance === null) {
    return no(
      'lsn.not-reported',
      `The ${server === null ? 'SQL Server' : 'instance'} does not report its LSN.`,
    );
  }
  const order = compareLsn(instance, server);
  if (order < 0) return no('lsn.instance-behind', `The instance has ${instance}, the SQL Server ${server}.`);
  if (order > 0) {
    return no(
      'lsn.instance-ahead',
      `The instance has ${instance}, more than the SQL Server's ${server}: read both again.`,
    );
  }
  const row = agreeingAtTheEnd(after, server);
  if (row >= Math.max(2, needed)) {
    return {
      equal: true,
      ruleId: 'lsn.equal-and-stable',
      reason: `Both sides have stood at ${server} for ${row} looks after the fence.`,
      samples: row,
      lsn: server,
    };
  }
  const moved = row < after.length;
  return {
    equal: false,
    ruleId: moved ? 'lsn.still-moving' : 'lsn.too-few-samples',
    reason: `Both sides agree on ${server} for ${row} of ${Math.max(2, needed)} looks.`,
    samples: row,
    lsn: null,
  };
}

function agreeingAtTheEnd(samples: readonly LsnSample[], lsn: Lsn): number {
  const isSame = (other: Lsn | null): boolean => other !== null && compareLsn(other, lsn) === 0;
  const different = samples.findLastIndex(
    ({ primaryEndOfLogLsn, secondaryHardenedLsn }) =>
      !isSame(primaryEndOfLogLsn) || !isSame(secondaryHardenedLsn),
  );
  return samples.length - 1 - different;
}

const no = (ruleId: LsnVerdict['ruleId'], reason: string): LsnVerdict => ({
  equal: false,
  ruleId,
  reason,
  samples: 0,
  lsn: null,
});
