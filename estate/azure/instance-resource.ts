/** Shows a managed instance of the world as its ARM resource (ManagedInstanceGet example of the specification). */
import type { Instance } from '../world/model';
import type { ManagedInstance } from './context';
import type { InstanceSettings } from './instance-settings';
import { instant } from './operations';
import { hasDatabaseFormat } from './versions';

const TYPE = 'Microsoft.Sql/managedInstances';

/** @param updating a management operation runs on it */
export function renderInstance(
  { instance, managed }: ManagedInstance,
  settings: InstanceSettings,
  updating: boolean,
  apiVersion: string,
): unknown {
  const prefix = managed.tier === 'BusinessCritical' ? 'BC' : 'GP';
  const redundancy = settings.free.requestedBackupStorageRedundancy;
  const network = `/subscriptions/${managed.subscriptionId}/resourceGroups/${managed.resourceGroup}/providers/Microsoft.Network/virtualNetworks`;
  return {
    identity: { type: 'None' },
    sku: { name: `${prefix}_Gen5`, tier: managed.tier, family: 'Gen5', capacity: managed.vCores },
    properties: {
      provisioningState: updating ? 'Updating' : 'Succeeded',
      fullyQualifiedDomainName: managed.fullyQualifiedDomainName,
      administratorLogin: administrator(instance),
      subnetId: `${network}/vnet-${instance.name}/subnets/ManagedInstance`,
      state: instance.state === 'running' ? 'Ready' : 'Stopped',
      licenseType: settings.free.licenseType,
      vCores: managed.vCores,
      storageSizeInGB: managed.storageSizeInGB,
      collation: instance.collation,
      dnsZone: managed.dnsZone,
      publicDataEndpointEnabled: settings.publicDataEndpointEnabled,
      proxyOverride: settings.free.proxyOverride,
      timezoneId: 'UTC',
      minimalTlsVersion: settings.free.minimalTlsVersion,
      privateEndpointConnections: [],
      requestedBackupStorageRedundancy: redundancy,
      currentBackupStorageRedundancy: redundancy,
      zoneRedundant: false,
      maintenanceConfigurationId: `/subscriptions/${managed.subscriptionId}/providers/Microsoft.Maintenance/publicMaintenanceConfigurations/SQL_Default`,
      ...(hasDatabaseFormat(apiVersion) ? laterProperties(instance, managed.databaseFormat, settings) : {}),
    },
    location: managed.location,
    tags: settings.tags,
    id: managed.resourceId,
    name: instance.name,
    type: TYPE,
  };
}

function laterProperties(
  instance: Instance,
  databaseFormat: string,
  settings: InstanceSettings,
): Record<string, unknown> {
  const { hybridSecondaryUsage } = settings.free;
  return {
    databaseFormat,
    hybridSecondaryUsage,
    hybridSecondaryUsageDetected: hybridSecondaryUsage,
    isGeneralPurposeV2: false,
    pricingModel: 'Regular',
    createTime: instant(instance.startedAt),
    externalGovernanceStatus: 'Disabled',
  };
}

/** Name of the instance's SQL administrator: its first SQL login with sysadmin. */
function administrator(instance: Instance): string | undefined {
  return [...instance.logins.values()].find((login) => login.type === 'sql' && login.roles.has('sysadmin'))
    ?.name;
}
