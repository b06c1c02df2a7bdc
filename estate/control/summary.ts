/** The world in a form that tests and people can read: JSON without secrets, LSNs as text. */
import type { Instance, Link } from '../world/model';
import type { EstateParts } from '../world/world';

export function summarize(world: EstateParts): unknown {
  return {
    now: new Date(world.clock.now()).toISOString(),
    clock: { mode: world.clock.mode, speed: world.clock.speed },
    instances: world.instances.all().map((instance) => instanceSummary(world, instance)),
    links: world.links.all().map((link) => linkSummary(world, link)),
    faults: world.faults.list().length,
    effects: world.journal.all().length,
  };
}

function instanceSummary(world: EstateParts, instance: Instance): unknown {
  return {
    name: instance.name,
    kind: instance.kind,
    serverName: instance.serverName,
    version: instance.version.productVersion,
    edition: instance.edition,
    state: instance.state,
    sessions: instance.sessions.size,
    certificates: [...instance.certificates.values()].map((each) => each.name),
    ...(instance.managed === undefined ? {} : { resourceId: instance.managed.resourceId }),
    databases: [...instance.databases.values()].map((database) => ({
      name: database.name,
      state: database.state,
      dataBytes: database.dataBytes,
      group: database.groupName ?? null,
      isPrimary: world.groups.isPrimaryReplica(instance.name, database.name) ?? null,
      endOfLogLsn: world.databases.log(instance.name, database.name).endOfLogLsn.toString(),
    })),
    groups: [...instance.groups.values()].map((group) => ({
      name: group.name,
      distributed: group.distributed,
      role: group.role,
      databases: group.databases,
    })),
  };
}

function linkSummary(world: EstateParts, link: Link): unknown {
  const progress = world.links.replication(link.managedInstance, link.name);
  return {
    name: link.name,
    managedInstance: link.managedInstance,
    sqlServer: link.sqlServer ?? null,
    database: link.databaseName,
    state: link.state,
    connected: link.connection.state,
    instanceLinkRole: link.instanceLinkRole,
    replicationMode: link.replicationMode,
    splitBrain: link.splitBrain,
    seeding: link.seeding?.state ?? null,
    lagSeconds: progress?.lagSeconds ?? null,
    sendQueueBytes: progress?.sendQueueBytes ?? null,
    redoQueueBytes: progress?.redoQueueBytes ?? null,
    hardenedLsn: progress?.hardenedLsn.toString() ?? null,
  };
}
