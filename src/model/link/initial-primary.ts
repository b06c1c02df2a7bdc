import type { LinkSide } from './procedure';
import type { ResolvedLinkMigration } from './spec';

/** True when the managed instance has the database, and the SQL Server gets the copy. */
export const instanceIsFirst = ({ migration }: Pick<ResolvedLinkMigration, 'migration'>): boolean =>
  migration.initialPrimary === 'instance';

/** The side that leads the link when it is made, and from which the copy comes. */
export const firstPrimary = (spec: Pick<ResolvedLinkMigration, 'migration'>): LinkSide =>
  instanceIsFirst(spec) ? 'target' : 'source';
