import { compareLsn, type Lsn } from '../../model/lsn';

/** One look at both sides. */
export interface LsnSample {
  /** ISO 8601, by the clock that also stamped the fence. */
  readonly observedAt: string;
  readonly sourceEndOfLogLsn: Lsn | null;
  readonly targetHardenedLsn: Lsn | null;
}

export interface LsnVerdict {
  readonly equal: boolean;
  /** Stable id of the rule that decided. */
  readonly ruleId:
    | 'lsn.equal-and-stable'
    | 'lsn.no-sample-after-fence'
    | 'lsn.not-reported'
    | 'lsn.target-behind'
    | 'lsn.target-ahead'
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
 * over several looks, all taken after the fence (promise 5). Compared as BigInt: numeric(25,0) does not fit a double.
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
  const source = last.sourceEndOfLogLsn;
  const target = last.targetHardenedLsn;
  if (source === null || target === null) {
    return no('lsn.not-reported', `The ${source === null ? 'source' : 'instance'} does not report its LSN.`);
  }
  const order = compareLsn(target, source);
  if (order < 0) return no('lsn.target-behind', `The instance has ${target}, the source ${source}.`);
  if (order > 0) {
    return no(
      'lsn.target-ahead',
      `The instance has ${target}, more than the source's ${source}: read both again.`,
    );
  }
  const row = agreeingAtTheEnd(after, source);
  if (row >= Math.max(2, needed)) {
    return {
      equal: true,
      ruleId: 'lsn.equal-and-stable',
      reason: `Both sides have stood at ${source} for ${row} looks after the fence.`,
      samples: row,
      lsn: source,
    };
  }
  const moved = row < after.length;
  return {
    equal: false,
    ruleId: moved ? 'lsn.still-moving' : 'lsn.too-few-samples',
    reason: `Both sides agree on ${source} for ${row} of ${Math.max(2, needed)} looks.`,
    samples: row,
    lsn: null,
  };
}

function agreeingAtTheEnd(samples: readonly LsnSample[], lsn: Lsn): number {
  const isSame = (other: Lsn | null): boolean => other !== null && compareLsn(other, lsn) === 0;
  const different = samples.findLastIndex(
    ({ sourceEndOfLogLsn, targetHardenedLsn }) => !isSame(sourceEndOfLogLsn) || !isSame(targetHardenedLsn),
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
