/** Reads PATCH and PUT bodies of a managed instance into the changes that they ask for. */
import type { DatabaseFormat, ManagedInstanceProperties, ServiceTier } from '../world/model';
import { isObject, type JsonObject, type ManagedInstance, member } from './context';
import { badRequest, invalidParameterValue } from './errors';
import { FREE_SETTINGS, type FreeSetting, type InstanceSettings, readTags } from './instance-settings';

/** The part of an instance that the world knows and that a request may change. */
export type ScaleChange = Partial<
  Pick<ManagedInstanceProperties, 'tier' | 'vCores' | 'storageSizeInGB' | 'databaseFormat'>
>;

export interface InstanceChange {
  readonly settings: Partial<InstanceSettings>;
  readonly scale: ScaleChange;
}

/** Update policies from oldest to newest: changes only go forward (update policy page). */
const FORMATS: readonly DatabaseFormat[] = ['SQLServer2022', 'SQLServer2025', 'AlwaysUpToDate'];

/** @throws ArmError 400 for values that the instance cannot take. */
export function readInstanceChange(target: ManagedInstance, body: JsonObject): InstanceChange {
  const propertiesValue = member(body, 'properties');
  const properties = isObject(propertiesValue) ? propertiesValue : {};
  return { settings: readSettings(body, properties), scale: readScale(target, body, properties) };
}

function readSettings(body: JsonObject, properties: JsonObject): Partial<InstanceSettings> {
  const tags = member(body, 'tags');
  const read = readTags(tags);
  if (read === undefined) throw invalidParameterValue('tags');
  const endpointEnabled = member(properties, 'publicDataEndpointEnabled');
  if (endpointEnabled !== undefined && typeof endpointEnabled !== 'boolean')
    throw invalidParameterValue('publicDataEndpointEnabled');
  const free = readFree(properties);
  return {
    ...(tags === undefined ? {} : { tags: read }),
    ...(endpointEnabled === undefined ? {} : { publicDataEndpointEnabled: endpointEnabled }),
    ...(Object.keys(free).length === 0 ? {} : { free }),
  };
}

function readFree(properties: JsonObject): Partial<Record<FreeSetting, string>> {
  const found: Partial<Record<FreeSetting, string>> = {};
  for (const name of Object.keys(FREE_SETTINGS).filter(isFreeSetting)) {
    const value = member(properties, name);
    if (value === undefined || value === null) continue;
    const known = FREE_SETTINGS[name].find((each) => each === value);
    if (known === undefined) throw invalidParameterValue(name);
    found[name] = known;
  }
  return found;
}

const isFreeSetting = (name: string): name is FreeSetting => Object.hasOwn(FREE_SETTINGS, name);

function readScale(target: ManagedInstance, body: JsonObject, properties: JsonObject): ScaleChange {
  const storage = readStorage(member(properties, 'storageSizeInGB'));
  const skuValue = member(body, 'sku');
  const sku = isObject(skuValue) ? skuValue : {};
  const vCores = readVCores(member(properties, 'vCores') ?? member(sku, 'capacity'));
  const tier = readTier(member(sku, 'tier'), member(sku, 'name'));
  const format = readFormat(target, member(properties, 'databaseFormat'));
  const { managed } = target;
  return {
    ...(storage === undefined || storage === managed.storageSizeInGB ? {} : { storageSizeInGB: storage }),
    ...(vCores === undefined || vCores === managed.vCores ? {} : { vCores }),
    ...(tier === undefined || tier === managed.tier ? {} : { tier }),
    ...(format === undefined || format === managed.databaseFormat ? {} : { databaseFormat: format }),
  };
}

/** 32 to 16384 GB in steps of 32 (ManagedInstances specification). */
function readStorage(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || value % 32 !== 0 || value < 32 || value > 16_384)
    throw badRequest(
      'InvalidStorageSizeInGB',
      'Storage size must be between 32 and 16384 GB, in increments of 32 GB.',
    );
  return value;
}

const V_CORES = [4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 56, 64, 80, 96, 128];

function readVCores(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && V_CORES.includes(value)) return value;
  throw badRequest(
    'InvalidVCoresValue',
    `Invalid value of vCores. Supported values are: ${V_CORES.join(', ')}.`,
  );
}

function readTier(tier: unknown, sku: unknown): ServiceTier | undefined {
  if (tier === undefined && sku === undefined) return undefined;
  if (tier === 'GeneralPurpose' || tier === 'BusinessCritical') return tier;
  const prefix = typeof sku === 'string' ? sku.split('_', 1)[0] : undefined;
  if (tier === undefined && prefix === 'GP') return 'GeneralPurpose';
  if (tier === undefined && prefix === 'BC') return 'BusinessCritical';
  throw badRequest('InvalidSku', 'The specified SKU of the managed instance is not valid.');
}

/** Documents write `SqlServer2025` and `SQLServer2022`: compared without case. */
function readFormat({ managed }: ManagedInstance, value: unknown): DatabaseFormat | undefined {
  if (value === undefined || value === null) return undefined;
  const format = FORMATS.find(
    (each) => typeof value === 'string' && each.toLowerCase() === value.toLowerCase(),
  );
  if (format === undefined) throw invalidParameterValue('databaseFormat');
  const backwards = FORMATS.indexOf(format) < FORMATS.indexOf(managed.databaseFormat);
  if (backwards && managed.databaseFormat === 'AlwaysUpToDate')
    throw badRequest(
      'ManagedInstanceUpdateSloFromVersionlessToVersionedNotAllowed',
      'The update policy of a managed instance cannot be changed from Always-up-to-date to a SQL Server version.',
    );
  if (backwards)
    throw badRequest(
      'ManagedInstanceUpdateSloFromNewerToOlderVersionEditionNotAllowed',
      'The update policy of a managed instance cannot be changed to an older SQL Server version.',
    );
  return format;
}
