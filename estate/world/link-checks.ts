/** What the Resource Manager refuses at once when a link is asked for (azure-rest: error codes of PUT). */
import { parseEndpointUrl } from './handshake';
import { checkLeadingDatabase, checkLeadingFormat } from './link-from-instance';
import type { LinkTable } from './link-state';
import { ArmRefusal, type Link, type LinkRequest } from './model';
import { hostOf } from './network';
import { formatsMatch } from './source-checks';
import { key, type MutableInstance, type WorldState } from './state';

/** Links per managed instance, General Purpose and Business Critical (feature overview). */
const MAX_LINKS = 100;
const RESERVED = new Set(['master', 'model', 'msdb', 'tempdb']);
const PREFIX = 'InvalidDistributedAvailabilityGroupsCreateOrUpdateRequest';

export function sameRequest(link: Link, request: LinkRequest): boolean {
  return (
    key(link.databaseName) === key(request.databaseName) &&
    key(link.partnerAvailabilityGroupName) === key(request.partnerAvailabilityGroupName) &&
    key(link.instanceAvailabilityGroupName) === key(request.instanceAvailabilityGroupName) &&
    key(link.partnerEndpoint) === key(request.partnerEndpoint) &&
    link.failoverMode === request.failoverMode &&
    (link.initialPrimary === 'instance') === (request.instanceLinkRole === 'Primary')
  );
}

/** @throws ArmRefusal */
export function checkLinkRequest(
  state: WorldState,
  table: LinkTable,
  managed: MutableInstance,
  request: LinkRequest,
): void {
  checkShape(request);
  checkNames(table, managed, request);
  checkCapacity(state, table, managed, request);
}

function checkShape(request: LinkRequest): void {
  const refuse = (suffix: string, message: string) => {
    throw new ArmRefusal(400, `${PREFIX}${suffix}`, message);
  };
  if (request.databaseName === '')
    refuse('Databases', 'Invalid value given for parameter Databases. Specify a valid parameter value.');
  if (request.instanceAvailabilityGroupName === '')
    refuse(
      'InstanceAvailabilityGroupName',
      'Invalid value given for parameter InstanceAvailabilityGroupName.',
    );
  if (request.partnerAvailabilityGroupName === '')
    refuse('PartnerAvailabilityGroupName', 'Invalid value given for parameter PartnerAvailabilityGroupName.');
  if (request.partnerEndpoint === '')
    refuse('PartnerEndpoint', 'Invalid value given for parameter PartnerEndpoint.');
  if (key(request.seedingMode) !== 'automatic')
    refuse('SeedingMode', 'Only Automatic is accepted for parameter SeedingMode.');
  if (key(request.instanceAvailabilityGroupName) === key(request.partnerAvailabilityGroupName)) {
    throw new ArmRefusal(
      400,
      'InstanceAvailabilityGroupNamePartnerAvailabilityGroupNameMatch',
      'The availability groups of the instance and of the partner must have different names.',
    );
  }
  if (!parseEndpointUrl(request.partnerEndpoint)) {
    throw new ArmRefusal(
      400,
      'InvalidParameterValue',
      'Invalid value given for parameter SourceEndpoint. Specify a valid parameter value.',
    );
  }
  if (RESERVED.has(key(request.databaseName))) {
    throw new ArmRefusal(
      400,
      'CannotUseReservedDatabaseName',
      `Database name '${request.databaseName}' is reserved.`,
    );
  }
  if (/\s$/.test(request.databaseName)) {
    throw new ArmRefusal(
      400,
      'CannotUseTrailingWhitespacesInDatabaseName',
      'A database name cannot end with white space.',
    );
  }
}

function checkNames(table: LinkTable, managed: MutableInstance, request: LinkRequest): void {
  const known = table.get(managed.name, request.name);
  if (known && !(known.broken && !known.link.seeded)) {
    throw new ArmRefusal(
      400,
      'ManagedInstanceLinkForProvidedAvailabilityGroupsAlreadyExists',
      `A link for the availability groups of '${request.name}' already exists.`,
    );
  }
  const others = table
    .all()
    .filter(
      ({ link }) => key(link.managedInstance) === key(managed.name) && key(link.name) !== key(request.name),
    );
  const nameTaken = others.some(
    ({ link }) => key(link.instanceAvailabilityGroupName) === key(request.instanceAvailabilityGroupName),
  );
  if (nameTaken) {
    throw new ArmRefusal(
      400,
      'CloudLifterChimeraMIAgNameIsAlreadyUsed',
      `Availability group name '${request.instanceAvailabilityGroupName}' is already used on the managed instance (41987).`,
    );
  }
  if (request.instanceLinkRole === 'Primary') {
    checkLeadingDatabase(table, managed, request);
    return;
  }
  const databaseTaken =
    managed.databases.has(key(request.databaseName)) ||
    others.some(({ link }) => key(link.databaseName) === key(request.databaseName));
  if (databaseTaken) {
    throw new ArmRefusal(
      400,
      'ManagedDatabaseNameInUse',
      `Database name '${request.databaseName}' is in use on managed instance '${managed.name}'.`,
    );
  }
}

function checkCapacity(
  state: WorldState,
  table: LinkTable,
  managed: MutableInstance,
  request: LinkRequest,
): void {
  const properties = managed.managed;
  if (properties?.inFailoverGroup) {
    // The error table has 41982 for it; its REST name is not published (inferred).
    throw new ArmRefusal(
      400,
      'ManagedInstanceInFailoverGroup',
      `Managed instance '${managed.name}' is in a failover group; a link cannot be created (41982).`,
    );
  }
  const links = table.all().filter(({ link }) => key(link.managedInstance) === key(managed.name)).length;
  if (links >= MAX_LINKS)
    throw new ArmRefusal(
      400,
      'DatabaseNumberLimitReached',
      `Managed instance '${managed.name}' has reached its limit of ${MAX_LINKS} databases.`,
    );
  const server = hostOf(state, parseEndpointUrl(request.partnerEndpoint)?.host ?? '');
  if (!server) return;
  if (request.failoverMode === 'Manual' && !formatsMatch(properties?.databaseFormat, server.version.year)) {
    throw new ArmRefusal(
      400,
      'CloudLifterChimeraBoxAndMiOnDifferentDbVersionsFailoverModeManual',
      'Failover mode Manual needs the same database format on SQL Server and on the managed instance (41988).',
    );
  }
  if (request.instanceLinkRole === 'Primary') {
    checkLeadingFormat(managed, server);
    return;
  }
  const source = server.databases.get(key(request.databaseName));
  const used = [...managed.databases.values()].reduce((sum, copy) => sum + copy.dataBytes, 0);
  const capacity = (properties?.storageSizeInGB ?? 0) * 1024 ** 3;
  if (source && used + source.dataBytes > capacity) {
    throw new ArmRefusal(
      400,
      'NoMoreSpaceInManagedInstance',
      `Managed instance '${managed.name}' has no room for database '${request.databaseName}'.`,
    );
  }
}
