/** Puts a world together from its definition. */
import { FaultRegistry, FaultRuleError } from '../faults/registry';
import type { WorldFaultRule } from '../faults/rules';
import type { Clock } from './api';
import { WorldBackups } from './backups';
import { lazyEndpointCertificate, WorldCertificates } from './certificates';
import { SimulatedClock } from './clock';
import { copyFromDefinition } from './copies';
import { WorldDatabases } from './databases';
import { addDefinedGroup } from './defined-groups';
import type {
  DatabaseDefinition,
  EstateDefinition,
  InstanceDefinition,
  ManagedInstanceDefinition,
  SqlServerDefinition,
} from './definition';
import { DefinitionError } from './definition';
import { WorldEndpoints } from './endpoints';
import { WorldGroups } from './groups';
import { WorldInstances } from './instances';
import { Journal } from './journal';
import { WorldLinks } from './links';
import { WorldLogins } from './logins';
import type { PlatformOperation, ServerVersion, SqlServerYear } from './model';
import { WorldNetwork } from './network';
import { derivedRandom } from './pki';
import { SeededRandom } from './random';
import {
  instanceOf,
  key,
  type MutableInstance,
  type MutableManaged,
  type WorldEvents,
  type WorldState,
} from './state';
import { OperationTimeline } from './timeline';
import { knownUpdates, resolveVersion } from './versions';
import type { EstateParts } from './world';

export function assemble(
  definition: EstateDefinition,
  clock: Clock = new SimulatedClock({ ...definition.clock, base: Date.parse(definition.clock.base) }),
): EstateParts {
  const random = new SeededRandom(definition.seed);
  const chance = derivedRandom(definition.seed, 'faults');
  const faults = new FaultRegistry(() => chance.next());
  const events: WorldEvents = {
    changed: () => {},
    instanceDown: () => {},
    endpointChanged: () => {},
    pathChanged: () => {},
    groupDropped: () => {},
    databaseChanged: () => {},
  };
  const started = (operation: PlatformOperation) => onOperation(operation);
  let onOperation: (operation: PlatformOperation) => void = () => {};
  const state: WorldState = {
    seed: definition.seed,
    clock,
    random,
    journal: new Journal(clock, () => events.changed()),
    timeline: new OperationTimeline(clock, derivedRandom(definition.seed, 'operations'), started),
    rates: definition.rates,
    instances: new Map(),
    paths: new Map(),
    events,
  };
  const network = new WorldNetwork(state);
  const instances = new WorldInstances(state);
  const logins = new WorldLogins(state);
  const certificates = new WorldCertificates(state);
  const endpoints = new WorldEndpoints(state);
  const databases = new WorldDatabases(state);
  const backups = new WorldBackups(state);
  const links = new WorldLinks(state, backups);
  const groups = new WorldGroups(state, links);
  const parts = {
    clock,
    random,
    journal: state.journal,
    timeline: state.timeline,
    faults,
    network,
    instances,
    logins,
  };
  const world = { ...parts, certificates, endpoints, databases, backups, groups, links };
  instances.backgroundSources.push(
    (instance) => backups.backgroundRequests(instance),
    (instance) => links.seeding.backgroundRequests(instance),
  );
  events.changed = () => links.changed();
  events.instanceDown = (name) => {
    links.instanceDown(name);
    groups.local.primaryDown(instanceOf(state, name));
  };
  events.endpointChanged = (name) => links.endpointChanged(name);
  events.pathChanged = (a, b) => links.pathChanged(a, b);
  events.groupDropped = (instance, group) => links.groupDropped(instance, group);
  events.databaseChanged = (_instance, database) => links.dataMovementChanged(database);
  definition.instances.forEach((one, index) => {
    addInstance(state, world, backups, one, `instances[${index}]`);
  });
  definition.groups.forEach((one, index) => {
    addDefinedGroup(state, groups, one, `groups[${index}]`);
  });
  links.backUpInstances();
  onOperation = (operation) => {
    for (const rule of faults.matchOperation(operation.kind)) schedule(world, rule, rule.delayMs ?? 0);
  };
  faults.onWorldRule((id, rule) => {
    requireNames(state, rule);
    if (rule.afterMs === undefined) return;
    clock.after(rule.afterMs, () => {
      if (faults.strikeTimed(id)) schedule(world, rule, 0);
    });
  });
  for (const rule of definition.faults) faults.add(rule);
  return world;
}

