/** Availability groups that a scenario file names: they stand when the story begins, made as their statements make them. */
import { SqlError, SqlErrors } from '../sql/errors';
import { DefinitionError, type GroupDefinition } from './definition';
import type { WorldGroups } from './groups';
import { hostOf } from './network';
import { derivedRandom } from './pki';
import { key, type MutableInstance, type WorldState } from './state';

/** @throws DefinitionError naming the group, and what is missing or what a server refuses */
export function addDefinedGroup(
  state: WorldState,
  groups: WorldGroups,
  definition: GroupDefinition,
  path: string,
): void {
  try {
    add(state, groups, definition, path);
  } catch (error) {
    if (error instanceof SqlError || error instanceof SqlErrors)
      throw new DefinitionError(`${path}: ${error.message}`);
    throw error;
  }
}

function add(state: WorldState, groups: WorldGroups, definition: GroupDefinition, path: string): void {
  const servers = definition.replicas.map((name, index) =>
    serverOf(state, name, `${path}.replicas[${index}]`),
  );
  const [primary, ...secondaries] = servers;
  if (primary === undefined) return;
  groups.create(primary.name, {
    name: definition.name,
    databases: definition.databases,
    ...(primary.version.year === 2016 ? {} : { clusterType: definition.clusterType }),
    replicas: servers.map((server) => ({
      name: server.serverName,
      endpointUrl: `TCP://${server.addresses[0] ?? server.serverName}:${server.endpoint?.port ?? 0}`,
      availabilityMode: definition.availabilityMode,
      failoverMode: definition.failoverMode,
      seedingMode: 'AUTOMATIC',
      secondaryAllowConnections: definition.secondaryAllowConnections,
    })),
  });
  for (const secondary of secondaries) {
    groups.join(secondary.name, definition.name, definition.clusterType);
    groups.setCreateAnyDatabase(secondary.name, definition.name, true);
  }
  addListener(state, groups, primary, definition, path);
}

function addListener(
  state: WorldState,
  groups: WorldGroups,
  primary: MutableInstance,
  { name, listener }: GroupDefinition,
  path: string,
): void {
  if (!listener) return;
  if (hostOf(state, listener.address) !== undefined)
    throw new DefinitionError(`${path}.listener.address: '${listener.address}' is taken`);
  groups.setListeners(primary.name, name, [
    {
      listenerId: derivedRandom(state.seed, `listener ${name}`).guid(),
      dnsName: listener.name,
      port: 1433,
      addresses: [{ ip: listener.address, mask: '255.255.255.0' }],
    },
  ]);
}

function serverOf(state: WorldState, name: string, path: string): MutableInstance {
  const server = state.instances.get(key(name));
  if (server === undefined) throw new DefinitionError(`${path}: the estate has no instance '${name}'`);
  if (server.managed) throw new DefinitionError(`${path}: '${name}' is a managed instance`);
  if (!server.endpoint) throw new DefinitionError(`${path}: '${name}' has no endpoint`);
  return server;
}
