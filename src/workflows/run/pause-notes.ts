import { byWord } from '../../model/by-word';
import type { StandingRequest } from './standing-messages';

/** What a pause of a failover holds, and what not: a failover is never stopped halfway. */
export const pauseOfFailover = (type: 'planned' | 'forced'): string =>
  byWord('type of a failover', type, {
    planned:
      'a planned failover that is past its point of no return goes on to its end, any other is withdrawn; nothing else begins until resume',
    forced: 'the forced failover under way goes on to its end; nothing else begins until resume',
  });

/**
 * @returns what a pause holds, for its answer
 * @param underWay what the run was asked for
 * @param goesOn what no pause holds, one clause
 */
export function pauseOf(underWay: StandingRequest | null, goesOn: string): string {
  if (underWay === null) return `no further step begins until resume; ${goesOn}`;
  switch (underWay.kind) {
    case 'failover':
      return `${pauseOfFailover(underWay.request.type)}; ${goesOn}`;
    case 'drill':
      return `${pauseOfFailover('planned')}; ${goesOn}`;
    case 'change-spec':
      return `the change of the spec goes on to its end; nothing else begins until resume; ${goesOn}`;
    case 'repair':
    case 'remove':
      return `the ${underWay.kind === 'repair' ? 'repair' : 'removal'} under way goes on to its end; nothing else begins until resume`;
  }
}
