import { byWord } from '../by-word';
import type { LinkSite } from './side';
import type { ResolvedLink } from './spec';

/** True when the managed instance has the database, and the SQL Server gets the copy. */
export const instanceIsFirst = (spec: Pick<ResolvedLink, 'settings'>): boolean =>
  firstPrimary(spec) === 'instance';

/** The side that leads the link when it is made, and from which the copy comes. */
export const firstPrimary = ({ settings }: Pick<ResolvedLink, 'settings'>): LinkSite =>
  byWord<'server' | 'instance', LinkSite>('initialPrimary', settings.initialPrimary, {
    server: 'server',
    instance: 'instance',
  });
