/** Specs over availability groups of the estate: further SQL Servers as replicas, a listener, another instance. */
import type { RunningEstate } from '../../estate/estate';
import type { ResolvedLink } from '../../src/model/link/spec';

export interface GroupParts {
  /** Names of the estate's SQL Servers beside SQL1. */
  readonly replicas?: readonly string[];
  readonly listener?: { readonly address: string; readonly port?: number };
  readonly availabilityGroup?: string;
}

/** The migration of `spec` over an availability group that stands already. */
export function overGroup(
  spec: ResolvedLink,
  estate: RunningEstate,
  { replicas = [], listener, availabilityGroup }: GroupParts,
): ResolvedLink {
  const named = replicas.map((server) => server.toLowerCase());
  const link = {
    ...spec.settings.link,
    ...(named.length === 0 ? {} : { replicas: named }),
    ...(listener === undefined ? {} : { listener }),
  };
  const servers = replicas.map((server) => {
    const { host, port } = estate.instance(server);
    const endpoint = { ...spec.server.endpoint, address: server };
    return { name: server.toLowerCase(), server: { ...spec.server, host, port, endpoint } };
  });
  return {
    ...spec,
    settings: { ...spec.settings, link },
    names: { ...spec.names, ...(availabilityGroup === undefined ? {} : { availabilityGroup }) },
    ...(servers.length === 0 ? {} : { replicas: servers }),
  };
}

/** The migration of `spec` to another managed instance of the estate, by a link of its own. */
export function toInstance(spec: ResolvedLink, estate: RunningEstate, name: string): ResolvedLink {
  const { host, port, resourceId = '' } = estate.instance(name);
  return {
    ...spec,
    settings: { ...spec.settings, instance: name },
    names: { ...spec.names, distributedGroup: `${spec.names.distributedGroup}_${name}` },
    instance: { ...spec.instance, host, port, resourceId },
  };
}
