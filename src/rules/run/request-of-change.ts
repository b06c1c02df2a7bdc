import { unknownWord } from '../../model/by-word';
import type { Change } from '../../model/run/procedure';
import type { StandingRequestFacts } from '../../model/run/standing';

/** Whether it is possible is asked, not whether a request for it is complete. */
export function requestFor(change: Change): StandingRequestFacts {
  switch (change.kind) {
    case 'failover':
      return { kind: 'failover', type: change.type, to: change.to, isAcknowledged: false, forced: null };
    case 'drill':
      return { kind: 'drill', holdMs: 0, isAcknowledged: false };
    case 'repair':
      return { kind: 'repair', survivor: change.survivor };
    case 'removal':
      return { kind: 'removal' };
    default:
      return unknownWord('change of a run', change);
  }
}