/** @throws FaultRuleError when a rule speaks of an instance that is not there */
function requireNames(state: WorldState, { action }: WorldFaultRule): void {
  const names = action.kind === 'disconnect' ? action.between : 'instance' in action ? [action.instance] : [];
  for (const name of names) {
    if (!state.instances.has(key(name)))
      throw new FaultRuleError(`action: the estate has no instance '${name}'`);
  }
}

function schedule(world: EstateParts, rule: WorldFaultRule, delayMs: number): void {
  world.clock.after(delayMs, () => strike(world, rule));
}

function strike(world: EstateParts, rule: WorldFaultRule): void {
  const { action } = rule;
  switch (action.kind) {
    case 'disconnect':
      world.network.disconnect(action.between[0], action.between[1], action.forMs);
      return;
    case 'restart':
      world.instances.restart(action.instance, action.downMs);
      return;
    case 'kill':
      world.instances.kill(action.instance);
      if (action.returnsAfterMs !== undefined) {
        world.clock.after(action.returnsAfterMs, () => world.instances.revive(action.instance));
      }
      return;
    case 'break-seeding':
      world.links.breakSeeding(action.database);
      return;
    case 'expire-certificate':
      expireIfThere(world, action.instance, action.certificate);
      return;
    default:
      action satisfies never;
  }
}

/** The certificate may have been dropped or rotated away since the rule was written. */
function expireIfThere(world: EstateParts, name: string, certificate: string): void {
  const instance = world.instances.get(name);
  const own = instance.managed?.fullyQualifiedDomainName ?? '';
  if (instance.certificates.has(key(certificate)) || key(own) === key(certificate)) {
    world.certificates.expireNow(name, certificate);
  }
}

function addInstance(
  state: WorldState,
  world: EstateParts,
  backups: WorldBackups,
  definition: InstanceDefinition,
  path: string,
): void {
  const instance =
    definition.kind === 'sql-server'
      ? sqlServer(state, definition, path)
      : managedInstance(state, definition);
  state.instances.set(key(instance.name), instance);
  for (const [index, login] of definition.logins.entries()) {
    // sa, or on a managed instance its administrator, has SID 0x01 and owns the databases.
    const isOwner = key(login.name) === 'sa' || (definition.kind === 'managed-instance' && index === 0);
    const sid = isOwner ? { sid: Uint8Array.of(1) } : {};
    const { name, type, password } = login;
    world.logins.create(instance.name, { name, type, password, ...sid });
    for (const role of login.roles) world.logins.setRole(instance.name, login.name, role, true);
    if (login.disabled) world.logins.alter(instance.name, login.name, { disabled: true });
  }
  for (const database of definition.databases) addDatabase(state, backups, instance, database);
  if (definition.kind === 'sql-server') addSecurity(state, world, instance, definition);
}

function addDatabase(
  state: WorldState,
  backups: WorldBackups,
  instance: MutableInstance,
  definition: DatabaseDefinition,
): void {
  const copy = copyFromDefinition(state, instance, definition);
  instance.databases.set(key(copy.name), copy);
  if (definition.fullBackup && definition.recoveryModel !== 'SIMPLE') {
    const device = instance.managed
      ? `https://managedbackup.blob.core.windows.net/${copy.familyGuid.toLowerCase()}/full.bak`
      : `C:\\Backup\\${copy.name}.bak`;
    backups.recordDone(instance, copy, 'D', device, state.clock.now() - 3_600_000);
  }
}

function addSecurity(
  state: WorldState,
  world: EstateParts,
  instance: MutableInstance,
  definition: SqlServerDefinition,
): void {
  if (definition.masterKey || definition.certificates.length > 0)
    world.certificates.createMasterKey(instance.name);
  for (const certificate of definition.certificates) {
    const expiryDate = state.clock.now() + certificate.expiresInDays * 86_400_000;
    world.certificates.create(instance.name, {
      name: certificate.name,
      subject: certificate.subject,
      startDate: Math.min(state.clock.now(), expiryDate - 365 * 86_400_000),
      expiryDate,
    });
  }
  const { endpoint } = definition;
  if (!endpoint) return;
  world.endpoints.create(instance.name, {
    name: endpoint.name,
    state: endpoint.state,
    port: endpoint.port,
    listenerIp: 'ALL',
    role: 'ALL',
    authentication: endpoint.certificate === undefined ? 'NEGOTIATE' : 'CERTIFICATE',
    ...(endpoint.certificate === undefined ? {} : { certificateName: endpoint.certificate }),
    encryption: endpoint.encryption,
    algorithm: endpoint.encryption === 'DISABLED' ? 'NONE' : 'AES',
  });
}

