/** What a statement, view, function or procedure may know of the session it runs in. */
import type { Database, Instance, Login } from '../world/model';
import type { EstateWorld } from '../world/world';
import { serverError } from './messages/raise';
import type { ServerState } from './server-state';

export interface ClientFacts {
  readonly hostName: string;
  readonly applicationName: string;
  readonly libraryName: string;
  readonly remoteAddress: string;
  readonly readOnlyIntent: boolean;
}

/** System databases with their ids. */
export const systemDatabases: readonly { readonly id: number; readonly name: string }[] = [
  { id: 1, name: 'master' },
  { id: 2, name: 'tempdb' },
  { id: 3, name: 'model' },
  { id: 4, name: 'msdb' },
];

export const sameName = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase();

export const isSystemDatabase = (name: string): boolean =>
  systemDatabases.some((database) => sameName(database.name, name));

export class SessionContext {
  /** Current database, spelled as it was created. */
  database = 'master';
  /** Text of the batch that runs, for the effect journal and the DMVs. */
  text = '';
  openTransactions = 0;
  readonly loginTime: number;
  lastRequestStart: number;
  lastRequestEnd: number;
  masterKeyOpen = false;
  sessionTraceFlags = new Set<number>();

  constructor(
    readonly world: EstateWorld,
    readonly instanceName: string,
    readonly state: ServerState,
    readonly spid: number,
    readonly loginName: string,
    readonly client: ClientFacts,
  ) {
    this.loginTime = world.clock.now();
    this.lastRequestStart = this.loginTime;
    this.lastRequestEnd = this.loginTime;
  }

  get instance(): Instance {
    return this.world.instances.get(this.instanceName);
  }

  get managedInstance(): boolean {
    return this.instance.kind === 'managed-instance';
  }

  /**
   * Generation of the engine, which decides what views, columns and clauses there are. A managed instance calls itself
   * 12.0 and has the catalog of its update policy.
   */
  get major(): number {
    const { version } = this.instance;
    if (!this.managedInstance) return version.major;
    return version.year >= 2025 ? 17 : 16;
  }

  get login(): Login | undefined {
    return this.instance.logins.get(this.loginName.toLowerCase());
  }

  get isSysadmin(): boolean {
    return this.login?.roles.has('sysadmin') ?? false;
  }

  /** True for sysadmin, CONTROL SERVER, the permission itself, or one that implies it. */
  may(permission: string): boolean {
    const login = this.login;
    if (login === undefined) return false;
    const has = new Set([...login.permissions, ...this.ofRoles(login)]);
    if (this.isSysadmin || has.has('CONTROL SERVER') || has.has(permission)) return true;
    return (impliedBy[permission] ?? []).some(
      (stronger) => has.has(stronger) || login.roles.has(stronger.toLowerCase()),
    );
  }

  /** Permissions of the user-defined server roles that a login is a member of, directly or by another role. */
  private ofRoles(login: Login): readonly string[] {
    const roles = new Set(login.roles);
    // A set is walked to its end, also to what is added meanwhile.
    for (const role of roles) for (const outer of this.state.rolesOfRoles.get(role) ?? []) roles.add(outer);
    return this.state.permissions
      .filter(
        ({ scope, state, principal }) =>
          scope === 'server' && state !== 'DENY' && roles.has(principal.toLowerCase()),
      )
      .map(({ permission }) => permission);
  }

  now(): number {
    return this.world.clock.now();
  }

  databaseId(name: string): number | undefined {
    const system = systemDatabases.find((database) => sameName(database.name, name));
    return system?.id ?? this.world.databases.find(this.instanceName, name)?.databaseId;
  }

  databaseName(id: number): string | undefined {
    const system = systemDatabases.find((database) => database.id === id);
    return system?.name ?? this.userDatabases().find((database) => database.databaseId === id)?.name;
  }

  userDatabases(): readonly Database[] {
    return [...this.instance.databases.values()].sort((left, right) => left.databaseId - right.databaseId);
  }

  /** The user database of that name. @throws 911 */
  userDatabase(name: string): Database {
    const found = this.world.databases.find(this.instanceName, name);
    if (found === undefined) throw serverError(911, [name]);
    return found;
  }
}

const impliedBy: Readonly<Record<string, readonly string[]>> = {
  'VIEW SERVER PERFORMANCE STATE': ['VIEW SERVER STATE', 'ALTER SERVER STATE'],
  'VIEW SERVER SECURITY STATE': ['VIEW SERVER STATE', 'ALTER SERVER STATE'],
  'VIEW SERVER STATE': ['ALTER SERVER STATE', 'serveradmin'],
  'VIEW ANY DEFINITION': ['CONTROL SERVER'],
  'CREATE ANY DATABASE': ['ALTER ANY DATABASE', 'dbcreator'],
  'ALTER ANY DATABASE': ['dbcreator'],
  'ALTER ANY LOGIN': ['securityadmin'],
  'ALTER ANY CONNECTION': ['processadmin'],
  'ALTER SETTINGS': ['serveradmin'],
  'ALTER SERVER STATE': ['serveradmin', 'processadmin'],
  'ALTER ANY LINKED SERVER': ['setupadmin'],
  'CREATE AVAILABILITY GROUP': ['ALTER ANY AVAILABILITY GROUP'],
};
