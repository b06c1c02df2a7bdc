/** Server logins: SQL logins with SQL Server's own hash format, and Entra logins. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { SqlError } from '../sql/errors';
import type { AlterLogin, CreateLogin, Logins } from './api';
import type { Login } from './model';
import { refusals } from './refusals';
import { instanceOf, key, type MutableInstance, type MutableLogin, type WorldState } from './state';

export class WorldLogins implements Logins {
  constructor(private readonly state: WorldState) {}

  checkPassword(instance: string, name: string, password: string): boolean {
    const hash = this.find(instance, name)?.passwordHash;
    if (!hash) return false;
    const expected = hashPassword(password, hash.subarray(2, 6));
    return expected.length === hash.length && timingSafeEqual(expected, hash);
  }

  authenticate(instance: string, name: string, password: string): Login {
    const login = this.find(instance, name);
    if (!login || login.type !== 'sql') throw loginFailed(name, 5);
    if (!this.checkPassword(instance, name, password)) throw loginFailed(name, login.disabled ? 7 : 8);
    if (login.disabled) {
      throw new SqlError(18470, `Login failed for user '${name}'. Reason: The account is disabled.`, {
        severity: 14,
      });
    }
    if (login.connectDenied || login.connectRevoked) throw loginFailed(name, 149);
    return login;
  }

  create(instanceName: string, request: CreateLogin): Login {
    const instance = instanceOf(this.state, instanceName);
    if (instance.logins.has(key(request.name))) {
      throw new SqlError(15025, `The server principal '${request.name}' already exists.`);
    }
    const sid = request.sid ?? this.newSid(request.type);
    if (sidTaken(instance, sid)) throw new SqlError(15433, 'Supplied parameter sid is in use.');
    const now = this.state.clock.now();
    const login: MutableLogin = {
      name: request.name,
      principalId: instance.nextPrincipalId++,
      sid,
      type: request.type ?? 'sql',
      disabled: false,
      connectDenied: false,
      connectRevoked: false,
      policyChecked: request.policyChecked ?? true,
      expirationChecked: request.expirationChecked ?? false,
      defaultDatabase: request.defaultDatabase ?? 'master',
      defaultLanguage: request.defaultLanguage ?? 'us_english',
      roles: new Set(),
      permissions: new Set(),
      createdAt: now,
      modifiedAt: now,
    };
    const hash = this.hashOf(request);
    if (hash && login.type === 'sql') login.passwordHash = hash;
    instance.logins.set(key(login.name), login);
    this.state.journal.mark(`create login ${login.name} on ${instance.name}`);
    return login;
  }

  alter(instanceName: string, name: string, change: AlterLogin): Login {
    const instance = instanceOf(this.state, instanceName);
    const login = this.existing(instanceName, name);
    const hash = this.hashOf(change);
    const before = describe(login);
    if (change.name !== undefined) this.rename(instance, login, change.name);
    if (hash) login.passwordHash = hash;
    login.disabled = change.disabled ?? login.disabled;
    login.connectDenied = change.connectDenied ?? login.connectDenied;
    login.connectRevoked = change.connectRevoked ?? login.connectRevoked;
    login.policyChecked = change.policyChecked ?? login.policyChecked;
    login.expirationChecked = change.expirationChecked ?? login.expirationChecked;
    login.defaultDatabase = change.defaultDatabase ?? login.defaultDatabase;
    login.defaultLanguage = change.defaultLanguage ?? login.defaultLanguage;
    if (describe(login) === before && !hash) return login;
    login.modifiedAt = this.state.clock.now();
    this.state.journal.mark(`alter login ${login.name} on ${instance.name}`);
    return login;
  }

  drop(instanceName: string, name: string): void {
    const instance = instanceOf(this.state, instanceName);
    const login = this.existing(instanceName, name, 'drop');
    const connected = [...instance.sessions.values()].some(
      (session) => key(session.login) === key(login.name),
    );
    if (connected) {
      throw new SqlError(15434, `Could not drop login '${login.name}' as the user is currently logged in.`);
    }
    instance.logins.delete(key(name));
    this.state.journal.mark(`drop login ${login.name} on ${instance.name}`);
  }

  setRole(instanceName: string, name: string, role: string, member: boolean): void {
    const login = this.existing(instanceName, name, 'add');
    const wanted = key(role);
    if (login.roles.has(wanted) === member) return;
    if (member) login.roles.add(wanted);
    else login.roles.delete(wanted);
    this.state.journal.mark(
      `${member ? 'add' : 'drop'} member ${login.name} of ${wanted} on ${instanceName}`,
    );
  }

  setPermission(instanceName: string, name: string, permission: string, granted: boolean): void {
    const login = this.existing(instanceName, name, 'find');
    const wanted = permission.toUpperCase();
    if (login.permissions.has(wanted) === granted) return;
    if (granted) login.permissions.add(wanted);
    else login.permissions.delete(wanted);
    this.state.journal.mark(`${granted ? 'grant' : 'revoke'} ${wanted} to ${login.name} on ${instanceName}`);
  }

  private find(instance: string, name: string): MutableLogin | undefined {
    return instanceOf(this.state, instance).logins.get(key(name));
  }

  private existing(instance: string, name: string, verb = 'alter'): MutableLogin {
    const login = this.find(instance, name);
    if (!login) throw refusals.cannotAlterMissing('login', name, verb);
    return login;
  }

  private rename(instance: MutableInstance, login: MutableLogin, name: string): void {
    if (key(name) !== key(login.name) && instance.logins.has(key(name))) {
      throw new SqlError(15025, `The server principal '${name}' already exists.`);
    }
    instance.logins.delete(key(login.name));
    login.name = name;
    instance.logins.set(key(name), login);
  }

  private newSid(type: CreateLogin['type']): Uint8Array {
    return type === 'windows' ? windowsSid(this.state.random.bytes(16)) : this.state.random.bytes(16);
  }

  private hashOf(source: { password?: string; passwordHash?: Uint8Array }): Uint8Array | undefined {
    if (source.passwordHash) return source.passwordHash;
    if (source.password === undefined) return undefined;
    return hashPassword(source.password, this.state.random.bytes(4));
  }
}

/** 0x0200, 4 bytes of salt, SHA-512 of the UTF-16LE password and the salt (SQL Server 2012 and later). */
export function hashPassword(password: string, salt: Uint8Array): Uint8Array {
  const digest = createHash('sha512').update(Buffer.from(password, 'utf16le')).update(salt).digest();
  return Uint8Array.from(Buffer.concat([Buffer.from([2, 0]), salt, digest]));
}

/** S-1-5-21 with the three numbers of a domain and that of the account. */
const windowsSid = (random: Uint8Array): Uint8Array =>
  Uint8Array.from([1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, ...random]);

const loginFailed = (name: string, state: number): SqlError =>
  new SqlError(18456, `Login failed for user '${name}'.`, { severity: 14, state });

const sidTaken = (instance: MutableInstance, sid: Uint8Array): boolean =>
  [...instance.logins.values()].some((login) => Buffer.compare(login.sid, sid) === 0);

const describe = (login: MutableLogin): string =>
  [
    login.name,
    login.disabled,
    login.connectDenied,
    login.connectRevoked,
    login.policyChecked,
    login.expirationChecked,
    login.defaultDatabase,
    login.defaultLanguage,
  ].join('\u0000');
