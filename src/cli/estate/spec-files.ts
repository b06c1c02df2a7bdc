/** Spec files for a running estate: what a person would otherwise have to write to try sqlferry on it. */
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { RunningEstate, RunningInstance } from '../../../estate/estate';
import type {
  InstanceDefinition,
  ManagedInstanceDefinition,
  SqlServerDefinition,
} from '../../../estate/world/definition';
import { EXIT } from '../exit-codes';
import { CliFailure } from '../failure';

/** First line of each file; only files that begin with it are overwritten. */
const MARKER = '# Written by "sqlferry estate"; written again at its next start here.';

const SECRETS_FILE = 'estate.env';
const CA_FILE = 'ca.pem';
const INVENTORY_FILE = 'inventory.yaml';

export interface SpecFiles {
  /** Absolute. */
  readonly directory: string;
  /** Environment variables that the inventory refers to; readable by the owner only. */
  readonly secrets: string;
  readonly ca: string;
  readonly inventory: string;
  /** One for each database; the first is migration.yaml. */
  readonly migrations: readonly string[];
}

/** A database with the way that its migration file describes. */
export interface Crossing {
  readonly server: SqlServerDefinition;
  readonly database: SqlServerDefinition['databases'][number];
  readonly instance: string;
  /** Present where the database lives on the instance: the link begins there. */
  readonly leader?: ManagedInstanceDefinition;
}

interface File {
  readonly name: string;
  readonly text: string;
  readonly mode?: number;
}

/**
 * Looks, before anything is started, whether the files may be written.
 * @throws CliFailure when one of them exists and is somebody else's
 */
export async function refuseForeignFiles(directory: string, crossings: readonly Crossing[]): Promise<void> {
  const names = [SECRETS_FILE, CA_FILE, INVENTORY_FILE, ...migrationNames(crossings)];
  const foreign: string[] = [];
  for (const name of names) if (!(await isOurs(join(directory, name)))) foreign.push(name);
  if (foreign.length === 0) return;
  throw new CliFailure(
    `${foreign.join(' and ')} exist in ${resolve(directory)} and were not written by "sqlferry estate"`,
    EXIT.refused,
    ['choose another directory: sqlferry estate --directory try-it', 'nothing was started or written'],
  );
}

async function isOurs(file: string): Promise<boolean> {
  if (!existsSync(file)) return true;
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.startsWith(MARKER);
}

/** Which databases can be told to cross, and to which instance. */
export function crossingsOf(instances: readonly InstanceDefinition[]): readonly Crossing[] {
  return [...fromServers(instances), ...fromInstances(instances)];
}

/** Only a SQL Server of the very version of the instance's update policy can follow it. */
function fromInstances(instances: readonly InstanceDefinition[]): readonly Crossing[] {
  return instances.flatMap((leader) => {
    if (leader.kind !== 'managed-instance') return [];
    const server = instances.find(
      (each): each is SqlServerDefinition =>
        each.kind === 'sql-server' && `SQLServer${each.version}` === leader.databaseFormat,
    );
    if (server === undefined) return [];
    return leader.databases.map((database) => ({ server, database, instance: leader.name, leader }));
  });
}

function fromServers(instances: readonly InstanceDefinition[]): readonly Crossing[] {
  return instances.flatMap((server) => {
    const instance = server.kind === 'sql-server' ? targetFor(server, instances) : undefined;
    if (server.kind !== 'sql-server' || instance === undefined) return [];
    return server.databases.map((database) => ({ server, database, instance }));
  });
}

/** A database keeps the way back only where the instance's update policy fits the server's version. */
function targetFor(
  server: SqlServerDefinition,
  instances: readonly InstanceDefinition[],
): string | undefined {
  const managed = instances.filter((each) => each.kind === 'managed-instance');
  const fitting = managed.find(
    (each) => (each.databaseFormat === 'SQLServer2022') === (server.version !== '2025'),
  );
  return (fitting ?? managed[0])?.name;
}

/** Writes all files. @param directory is created when it is missing */
export async function writeSpecFiles(estate: RunningEstate, directory: string): Promise<SpecFiles> {
  const absolute = isAbsolute(directory) ? directory : resolve(directory);
  const crossings = crossingsOf(estate.world.definition.instances);
  const ca = join(absolute, CA_FILE);
  const names = migrationNames(crossings);
  const files: File[] = [
    { name: CA_FILE, text: estate.caPem },
    { name: SECRETS_FILE, text: secrets(estate), mode: 0o600 },
    { name: INVENTORY_FILE, text: stringify(inventory(estate, ca)) },
    ...crossings.map((crossing, index) => ({
      name: names[index] ?? '',
      text: stringify(migration(crossing, estate)),
    })),
  ];
  await mkdir(absolute, { recursive: true });
  for (const file of files) await writeOne(absolute, file);
  return {
    directory: absolute,
    secrets: join(absolute, SECRETS_FILE),
    ca,
    inventory: join(absolute, INVENTORY_FILE),
    migrations: names.map((name) => join(absolute, name)),
  };
}

