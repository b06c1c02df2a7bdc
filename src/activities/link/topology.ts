/** The link as one of the topologies: its steps, and the looks that only it can take. */
import { LINK_PROCEDURE } from '../../model/link/procedure';
import { bySite, linkSite } from '../../model/link/side';
import type { ResolvedLink } from '../../model/link/spec';
import type { HookParty } from '../../model/run/hook-message';
import type { SiteId } from '../../model/run/site';
import type { LinkPorts } from '../../ports/link-ports';
import { setDistributedAvailabilityMode } from '../../tsql/link/availability-groups';
import type { Topology } from '../run/topology';
import { checkNewPrimary, databaseProperties } from '../sql-server/new-primary';
import { liftRemainingFences } from '../sql-server/unlifted-fences';
import type { LinkKnown } from './api';
import { awaitHealthy } from './await-healthy';
import { observingOf } from './call';
import { awaitCatchUp, awaitReadiness, confirmPointOfNoReturn } from './catch-up';
import { atSites, contextOn } from './context';
import { watchInstanceLed } from './instance-led-watch';
import { measureLoss } from './loss';
import { preflight } from './preflight';
import { readRoles } from './roles';
import { watchServerLed } from './server-led-watch';
import { LINK_STEPS } from './steps/registry';

export const LINK_TOPOLOGY: Topology<ResolvedLink, LinkPorts, LinkKnown> = {
  procedure: LINK_PROCEDURE,
  steps: LINK_STEPS,
  party,
  contextOn,
  preflight: ({ context }) => preflight(context),
  roles: ({ context }, lost) => readRoles(context, lost === undefined ? undefined : linkSite(lost)),
  watch(call, input) {
    const watch = bySite(linkSite(input.primary), { server: watchServerLed, instance: watchInstanceLed });
    return watch(observingOf(call), call.reporter, input);
  },
  readiness: (call, primary) => awaitReadiness(observingOf(call), call.reporter, linkSite(primary)),
  catchUp: (call, primary, fencedAt) =>
    awaitCatchUp(observingOf(call), call.reporter, linkSite(primary), fencedAt),
  confirm: (call, primary, evidence) =>
    confirmPointOfNoReturn(observingOf(call), call.reporter, linkSite(primary), evidence),
  loss: (call, to, lastHealth) =>
    measureLoss(observingOf(call), call.context.signal, linkSite(to), lastHealth),
  healthy: (call, primary) => awaitHealthy(observingOf(call), call.reporter, linkSite(primary)),
  newPrimary: {
    properties: ({ context }, on) => databaseProperties(atSites(context), on),
    checks: ({ context }, input) => {
      const name = context.spec.names.distributedGroup;
      const commitMode = (groups: readonly string[]): string =>
        setDistributedAvailabilityMode({ name, groups, mode: 'ASYNCHRONOUS_COMMIT' }).display;
      return checkNewPrimary(atSites(context), input, commitMode);
    },
  },
  liftRemainingFences: ({ context }, fences) => liftRemainingFences(context, fences),
};

function party({ settings, server, instance }: ResolvedLink, site: SiteId): HookParty {
  const side = linkSite(site);
  return bySite(side, {
    server: { side, name: settings.server, host: server.host, port: server.port },
    instance: { side, name: settings.instance, host: instance.host ?? null, port: instance.port },
  });
}
