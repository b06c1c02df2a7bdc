/** The plan of a change of a link that stands, with what only a link knows: its roles, its versions, its notes. */
import type { CutoverRoute } from '../../model/link/facts';
import { repairOfUsers, TAKE_DOWN } from '../../model/link/procedure';
import { linkSite } from '../../model/link/side';
import type { ResolvedLink } from '../../model/link/spec';
import type { Change, StepRef } from '../../model/run/procedure';
import type { LinkPorts } from '../../ports/link-ports';
import { cannotSwapRoles, cutoverRoute } from '../../rules/link/capability';
import { type ChangePlan, type ChangePlanning, planChange, type WantedChange } from '../run/plan-change';
import type { Snapshots } from '../run/snapshots';
import { readServerFacts } from '../sql-server/observe/server';
import type { LinkContext } from './context';
import { LINK_TOPOLOGY } from './topology';

export interface LinkChangePlan extends ChangePlan {
  readonly migration: string;
  readonly database: string;
  readonly server: string;
  readonly instance: string;
}

/**
 * Reads both instances and Azure; changes nothing.
 * @throws SqlServerFailure, AzureFailure when a side does not answer that the change cannot do without
 */
export async function planLinkChange(
  context: Omit<LinkContext, 'secret'>,
  snapshots: Snapshots,
  wanted: WantedChange,
): Promise<LinkChangePlan> {
  const { name, database, server, instance } = context.spec.settings;
  const plan = await planChange(LINK_TOPOLOGY, LINK_CHANGES, context, snapshots, wanted);
  return { migration: name, database, server, instance, ...plan };
}

const LINK_CHANGES: ChangePlanning<ResolvedLink, LinkPorts> = {
  cannotFailOver: async ({ context }) => cannotSwapRoles(await routeOf(context)),
  noteOf,
};

/** What the run knows and a plan does not. */
function noteOf(step: StepRef, change: Change, spec: ResolvedLink): string | undefined {
  if (change.kind === 'repair' && step.id === repairOfUsers(linkSite(change.survivor)).id) {
    return 'only where the other side led for the run: its applications are pointed here, too';
  }
  if (change.kind !== 'removal') return undefined;
  if (step.madeBy !== undefined) return `only if the run of ${spec.settings.name} made the group itself`;
  if (TAKE_DOWN.removeLink.some(({ id }) => id === step.id)) {
    return 'while the instance leads since a failover, after the first full backup by Azure';
  }
  return undefined;
}

/** Null while a side does not answer: then the versions are not what keeps a failover from going ahead. */
async function routeOf({ ports, clock, signal }: Omit<LinkContext, 'secret'>): Promise<CutoverRoute | null> {
  try {
    const [server, instance] = await Promise.all([
      readServerFacts(ports.server, clock, signal),
      ports.azure.readInstance(signal),
    ]);
    return cutoverRoute(server, instance);
  } catch {
    return null;
  }
}