async function writeOne(directory: string, { name, text, mode }: File): Promise<void> {
  const path = join(directory, name);
  await writeFile(path, `${MARKER}\n${text}`, mode === undefined ? {} : { mode });
  // The mode above counts only where the file is new.
  if (mode !== undefined) await chmod(path, mode);
}

const migrationNames = (crossings: readonly Crossing[]): string[] =>
  crossings.map(({ server, database, leader }, index) =>
    index === 0
      ? 'migration.yaml'
      : `migration-${specName((leader ?? server).name)}-${specName(database.name)}.yaml`,
  );

/** Letters that names in spec files may have; the estate's names may have more. */
const specName = (name: string): string =>
  name
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 40) || 'unnamed';

/** Environment variable that holds an instance's password. */
export const passwordVariable = (instance: string): string =>
  `ESTATE_${specName(instance)
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, '_')}_PASSWORD`;

export const CLIENT_SECRET_VARIABLE = 'ESTATE_CLIENT_SECRET';
const MASTER_KEY_VARIABLE = 'ESTATE_MASTER_KEY_PASSWORD';

function secrets(estate: RunningEstate): string {
  const values: readonly (readonly [string, string])[] = [
    ...estate.instances.map((each) => [passwordVariable(each.name), each.adminPassword] as const),
    [CLIENT_SECRET_VARIABLE, estate.azure.clientSecret],
    [MASTER_KEY_VARIABLE, 'Master!Key0Passw0rd'],
  ];
  return values.map(([name, value]) => `export ${name}=${shellQuoted(value)}\n`).join('');
}

const shellQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function inventory(estate: RunningEstate, caFile: string): unknown {
  const { azure, instances } = estate;
  const entry = (kind: RunningInstance['kind'], make: (instance: RunningInstance) => object) =>
    Object.fromEntries(
      instances.filter((each) => each.kind === kind).map((each) => [specName(each.name), make(each)]),
    );
  const reached = (instance: RunningInstance) => ({
    host: instance.host,
    port: instance.port,
    tls: { caFile },
    authentication: {
      type: 'sql',
      user: instance.adminLogin,
      password: `env:${passwordVariable(instance.name)}`,
    },
  });
  return {
    apiVersion: 'sqlferry/v1',
    kind: 'Inventory',
    azure: {
      endpoint: azure.endpoint,
      authorityHost: azure.authorityHost,
      caFile,
      credential: {
        type: 'client-secret',
        tenantId: azure.tenantId,
        clientId: azure.clientId,
        clientSecret: `env:${CLIENT_SECRET_VARIABLE}`,
      },
    },
    sqlServers: entry('sql-server', (instance) => ({
      ...reached(instance),
      // Under its name the managed instance reaches it inside of the simulated network.
      endpoint: { address: instance.name },
      masterKeyPassword: `env:${MASTER_KEY_VARIABLE}`,
    })),
    managedInstances: entry('managed-instance', (instance) => ({
      resourceId: instance.resourceId,
      ...reached(instance),
    })),
  };
}

/** An availability group that stands already, as the migration of its database names it. */
function groupOf({ server, database }: Crossing, { world }: RunningEstate): object {
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  const group = world.definition.groups.find(
    ({ replicas, databases }) =>
      replicas.some((name) => same(name, server.name)) && databases.some((name) => same(name, database.name)),
  );
  if (group === undefined) return {};
  const others = group.replicas.filter((name) => !same(name, server.name)).map(specName);
  const { listener } = group;
  return {
    link: {
      availabilityGroup: group.name,
      ...(others.length === 0 ? {} : { replicas: others }),
      ...(listener === undefined ? {} : { listener: { address: listener.address } }),
    },
  };
}

function migration(crossing: Crossing, estate: RunningEstate): unknown {
  const { server, database, instance, leader } = crossing;
  const applications = applicationLogins(leader ?? server, database);
  const goal = specName(leader === undefined ? instance : server.name);
  return {
    apiVersion: 'sqlferry/v1',
    kind: 'Link',
    name: `${specName(database.name).toLowerCase()}-to-${goal}`.slice(0, 63),
    ...(leader === undefined ? {} : { purpose: 'disaster-recovery', initialPrimary: 'instance' }),
    database: database.name,
    server: specName(server.name),
    instance: specName(instance),
    ...groupOf(crossing, estate),
    logBackups: { directory: server.platform === 'windows' ? 'C:\\Backup' : '/var/opt/mssql/backup' },
    cutover: {
      // A link that stays has neither.
      ...(leader === undefined
        ? { schedule: { type: 'as-soon-as-ready' }, approval: { required: true } }
        : {}),
      ...(applications.length === 0 ? {} : { fence: { disableLogins: applications } }),
    },
    // The estate is near and its time runs fast: asking often costs nothing here.
    polling: { steady: '2s', seeding: '1s', active: '500ms' },
  };
}

/** Logins of applications: they have a user in the database and do not administer the server. */
export function applicationLogins(
  server: Pick<InstanceDefinition, 'logins'>,
  database: SqlServerDefinition['databases'][number],
): string[] {
  const ordinary = server.logins.filter((login) => !login.roles.includes('sysadmin') && !login.disabled);
  return ordinary
    .map((login) => login.name)
    .filter((name) => database.users.some((user) => (user.login ?? user.name) === name));
}
