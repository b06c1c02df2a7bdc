/** What an abort must give back: the whole catalog of a world as plain data, the backup history aside. */
import type { Database, Instance } from '../../estate/world/model';
import type { EstateWorld } from '../../estate/world/world';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** @returns everything that a migration could leave behind, by instance, and the links */
export function worldSnapshot(world: EstateWorld): Record<string, unknown> {
  const instances = world.instances.all().map((instance) => [instance.name, ofInstance(instance)]);
  return {
    ...Object.fromEntries(instances),
    links: world.links.all().map(({ name, managedInstance, state }) => ({ name, managedInstance, state })),
  };
}

function ofInstance(instance: Instance): Record<string, unknown> {
  return {
    masterKey: instance.masterKey !== undefined,
    certificates: [...instance.certificates.values()].map(({ name, thumbprint, privateKey, issuerFor }) => ({
      name,
      thumbprint: hex(thumbprint),
      privateKey,
      issuerFor: [...issuerFor],
    })),
    endpoint: instance.endpoint === undefined ? null : { ...instance.endpoint },
    groups: [...instance.groups.values()].map(
      ({ name, distributed, role, databases, replicas, listeners }) => ({
        name,
        listeners: listeners.map(({ dnsName, addresses }) => `${dnsName} ${addresses.map(({ ip }) => ip)}`),
        distributed,
        role,
        databases: [...databases],
        replicas: replicas.map(
          (replica) => `${replica.name} ${replica.endpointUrl} ${replica.availabilityMode}`,
        ),
      }),
    ),
    logins: [...instance.logins.values()].map(({ name, disabled, connectDenied, roles, permissions }) => ({
      name,
      disabled,
      connectDenied,
      roles: [...roles].sort(),
      permissions: [...permissions].sort(),
    })),
    databases: [...instance.databases.values()].map(ofDatabase),
    traceFlags: [...instance.traceFlags].sort(),
    trustCertificates: [...(instance.managed?.trustCertificates.values() ?? [])].map(
      ({ name, thumbprint }) => `${name} ${thumbprint}`,
    ),
  };
}

function ofDatabase({ name, state, options, groupName, groupDatabaseId, replicaId, users }: Database) {
  return {
    name,
    state,
    options: { ...options },
    groupName: groupName ?? null,
    groupDatabaseId: groupDatabaseId ?? null,
    replicaId: replicaId ?? null,
    users: [...users.values()].map((user) => `${user.name} ${hex(user.sid)}`),
  };
}