function emptyInstance(
  state: WorldState,
  identity: Pick<
    MutableInstance,
    | 'name'
    | 'kind'
    | 'serverName'
    | 'version'
    | 'edition'
    | 'engineEdition'
    | 'platform'
    | 'collation'
    | 'hadrEnabled'
    | 'clustered'
    | 'addresses'
  >,
): MutableInstance {
  return {
    ...identity,
    state: 'running',
    startedAt: state.clock.now(),
    traceFlags: new Set(),
    logins: new Map(),
    certificates: new Map(),
    databases: new Map(),
    groups: new Map(),
    sessions: new Map(),
    errorLog: [],
    backups: [],
    // The first user database is 5; ids of users' certificates and logins begin above the system's.
    nextDatabaseId: 5,
    nextCertificateId: 256,
    nextPrincipalId: 257,
  };
}

const EDITION_CODES = { Enterprise: 3, Developer: 3, Standard: 2, Web: 2, Express: 4 } as const;

function sqlServer(state: WorldState, definition: SqlServerDefinition, path: string): MutableInstance {
  const instance = emptyInstance(state, {
    name: definition.name,
    kind: 'sql-server',
    serverName: definition.name,
    version: versionOf(definition, path),
    edition: `${definition.edition} Edition (64-bit)`,
    engineEdition: EDITION_CODES[definition.edition],
    platform: definition.platform,
    collation: definition.collation,
    hadrEnabled: definition.hadrEnabled,
    clustered: definition.clustered ?? definition.version === '2016',
    addresses: definition.addresses.map(key),
  });
  for (const flag of definition.traceFlags) instance.traceFlags.add(flag);
  return instance;
}

function versionOf(definition: SqlServerDefinition, path: string): ServerVersion {
  const year = Number(definition.version) as SqlServerYear;
  const version = resolveVersion(year, definition.update);
  if (version) return version;
  const known = knownUpdates(year).join(', ');
  throw new DefinitionError(
    `${path}.update: '${definition.update}' is no known update of ${year} (known: ${known}, or a build)`,
  );
}

function managedInstance(state: WorldState, definition: ManagedInstanceDefinition): MutableInstance {
  const fullName = `${definition.name}.${definition.dnsZone}.database.windows.net`;
  const instance = emptyInstance(state, {
    name: definition.name,
    kind: 'managed-instance',
    serverName: fullName,
    // ProductVersion of managed instances is always 12.0 (SERVERPROPERTY page); the format is the update policy's.
    version: {
      year: definition.databaseFormat === 'SQLServer2022' ? 2022 : 2025,
      major: 12,
      minor: 0,
      build: 2000,
      revision: 8,
      productVersion: '12.0.2000.8',
      productLevel: 'RTM',
    },
    edition: 'SQL Azure',
    engineEdition: 8,
    platform: 'windows',
    collation: definition.collation,
    hadrEnabled: true,
    clustered: true,
    addresses: [],
  });
  const managed: Partial<MutableManaged> = {
    resourceId: `/subscriptions/${definition.subscriptionId}/resourceGroups/${definition.resourceGroup}/providers/Microsoft.Sql/managedInstances/${definition.name}`,
    subscriptionId: definition.subscriptionId,
    resourceGroup: definition.resourceGroup,
    location: definition.location,
    fullyQualifiedDomainName: fullName,
    dnsZone: definition.dnsZone,
    tier: definition.tier,
    vCores: definition.vCores,
    storageSizeInGB: definition.storageSizeInGB,
    databaseFormat: definition.databaseFormat,
    inFailoverGroup: definition.inFailoverGroup,
    trustCertificates: new Map(),
    tdeThumbprints: new Set(),
    fabricNode: 'DB.0',
    hadrPort: 11_000 + derivedRandom(state.seed, definition.name).integer(0, 999),
  };
  lazyEndpointCertificate(state.seed, managed as MutableManaged, state.clock.now());
  instance.managed = managed as MutableManaged;
  return instance;
}
