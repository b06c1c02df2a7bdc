/**
 * Reads the bodies of link requests and refuses what Microsoft.Sql refuses at once, with its codes. The order of the
 * checks is not documented (inferred).
 */
import type { LinkRequest, LinkRole, ReplicationMode } from '../world/model';
import { type ArmContext, bodyProperties, isObject, type JsonObject, jsonBody, member } from './context';
import { type ArmError, badRequest, conflict, invalidParameterValue } from './errors';
import { hasLinkMode, linkModelOf } from './versions';

const INVALID = 'InvalidDistributedAvailabilityGroupsCreateOrUpdateRequest';
const RESERVED_DATABASES = ['master', 'model', 'msdb', 'tempdb', 'distribution', 'mssqlsystemresource'];
/** sysname: availability groups and databases have at most 128 characters. */
const MAX_NAME = 128;

/** @throws ArmError 400 with the code of the first field that the service would refuse. */
export function readLinkRequest(context: ArmContext, name: string): LinkRequest {
  checkLinkName(name);
  const properties = bodyProperties(context);
  if (properties === undefined)
    throw badRequest(INVALID, 'Invalid create or update request body or parameter.');
  return linkModelOf(context.apiVersion) === 'old'
    ? readOldModel(name, properties)
    : readNewModel(name, properties, context.apiVersion);
}

/** ARM refuses names with these characters in every resource id (naming rules page). */
function checkLinkName(name: string): void {
  const bad = name.length > MAX_NAME || /[<>*%&:\\?+/#]/.test(name) || hasControl(name) || name.endsWith('.');
  if (bad) throw invalidParameterValue('distributedAvailabilityGroupName');
}

const hasControl = (text: string): boolean => [...text].some((char) => char < ' ' || char === '\u007f');

function readNewModel(name: string, properties: JsonObject, apiVersion: string): LinkRequest {
  const request = common(name, {
    database: databaseName(properties, name, apiVersion),
    instanceGroup: member(properties, 'instanceAvailabilityGroupName'),
    partnerGroup: member(properties, 'partnerAvailabilityGroupName'),
    endpoint: member(properties, 'partnerEndpoint'),
    seedingMode: member(properties, 'seedingMode'),
  });
  const replicationMode = optional(properties, 'replicationMode', REPLICATION_MODES);
  return {
    ...request,
    // Defaults as the specification's minimal example shows them: Secondary, None, Automatic.
    instanceLinkRole: optional(properties, 'instanceLinkRole', LINK_ROLES) ?? 'Secondary',
    failoverMode: optional(properties, 'failoverMode', FAILOVER_MODES) ?? 'None',
    ...(replicationMode === undefined ? {} : { replicationMode }),
  };
}

/**
 * The first model only knows links from SQL Server to the instance; its primary group is the SQL Server's.
 * replicationMode in it is ignored on create (templates reference).
 */
function readOldModel(name: string, properties: JsonObject): LinkRequest {
  optional(properties, 'replicationMode', REPLICATION_MODES);
  const target = member(properties, 'targetDatabase');
  const request = common(name, {
    database: checkDatabaseName(target),
    instanceGroup: member(properties, 'secondaryAvailabilityGroupName'),
    partnerGroup: member(properties, 'primaryAvailabilityGroupName'),
    endpoint: member(properties, 'sourceEndpoint'),
    seedingMode: undefined,
  });
  return { ...request, instanceLinkRole: 'Secondary', failoverMode: 'None' };
}

interface CommonFields {
  readonly database: string;
  readonly instanceGroup: unknown;
  readonly partnerGroup: unknown;
  readonly endpoint: unknown;
  readonly seedingMode: unknown;
}

function common(name: string, fields: CommonFields): Omit<LinkRequest, 'instanceLinkRole' | 'failoverMode'> {
  const instanceGroup = groupName(fields.instanceGroup, 'InstanceAvailabilityGroupName');
  const partnerGroup = groupName(fields.partnerGroup, 'PartnerAvailabilityGroupName');
  if (instanceGroup.toLowerCase() === partnerGroup.toLowerCase())
    throw badRequest(
      'InstanceAvailabilityGroupNamePartnerAvailabilityGroupNameMatch',
      'Instance availability group name and partner availability group name must be different.',
    );
  return {
    name,
    databaseName: fields.database,
    partnerAvailabilityGroupName: partnerGroup,
    instanceAvailabilityGroupName: instanceGroup,
    partnerEndpoint: endpoint(fields.endpoint),
    seedingMode: seedingMode(fields.seedingMode),
  };
}

function groupName(value: unknown, field: string): string {
  if (typeof value === 'string' && value.trim() !== '' && value.length <= MAX_NAME) return value;
  throw badRequest(`${INVALID}${field}`, `Invalid create or update request: ${field} is missing or invalid.`);
}

function endpoint(value: unknown): string {
  if (value === undefined || value === null || value === '')
    throw badRequest(
      `${INVALID}PartnerEndpoint`,
      'Invalid create or update request: PartnerEndpoint is missing.',
    );
  // [R] the message names SourceEndpoint whatever the model.
  if (typeof value !== 'string' || !isEndpointUrl(value)) throw invalidParameterValue('SourceEndpoint');
  return value;
}

/** `tcp://host:port`, host as a name, an IPv4 address or an IPv6 address in brackets. */
function isEndpointUrl(value: string): boolean {
  const match = /^tcp:\/\/(\[[0-9a-f:.]+\]|[^\s:/[\]]+):(\d{1,5})\/?$/i.exec(value);
  const port = Number(match?.[2]);
  return match !== null && value.length <= 512 && port >= 1 && port <= 65_535;
}

function seedingMode(value: unknown): string {
  if (value === undefined || value === null) return 'Automatic';
  if (typeof value === 'string' && value.toLowerCase() === 'automatic') return 'Automatic';
  throw badRequest(
    `${INVALID}SeedingMode`,
    'Invalid create or update request: only seeding mode Automatic is supported.',
  );
}

function databaseName(properties: JsonObject, name: string, apiVersion: string): string {
  const databases = member(properties, 'databases');
  const names = Array.isArray(databases)
    ? databases.map((entry: unknown) => (isObject(entry) ? member(entry, 'databaseName') : undefined))
    : [];
  if (hasLinkMode(apiVersion) && optional(properties, 'linkMode', LINK_MODES) === 'MultiDatabase')
    throw multiDatabase(name);
  // [R] no database, and more than one with linkMode SingleDatabase or absent, are refused alike.
  if (names.length !== 1)
    throw badRequest(
      `${INVALID}Databases`,
      'Invalid create or update request: a link must have exactly one database.',
    );
  return checkDatabaseName(names[0]);
}

/** Links of many databases are a limited preview that a subscription must be registered for (link overview page). */
function multiDatabase(name: string): ArmError {
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name))
    return badRequest(
      'InvalidMultiDbDistributedAvailabilityGroupName',
      `Distributed availability group name '${name}' is not valid: only lower-case letters, digits and hyphens are allowed, and it cannot start or end with a hyphen.`,
    );
  return conflict(
    'SubscriptionNotRegisteredForFeature',
    'The subscription is not registered for the multi-database link feature.',
  );
}

