/**
 * What a server keeps that the world model does not: settings, SQL Agent, linked servers, permissions. One per
 * instance; it survives sessions and restarts, as master and msdb do.
 */
import type { TableStore } from '../sql/storage';
import { AgentState } from './procedures/agent-state';

export interface Configuration {
  readonly id: number;
  readonly name: string;
  readonly minimum: number;
  readonly maximum: number;
  readonly advanced: boolean;
  readonly dynamic: boolean;
  readonly description: string;
  value: number;
  valueInUse: number;
}

export interface LinkedServer {
  readonly serverId: number;
  readonly name: string;
  readonly product: string;
  readonly provider: string;
  readonly dataSource: string;
  readonly catalog: string | null;
  readonly logins: { readonly localLogin: string | null; readonly remoteName: string | null }[];
  readonly modifiedAt: number;
}

export interface StoredPermission {
  readonly scope: 'server' | string;
  readonly state: 'GRANT' | 'DENY' | 'GRANT_WITH_GRANT_OPTION';
  readonly permission: string;
  readonly securableClass: string;
  readonly securable: string;
  readonly principal: string;
  /** Absent: sa, or a permission within a database. */
  readonly grantor?: string;
}

export interface Credential {
  readonly id: number;
  readonly name: string;
  readonly identity: string;
  readonly createdAt: number;
}

/** Extra settings of an availability group that do not influence the simulation but are shown. */
export interface GroupSettings {
  readonly backupPreference: string;
  readonly dbFailover: boolean;
  readonly failureConditionLevel: number;
  readonly healthCheckTimeout: number;
  readonly dtcSupport: boolean;
}

export const defaultGroupSettings: GroupSettings = {
  backupPreference: 'SECONDARY',
  dbFailover: false,
  failureConditionLevel: 3,
  healthCheckTimeout: 30_000,
  dtcSupport: false,
};

const configuration = (
  id: number,
  name: string,
  minimum: number,
  maximum: number,
  value: number,
  advanced: boolean,
  description: string,
  dynamic = true,
): Configuration => ({
  id,
  name,
  minimum,
  maximum,
  value,
  valueInUse: value,
  advanced,
  dynamic,
  description,
});

/** sys.configurations with the product's ids, bounds and defaults. */
const initialConfigurations = (): Configuration[] => [
  configuration(101, 'recovery interval (min)', 0, 32767, 0, true, 'Maximum recovery interval in minutes'),
  configuration(102, 'allow updates', 0, 1, 0, false, 'Allow updates to system tables'),
  configuration(103, 'user connections', 0, 32767, 0, true, 'Number of user connections allowed', false),
  configuration(115, 'nested triggers', 0, 1, 1, false, 'Allow triggers to be invoked within triggers'),
  configuration(117, 'remote access', 0, 1, 1, false, 'Allow remote access', false),
  configuration(124, 'default language', 0, 9999, 0, false, 'default language'),
  configuration(503, 'max worker threads', 128, 65535, 0, true, 'Maximum worker threads', false),
  configuration(518, 'show advanced options', 0, 1, 0, false, 'show advanced options'),
  configuration(542, 'remote proc trans', 0, 1, 0, false, 'Create DTC transaction for remote procedures'),
  configuration(1520, 'remote query timeout (s)', 0, 2147483647, 600, false, 'remote query timeout'),
  configuration(1538, 'cost threshold for parallelism', 0, 32767, 5, true, 'cost threshold for parallelism'),
  configuration(1539, 'max degree of parallelism', 0, 32767, 0, true, 'maximum degree of parallelism'),
  configuration(1543, 'min server memory (MB)', 0, 2147483647, 0, true, 'Minimum size of server memory (MB)'),
  configuration(
    1544,
    'max server memory (MB)',
    128,
    2147483647,
    2147483647,
    true,
    'Maximum size of server memory (MB)',
  ),
  configuration(1562, 'clr enabled', 0, 1, 0, false, 'CLR user code execution enabled in the server'),
  configuration(
    1576,
    'remote admin connections',
    0,
    1,
    0,
    false,
    'Dedicated Admin Connections are allowed from remote clients',
  ),
  configuration(
    1579,
    'backup compression default',
    0,
    1,
    0,
    false,
    'Enable compression of backups by default',
  ),
  configuration(
    1581,
    'optimize for ad hoc workloads',
    0,
    1,
    0,
    true,
    'When this option is set, plan cache size is further reduced for single-use adhoc OLTP workload.',
  ),
  configuration(1584, 'backup checksum default', 0, 1, 0, false, 'Enable checksum of backups by default'),
  configuration(16384, 'Agent XPs', 0, 1, 1, true, 'Enable or disable Agent XPs'),
  configuration(16386, 'Database Mail XPs', 0, 1, 0, true, 'Enable or disable Database Mail XPs'),
  configuration(
    16388,
    'Ole Automation Procedures',
    0,
    1,
    0,
    true,
    'Enable or disable Ole Automation Procedures',
  ),
  configuration(16390, 'xp_cmdshell', 0, 1, 0, true, 'Enable or disable command shell'),
  configuration(
    16391,
    'Ad Hoc Distributed Queries',
    0,
    1,
    0,
    true,
    'Enable or disable Ad Hoc Distributed Queries',
  ),
  configuration(
    16393,
    'contained database authentication',
    0,
    1,
    0,
    false,
    'Enables contained databases and contained authentication',
  ),
];

export class ServerState {
  readonly configurations = initialConfigurations();
  readonly agent = new AgentState();
  readonly linkedServers = new Map<string, LinkedServer>();
  readonly credentials = new Map<string, Credential>();
  /** Of users (sp_addmessage), by number: above 50000, us_english alone. */
  readonly messages = new Map<number, { readonly severity: number; readonly text: string }>();
  readonly groupSettings = new Map<string, GroupSettings>();
  /** User-defined server roles, and database roles as `database.role`, all lower case keys. */
  readonly serverRoles = new Map<string, string>();
  /** Server roles of which a user-defined one is itself a member, by lower-case name. */
  readonly rolesOfRoles = new Map<string, Set<string>>();
  readonly databaseRoles = new Map<string, string>();
  /** Default schema by `database.user`, lower case. */
  readonly defaultSchemas = new Map<string, string>();
  readonly ownedStores = new Map<string, TableStore>();
  permissions: StoredPermission[] = [];
  /** ALTER DATABASE SET options that only show in sys.databases, by lower-case database and option. */
  readonly databaseSettings = new Map<string, Map<string, string>>();
  masterKeyPassword: string | undefined;
  /** Runs a T-SQL job step as a login, in a session of its own; set by the backend. */
  runAs: (login: string, database: string, sql: string, signal: AbortSignal) => Promise<void> = () =>
    Promise.reject(new Error('no backend runs this server'));
  /** EXEC sys.sp_multidb_milink 1. */
  multiDatabaseLink = false;
  private nextId = 65_537;

  takeId(): number {
    this.nextId += 1;
    return this.nextId;
  }

  configuration(name: string): Configuration | undefined {
    return this.configurations.find((entry) => entry.name.toLowerCase() === name.toLowerCase());
  }

  settingsOf(group: string): GroupSettings {
    return this.groupSettings.get(group.toLowerCase()) ?? defaultGroupSettings;
  }
}
