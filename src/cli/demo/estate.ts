import { type RunningEstate, startEstate } from '../../../estate/estate';
import type { WorkloadTarget } from '../../../estate/workload/driver';
import type { EstateDefinitionInput } from '../../../estate/world/definition';

const GB = 1024 ** 3;
const APPLICATION = { name: 'sales_app', password: 'Sales!Passw0rd' };

/** Simulated seconds per second: seeding of 40 GB in about a quarter of a minute. */
const SPEED = 30;

const DEFINITION: EstateDefinitionInput = {
  clock: { speed: SPEED, base: new Date().toISOString() },
  instances: [
    {
      kind: 'sql-server',
      name: 'SQL1',
      version: '2022',
      update: 'CU16',
      logins: [
        { name: 'sa', password: 'Ferry!Passw0rd' },
        { ...APPLICATION, roles: [] },
      ],
      databases: [
        { name: 'Sales', dataBytes: 40 * GB, users: [{ name: APPLICATION.name, login: APPLICATION.name }] },
      ],
    },
    {
      kind: 'managed-instance',
      name: 'mi-west',
      logins: [
        { name: 'ferryadmin', password: 'Ferry!Passw0rd' },
        { ...APPLICATION, roles: [] },
      ],
    },
  ],
  // Azure's first full backup comes after minutes; here nobody shall wait so long for it.
  rates: { firstFullBackupDelayMs: 60_000 },
};

export const startDemoEstate = (): Promise<RunningEstate> => startEstate(DEFINITION);

/** How the application reaches its database on one of the instances. */
export function applicationTarget(estate: RunningEstate, name: 'SQL1' | 'mi-west'): WorkloadTarget {
  const { host, port } = estate.instance(name);
  return { host, port, database: 'Sales', user: APPLICATION.name, password: APPLICATION.password };
}

/** The administrator's way in, to compare rows once the application is stopped. */
export function administratorTarget(estate: RunningEstate, name: 'SQL1' | 'mi-west'): WorkloadTarget {
  const { host, port, adminLogin, adminPassword } = estate.instance(name);
  return { host, port, database: 'Sales', user: adminLogin, password: adminPassword };
}

/** migration.yaml of the demo: as for the real thing, but with a day's cadence in seconds. */
export const DEMO_MIGRATION = `apiVersion: sqlferry/v1
kind: Link
name: sales-to-west
database: Sales
server: SQL1
instance: mi-west
logBackups:
  directory: C:\\Backup
  every: 1m
cutover:
  approval:
    required: true
  fence:
    disableLogins: [${APPLICATION.name}]
  afterwards: remove-link
polling:
  steady: 1s
  seeding: 500ms
  active: 250ms
  heartbeatTimeout: 3s
`;
