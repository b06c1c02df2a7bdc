import { byWord } from '../../model/by-word';
import type { StandingRequest } from './standing-messages';

/** What a pause of a failover holds, and what not: a failover is never stopped halfway. */
export const pauseOfFailover = (type: 'planned' | 'forced'): string =>
  byWord('type of a failover', type, {
    planned:
      'a planned failover that is past its point of no return goes on to its end, any other is withdrawn; nothing else begins until resume',
    forced: 'the forced failover under way goes on to its end; nothing else begins until resume',
  });

/** @returns what a pause holds, for its answer. @param underWay what the link was asked for */
export function pauseOf(underWay: StandingRequest | null): string {
  if (underWay === null) return 'no further step begins until resume; log backups go on';
  switch (underWay.kind) {
    case 'failover':
      return `${pauseOfFailover(underWay.request.type)}; log backups go on`;
    case 'drill':
      return `${pauseOfFailover('planned')}; log backups go on`;
    case 'change-spec':
      return 'the change of the spec goes on to its end; nothing else begins until resume; log backups go on';
    case 'repair':
    case 'remove':
      return `the ${underWay.kind === 'repair' ? 'repair' : 'removal'} under way goes on to its end; nothing else begins until resume`;
  }
}
