/** What the workflows of a link bring to those of any run. */
import type { LinkNews } from '../../activities/link/api';
import { LINK_PROCEDURE } from '../../model/link/procedure';
import { bySite, linkSite } from '../../model/link/side';
import type { ResolvedLink } from '../../model/link/spec';
import { cannotSwapRoles } from '../../rules/link/capability';
import { specChange } from '../../rules/link/spec-change';
import type { WorkflowTopology } from '../run/topology';
import { INSTANCE_OBJECTS } from '../sql-server/instance-objects';
import { divergedLog } from './diverged-log';
import { awaitFullBackup } from './full-backup';
import { linkOwnShape } from './own-shape';
import { specShape } from './spec-shape';
import { fullBackupAt, initialLinkOwn, type LinkOwn, type LinkRun, type LinkState } from './state';
import { LINK_WATCH } from './watch';

export const LINK_WORKFLOWS: WorkflowTopology<ResolvedLink, LinkOwn, LinkNews> = {
  procedure: LINK_PROCEDURE,
  specShape,
  ownShape: linkOwnShape,
  initial: initialLinkOwn,
  watch: LINK_WATCH,
  objects: INSTANCE_OBJECTS,
  cannotFailOver: ({ route }) => cannotSwapRoles(route),
  caveat: (state, type, to) => withoutFullBackup(state, type, to),
  leadsSince: (state, primary) =>
    // Azure takes full backups of an instance that leads only, so that each one since it followed for the last time is
    // of the new primary.
    bySite(linkSite(primary), { server: null, instance: state.failedOverAt ?? state.seedingCompletedAt }),
  diverged: divergedLog,
  specChange: (run, wanted) =>
    specChange(run.spec, wanted, { fenceIsLeft: (run.state.unliftedFences ?? []).length > 0 }),
  forgetChanged: (state, changed) => {
    if (changed.some((field) => field.startsWith('instanceObjects'))) delete state.instanceObjects;
  },
  beforeRemoval: (run: LinkRun, protection) => {
    // Where others deleted the link already, there is nothing left to wait with.
    const isGone = protection.deletedExternally !== undefined;
    const since = run.state.failedOverAt;
    if (protection.primary !== 'instance' || since === null || isGone) return Promise.resolve();
    return awaitFullBackup(run, since);
  },
  leftBehind: ({ spec, state }) => copyLeftRestoring(spec, state),
};

/**
 * Azure takes a full backup of an instance that became the primary; it may delay the next failover, and a link that is
 * dropped before it can leave the database unavailable (troubleshooting page of the link).
 */
function withoutFullBackup(state: LinkState, type: 'planned' | 'forced', to: string): string | null {
  const { failedOverAt, protection } = state;
  if (type !== 'planned' || to !== 'server' || protection?.primary !== 'instance') return null;
  if (failedOverAt === null || fullBackupAt(state) !== null) return null;
  return `Azure's first full backup since the failover at ${failedOverAt} was not seen yet; it may delay a failover back`;
}

/** The copy of a SQL Server that only followed belongs to nobody once its link is gone. */
function copyLeftRestoring({ settings }: ResolvedLink, { protection }: LinkState): readonly string[] {
  if (protection?.primary !== 'instance') return [];
  const { server, database } = settings;
  return [
    `on ${server} the copy of ${database} is left restoring; drop it, or open it as it was with RESTORE DATABASE ... WITH RECOVERY`,
  ];
}
