/** A link from SQL1 to mi-west on a manual clock, as the documented script would make it. */
import type { StorageChange } from '../../../estate/sql/storage';
import type { EstateDefinitionInput } from '../../../estate/world/definition';
import { GB, MB } from '../../../estate/world/definition';
import { EstateWorld } from '../../../estate/world/world';

export const SQL = 'SQL1';
export const MI = 'mi-west';
export const DAY = 86_400_000;

export interface StoryOptions {
  readonly seed?: number;
  readonly version?: '2016' | '2017' | '2019' | '2022' | '2025';
  readonly update?: string;
  readonly database?: Record<string, unknown>;
  readonly managed?: Record<string, unknown>;
  readonly server?: Record<string, unknown>;
  readonly rates?: EstateDefinitionInput['rates'];
}

export function newWorld(options: StoryOptions = {}): EstateWorld {
  return EstateWorld.create({
    seed: options.seed ?? 7,
    clock: { mode: 'manual' },
    rates: { seedingRate: 100 * MB, ...options.rates },
    instances: [
      {
        kind: 'sql-server',
        name: SQL,
        version: options.version ?? '2022',
        ...(options.update === undefined ? {} : { update: options.update }),
        addresses: ['10.0.1.8'],
        databases: [{ name: 'Sales', dataBytes: 2 * GB, ...options.database }],
        ...options.server,
      },
      { kind: 'managed-instance', name: MI, ...options.managed },
    ],
  });
}

export const fqdn = (world: EstateWorld): string => world.instances.get(MI).serverName;

/** Master key, certificates on both sides, endpoint. */
export async function trust(world: EstateWorld): Promise<void> {
  const own = 'Cert_SQL1_endpoint';
  world.certificates.createMasterKey(SQL);
  const certificate = world.certificates.create(SQL, { name: own, subject: 'Certificate of SQL1' });
  world.certificates.putTrust(MI, own, certificate.der);
  await world.clock.advance(5_000);
  world.certificates.createFromBinary(SQL, fqdn(world), world.certificates.endpointCertificate(MI).der);
  trustRoots(world);
  world.endpoints.create(SQL, {
    name: 'database_mirroring_endpoint',
    state: 'STARTED',
    port: 5022,
    listenerIp: 'ALL',
    role: 'ALL',
    authentication: 'CERTIFICATE',
    certificateName: own,
    encryption: 'REQUIRED',
    algorithm: 'AES',
  });
}

export function trustRoots(world: EstateWorld): void {
  const { microsoftPki, digiCertPki } = world.certificates.authorities();
  for (const [name, der] of [
    ['MicrosoftPKI', microsoftPki],
    ['DigiCertPKI', digiCertPki],
  ] as const) {
    const { certificateId } = world.certificates.createFromBinary(SQL, name, der);
    world.certificates.addIssuer(SQL, certificateId, '*.database.windows.net');
  }
}

export function makeGroup(world: EstateWorld, database = 'Sales'): void {
  const year = world.instances.get(SQL).version.year;
  world.groups.create(SQL, {
    name: `AG_${database}`,
    ...(year === 2016 ? {} : { clusterType: 'NONE' as const }),
    databases: [database],
    replicas: [
      {
        name: SQL,
        endpointUrl: 'TCP://10.0.1.8:5022',
        availabilityMode: 'SYNCHRONOUS_COMMIT',
        failoverMode: 'MANUAL',
        seedingMode: 'AUTOMATIC',
      },
    ],
  });
}

export function distributedRequest(world: EstateWorld, database = 'Sales') {
  const common = {
    availabilityMode: 'ASYNCHRONOUS_COMMIT',
    failoverMode: 'MANUAL',
    seedingMode: 'AUTOMATIC',
  } as const;
  return {
    name: `DAG_${database}`,
    members: [
      { ...common, name: `AG_${database}`, endpointUrl: 'TCP://10.0.1.8:5022', sessionTimeout: 20 },
      { ...common, name: `AG_${database}_MI`, endpointUrl: `tcp://${fqdn(world)}:5022;Server=[${MI}]` },
    ],
  } as const;
}

export function linkRequest(database = 'Sales', failoverMode: 'None' | 'Manual' = 'Manual') {
  return {
    name: `DAG_${database}`,
    databaseName: database,
    partnerAvailabilityGroupName: `AG_${database}`,
    instanceAvailabilityGroupName: `AG_${database}_MI`,
    partnerEndpoint: 'TCP://10.0.1.8:5022',
    instanceLinkRole: 'Secondary',
    failoverMode,
    seedingMode: 'Automatic',
  } as const;
}

export async function groups(world: EstateWorld, database = 'Sales'): Promise<void> {
  makeGroup(world, database);
  world.groups.createDistributed(SQL, distributedRequest(world, database));
}

/** Everything up to the connected link; seeding has begun. */
export async function linked(world: EstateWorld, failoverMode: 'None' | 'Manual' = 'Manual'): Promise<void> {
  await trust(world);
  await groups(world);
  world.links.put(MI, linkRequest('Sales', failoverMode));
  await world.clock.advance(14_000);
}

export async function replicating(
  world: EstateWorld,
  failoverMode: 'None' | 'Manual' = 'Manual',
): Promise<void> {
  await linked(world, failoverMode);
  await seeded(world);
}

/** Waits for the seeding that has begun. */
export async function seeded(world: EstateWorld): Promise<void> {
  for (let step = 0; step < 600 && link(world).state !== 'LinkSynchronizing'; step += 1) {
    await world.clock.advance(10_000);
  }
}

export function link(world: EstateWorld) {
  const found = world.links.get(MI, 'DAG_Sales');
  if (!found) throw new Error('no link');
  return found;
}

export const createTable: StorageChange = {
  kind: 'create-table',
  table: {
    schema: 'dbo',
    name: 't',
    columns: [{ name: 'id', type: { kind: 'bigint' }, nullable: false }],
    primaryKey: ['id'],
  },
};

export const insertRow = (id: number): StorageChange => ({
  kind: 'insert',
  schema: 'dbo',
  name: 't',
  rowId: id,
  row: [BigInt(id)],
});

/** Row ids of dbo.t as a reader of that copy sees them. */
export function rows(world: EstateWorld, instance: string): number[] {
  return [...(world.databases.storeForRead(instance, 'Sales').table('dbo', 't')?.rows.keys() ?? [])];
}

export const numberOf = (error: unknown): number[] => {
  const value = error as { number?: number; errors?: { number: number }[]; code?: string };
  return value.errors?.map((one) => one.number) ?? (value.number === undefined ? [] : [value.number]);
};

/** Server error numbers that an action is refused with. */
export async function refusedWith(action: () => unknown): Promise<number[]> {
  try {
    await action();
  } catch (error) {
    return numberOf(error);
  }
  return [];
}
