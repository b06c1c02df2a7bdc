import { byWord } from '../by-word';
import type { LinkSide } from './procedure';
import type { ResolvedLinkMigration } from './spec';

/** True when the managed instance has the database, and the SQL Server gets the copy. */
export const instanceIsFirst = (spec: Pick<ResolvedLinkMigration, 'settings'>): boolean =>
  firstPrimary(spec) === 'instance';

/** The side that leads the link when it is made, and from which the copy comes. */
export const firstPrimary = ({ settings }: Pick<ResolvedLinkMigration, 'settings'>): LinkSide =>
  byWord<'server' | 'instance', LinkSide>('initialPrimary', settings.initialPrimary, {
    server: 'server',
    instance: 'instance',
  });
