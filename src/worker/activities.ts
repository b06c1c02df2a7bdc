/** All activities that a worker serves: those of any run, and what single topologies have beside them. */
import { createLinkActivities } from '../activities/link/activities';
import { callSites } from '../activities/link/call';
import { readLinksOfServer } from '../activities/link/server-links';
import { LINK_TOPOLOGY } from '../activities/link/topology';
import { createRunActivities, type RunActivityDependencies } from '../activities/run/activities';
import type { Opening } from '../activities/run/call';
import { bindTopology } from '../activities/run/topology';
import { createCertificateActivities } from '../activities/sql-server/certificate-activities';
import { createInstanceObjectActivities } from '../activities/sql-server/instance-objects';
import type { ResolvedLink } from '../model/link/spec';
import type { LinkPorts } from '../ports/link-ports';

/** How the worker reaches what the specs of each topology name. */
export interface Openings {
  readonly link: Opening<ResolvedLink, LinkPorts>;
}

/** Wires activities to the ways to the outside. */
export function createActivities({ link }: Openings, shared: Omit<RunActivityDependencies, 'topologies'>) {
  const ofLink = {
    openPorts: (spec: ResolvedLink) => link.openPorts(spec),
    secrets: (spec: ResolvedLink) => link.secrets(spec),
    clock: shared.clock,
    temporalClock: shared.temporalClock,
    snapshots: shared.snapshots,
  };
  return {
    ...createRunActivities({ ...shared, topologies: [bindTopology(LINK_TOPOLOGY, link)] }),
    ...createLinkActivities(ofLink),
    ...createCertificateActivities({ ...ofLink, readReplicas: readLinksOfServer }),
    ...createInstanceObjectActivities(callSites(ofLink)),
  };
}
