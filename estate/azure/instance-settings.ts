/**
 * What the resource manager keeps about a managed instance beside the world: tags, licence and other settings that
 * change no behaviour of the estate, and the history of management operations.
 */
import { randomUUID } from 'node:crypto';
import { isObject, type JsonObject, type ManagedInstance } from './context';
import type { OperationState } from './operations';

/** Settings of `properties` that can be changed freely, with the kind of value each takes. */
export const FREE_SETTINGS = {
  licenseType: ['LicenseIncluded', 'BasePrice'],
  proxyOverride: ['Proxy', 'Redirect', 'Default'],
  minimalTlsVersion: ['None', '1.0', '1.1', '1.2', '1.3'],
  hybridSecondaryUsage: ['Active', 'Passive'],
  requestedBackupStorageRedundancy: ['Geo', 'GeoZone', 'Local', 'Zone'],
} as const satisfies Record<string, readonly string[]>;

export type FreeSetting = keyof typeof FREE_SETTINGS;

export interface InstanceSettings {
  readonly tags: Readonly<Record<string, string>>;
  readonly free: Readonly<Partial<Record<FreeSetting, string>>>;
  readonly publicDataEndpointEnabled: boolean;
}

export interface ManagementOperation {
  readonly id: string;
  readonly instance: string;
  /** `UpsertManagedServer`, `UPDATE MANAGED SERVER`. */
  readonly operation: string;
  readonly friendlyName: string;
  readonly startedAt: number;
  readonly expectedEnd: number;
  readonly cancellable: boolean;
  readonly state: () => OperationState;
  readonly cancel: () => void;
}

const INITIAL: InstanceSettings = {
  tags: {},
  free: {
    licenseType: 'LicenseIncluded',
    proxyOverride: 'Proxy',
    minimalTlsVersion: '1.2',
    hybridSecondaryUsage: 'Active',
    requestedBackupStorageRedundancy: 'Geo',
  },
  publicDataEndpointEnabled: false,
};

export class InstanceRecords {
  readonly #settings = new Map<string, InstanceSettings>();
  readonly #operations: ManagementOperation[] = [];

  settings({ managed }: ManagedInstance): InstanceSettings {
    return this.#settings.get(managed.resourceId.toLowerCase()) ?? INITIAL;
  }

  change(target: ManagedInstance, change: Partial<InstanceSettings>): void {
    const current = this.settings(target);
    this.#settings.set(target.managed.resourceId.toLowerCase(), {
      ...current,
      ...change,
      free: { ...current.free, ...change.free },
    });
  }

  track(operation: Omit<ManagementOperation, 'id'>): ManagementOperation {
    const tracked = { ...operation, id: randomUUID() };
    this.#operations.push(tracked);
    return tracked;
  }

  operations({ instance }: ManagedInstance): readonly ManagementOperation[] {
    return this.#operations.filter((each) => each.instance.toLowerCase() === instance.name.toLowerCase());
  }
}

/** Tags of a body. Values that are not text are refused by returning undefined. */
export function readTags(value: unknown): Readonly<Record<string, string>> | undefined {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) return undefined;
  const entries = Object.entries(value as JsonObject);
  const valid = entries.every((entry): entry is [string, string] => typeof entry[1] === 'string');
  return valid ? Object.fromEntries(entries) : undefined;
}