function checkDatabaseName(value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_NAME)
    throw badRequest(
      `${INVALID}Databases`,
      'Invalid create or update request: the database name is missing or invalid.',
    );
  if (/\s$/.test(value))
    throw badRequest(
      'CannotUseTrailingWhitespacesInDatabaseName',
      `Database name '${value}' must not end with white space.`,
    );
  if (RESERVED_DATABASES.includes(value.toLowerCase()))
    throw badRequest('CannotUseReservedDatabaseName', `Database name '${value}' is reserved.`);
  return value;
}

const REPLICATION_MODES = ['Async', 'Sync'] as const;
const LINK_ROLES = ['Primary', 'Secondary'] as const;
const FAILOVER_MODES = ['None', 'Manual'] as const;
const LINK_MODES = ['SingleDatabase', 'MultiDatabase'] as const;
const FAILOVER_TYPES = ['Planned', 'ForcedAllowDataLoss'] as const;
const ROLE_CHANGE_TYPES = ['Planned', 'Forced'] as const;

/** Enum values compare without case. @throws ArmError 400 InvalidParameterValue for another value. */
function optional<T extends string>(object: JsonObject, name: string, values: readonly T[]): T | undefined {
  const value = member(object, name);
  if (value === undefined || value === null) return undefined;
  const found = values.find(
    (each) => typeof value === 'string' && each.toLowerCase() === value.toLowerCase(),
  );
  if (found === undefined) throw invalidParameterValue(name);
  return found;
}

function mandatory<T extends string>(object: JsonObject, name: string, values: readonly T[]): T {
  const value = optional(object, name, values);
  if (value === undefined) throw invalidParameterValue(name);
  return value;
}

export const readFailoverType = (context: ArmContext): (typeof FAILOVER_TYPES)[number] =>
  mandatory(jsonBody(context), 'failoverType', FAILOVER_TYPES);

export function readRoleChange(context: ArmContext): {
  instanceRole: LinkRole;
  roleChangeType: (typeof ROLE_CHANGE_TYPES)[number];
} {
  const body = jsonBody(context);
  return {
    instanceRole: mandatory(body, 'instanceRole', LINK_ROLES),
    roleChangeType: mandatory(body, 'roleChangeType', ROLE_CHANGE_TYPES),
  };
}

export interface LinkUpdate {
  readonly replicationMode?: ReplicationMode;
}

/**
 * Body of PATCH: the replication mode; from 2025-08-01-preview also the full new list of databases, which for a
 * link of one database can only be that one.
 */
export function readLinkUpdate(context: ArmContext, currentDatabase: string): LinkUpdate {
  const properties = bodyProperties(context);
  if (properties === undefined)
    throw badRequest(INVALID, 'Invalid create or update request body or parameter.');
  if (hasLinkMode(context.apiVersion) && member(properties, 'databases') !== undefined) {
    const only = databaseName({ databases: member(properties, 'databases') }, '', context.apiVersion);
    if (only.toLowerCase() !== currentDatabase.toLowerCase())
      throw badRequest(`${INVALID}Databases`, 'The databases of a single-database link cannot be changed.');
  }
  const replicationMode = optional(properties, 'replicationMode', REPLICATION_MODES);
  return replicationMode === undefined ? {} : { replicationMode };
}
