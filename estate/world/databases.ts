/** Databases of an instance: state, options, users, and the way of a transaction into the log and the tables. */
import { SqlError } from '../sql/errors';
import type { StorageChange, TableStore } from '../sql/storage';
import type { CreateDatabase, Databases } from './api';
import { makeCopy } from './copies';
import { estimateLogBytes } from './log';
import type { CommitResult, Database, DatabaseOptions, LoggedCommit, LogStatus } from './model';
import { refusals } from './refusals';
import { readRefusal, writeRefusal } from './roles';
import {
  type DatabaseCopy,
  instanceOf,
  key,
  type MutableInstance,
  type MutableUser,
  type WorldState,
} from './state';

/** Options that a database in an availability group refuses to change (1468). */
const FROZEN_IN_GROUP: readonly (keyof DatabaseOptions)[] = [
  'recoveryModel',
  'userAccess',
  'readOnly',
  'autoClose',
];

export class WorldDatabases implements Databases {
  constructor(private readonly state: WorldState) {}

  get(instance: string, database: string): DatabaseCopy {
    const copy = this.find(instance, database);
    if (!copy) throw refusals.databaseMissing(database);
    return copy;
  }

  find(instance: string, database: string): DatabaseCopy | undefined {
    return instanceOf(this.state, instance).databases.get(key(database));
  }

  create(instanceName: string, request: CreateDatabase): Database {
    const instance = instanceOf(this.state, instanceName);
    if (instance.databases.has(key(request.name))) throw refusals.databaseExists(request.name);
    const copy = makeCopy(this.state, instance, request);
    instance.databases.set(key(copy.name), copy);
    this.state.journal.mark(`create database ${copy.name} on ${instance.name}`);
    return copy;
  }

  drop(instanceName: string, database: string): void {
    const instance = instanceOf(this.state, instanceName);
    const copy = instance.databases.get(key(database));
    if (!copy) throw refusals.cannotDropMissing('database', database);
    if (copy.groupName !== undefined) throw refusals.databaseInGroupDrop(copy.name);
    copy.epoch += 1;
    instance.databases.delete(key(database));
    this.state.journal.mark(`drop database ${copy.name} on ${instance.name}`);
  }

  setOptions(instance: string, database: string, options: Partial<DatabaseOptions>): void {
    const copy = this.get(instance, database);
    const changed = Object.entries(options).filter(
      ([name, value]) => Reflect.get(copy.options, name) !== value,
    );
    if (changed.length === 0) return;
    const frozen = changed.some(([name]) => FROZEN_IN_GROUP.some((option) => option === name));
    if (copy.groupName !== undefined && frozen) throw refusals.databaseInGroup(copy.name);
    copy.log.settle(this.state.clock.now());
    copy.options = { ...copy.options, ...options };
    // Leaving FULL breaks the log chain; it begins again with the next full backup (1475, 4214).
    if (copy.options.recoveryModel === 'SIMPLE') {
      delete copy.chainFrom;
      copy.log.keepsChain = false;
      copy.log.truncate();
    }
    this.state.journal.mark(
      `alter database ${copy.name} on ${instance}: ${changed.map(([name]) => name).join(', ')}`,
    );
  }

  setOnline(instance: string, database: string, online: boolean): void {
    const copy = this.get(instance, database);
    if (copy.groupName !== undefined) throw refusals.databaseInGroup(copy.name);
    const state = online ? 'ONLINE' : 'OFFLINE';
    if (copy.state === state) return;
    if (online && copy.state !== 'OFFLINE') throw refusals.restoring(copy.name);
    copy.state = state;
    copy.epoch += online ? 0 : 1;
    this.state.journal.mark(`database ${copy.name} on ${instance} ${state.toLowerCase()}`);
  }

  resizeLog(instance: string, database: string, sizeBytes?: number, maxSizeBytes?: number): void {
    const { log, name } = this.get(instance, database);
    log.settle(this.state.clock.now());
    log.maxSizeBytes = maxSizeBytes ?? log.maxSizeBytes;
    log.sizeBytes = Math.max(sizeBytes ?? log.sizeBytes, log.usedBytes);
    this.state.journal.mark(`log of ${name} on ${instance} resized`);
  }

  recover(instance: string, database: string): void {
    const copy = this.get(instance, database);
    if (copy.groupName !== undefined) {
      throw new SqlError(
        3104,
        `RESTORE cannot operate on database '${copy.name}' because it is configured for database mirroring or has joined an availability group. If you intend to restore the database, use ALTER DATABASE to remove mirroring or to remove the database from its availability group.`,
      );
    }
    if (copy.state !== 'RESTORING') return;
    copy.state = 'ONLINE';
    copy.log.restartCurve(this.state.clock.now());
    this.state.journal.mark(`recover database ${copy.name} on ${instance}`);
  }

  createUser(instance: string, database: string, user: { name: string; sid: Uint8Array }): void {
    const copy = this.writable(instance, database);
    if (copy.users.has(key(user.name))) {
      throw new SqlError(
        15023,
        `User, group, or role '${user.name}' already exists in the current database.`,
      );
    }
    copy.users.set(key(user.name), { ...user, principalId: 5 + copy.users.size, roles: new Set() });
    this.state.journal.mark(`create user ${user.name} in ${copy.name} on ${instance}`);
  }

  alterUserSid(instance: string, database: string, name: string, sid: Uint8Array): void {
    const user = this.user(instance, database, name, 'alter');
    if (Buffer.compare(user.sid, sid) === 0) return;
    user.sid = sid;
    this.state.journal.mark(`alter user ${name} in ${database} on ${instance}`);
  }

  dropUser(instance: string, database: string, name: string): void {
    this.user(instance, database, name, 'drop');
    this.get(instance, database).users.delete(key(name));
    this.state.journal.mark(`drop user ${name} in ${database} on ${instance}`);
  }

  setUserRole(instance: string, database: string, name: string, role: string, member: boolean): void {
    const user = this.user(instance, database, name, 'add');
    if (user.roles.has(key(role)) === member) return;
    if (member) user.roles.add(key(role));
    else user.roles.delete(key(role));
    this.state.journal.mark(`role ${role} of ${name} in ${database} on ${instance}`);
  }

  setSyntheticLogRate(instance: string, database: string, bytesPerSecond: number): void {
    const copy = this.get(instance, database);
    this.settle(copy);
    copy.log.setSyntheticSlope(bytesPerSecond / 1000);
    this.settle(copy);
  }

  setDataMovement(instance: string, database: string, suspended: boolean): void {
    const copy = this.get(instance, database);
    if (copy.groupName === undefined) {
      throw new SqlError(
        35238,
        `Database '${copy.name}' is not joined to an availability group on this instance.`,
      );
    }
    if (copy.dataMovementSuspended === suspended) return;
    copy.dataMovementSuspended = suspended;
    this.state.events.databaseChanged(instance, copy.name);
    this.state.journal.mark(
      `data movement of ${copy.name} on ${instance} ${suspended ? 'suspended' : 'resumed'}`,
    );
  }

  storeForRead(instanceName: string, database: string, readOnlyIntent = false): TableStore {
    const instance = instanceOf(this.state, instanceName);
    const copy = this.get(instanceName, database);
    const refusal = readRefusal(instance, copy, readOnlyIntent);
    if (refusal) throw refusal;
    this.settle(copy);
    return copy.store;
  }

  storeForWrite(instanceName: string, database: string): TableStore {
    const copy = this.writable(instanceName, database);
    this.settle(copy);
    this.refuseFullLog(copy, 0);
    return copy.store;
  }

  async commit(
    instanceName: string,
    database: string,
    changes: readonly StorageChange[],
    bytes = estimateLogBytes(changes),
    signal?: AbortSignal,
  ): Promise<CommitResult> {
    signal?.throwIfAborted();
    const instance = instanceOf(this.state, instanceName);
    if (instance.state !== 'running') throw refusals.serverShutdown();
    const copy = this.writable(instanceName, database);
    this.settle(copy);
    this.refuseFullLog(copy, bytes);
    const record = copy.log.append(changes, bytes);
    const { epoch } = copy;
    // What is in the log is redone by recovery even if the client never hears of it; a copy that was rewound has
    // another store by then.
    const { store } = copy;
    const finish = copy.enqueue(record.position, () => store.apply(changes));
    await this.hardenEverywhere(copy, record.position);
    finish();
    if (copy.epoch !== epoch) throw lostBy(instance, copy);
    return { lsn: record.lsn, at: this.state.clock.now() };
  }

  beginTransaction(instance: string, database: string): () => void {
    const copy = this.get(instance, database);
    this.settle(copy);
    const start = copy.log.end;
    const hold = { reason: 'ACTIVE_TRANSACTION' as const, position: () => start };
    copy.log.holds.add(hold);
    return () => {
      copy.log.holds.delete(hold);
      copy.log.truncate();
    };
  }

  log(instance: string, database: string): LogStatus {
    const copy = this.get(instance, database);
    this.settle(copy);
    copy.log.settle(this.state.clock.now());
    return copy.log.status();
  }

  commits(instance: string, database: string): readonly LoggedCommit[] {
    const copy = this.get(instance, database);
    this.settle(copy);
    return copy.log.commits;
  }

  /** Brings a copy to now, whether its log is its own or comes through a stream. */
  private settle(copy: DatabaseCopy): void {
    settleCopy(this.state, copy);
  }

  private writable(instanceName: string, database: string): DatabaseCopy {
    const copy = this.get(instanceName, database);
    const refusal = writeRefusal(instanceOf(this.state, instanceName), copy);
    if (refusal) throw refusal;
    return copy;
  }

  private refuseFullLog(copy: DatabaseCopy, bytes: number): void {
    copy.log.truncate();
    if (!copy.log.hasRoom(Math.max(bytes, 1))) {
      throw refusals.logFull(copy.name, copy.log.reusable().reason);
    }
  }

  /** Synchronous secondaries acknowledge before the client hears of the commit; asynchronous ones are not waited for. */
  private async hardenEverywhere(copy: DatabaseCopy, position: number): Promise<void> {
    for (const stream of [...copy.streams]) {
      if (stream.mode === 'SYNCHRONOUS_COMMIT' && stream.running)
        await stream.whenReached('hardened', position);
    }
  }

  private user(instance: string, database: string, name: string, verb: string): MutableUser {
    const user = this.writable(instance, database).users.get(key(name));
    if (!user) throw refusals.cannotAlterMissing('user', name, verb);
    return user;
  }
}

/** A copy's own log, and whatever streams into or out of it, brought to now. */
export function settleCopy(state: WorldState, copy: DatabaseCopy): void {
  if (copy.incoming?.running || copy.incoming?.redoing) copy.incoming.settle();
  else copy.log.settle(state.clock.now());
  for (const stream of copy.streams) stream.settle();
}

/** The session's view when its commit was overtaken: the machine went down, or the role did. */
function lostBy(instance: MutableInstance, copy: DatabaseCopy): SqlError {
  if (instance.state !== 'running') return refusals.serverShutdown();
  return writeRefusal(instance, copy) ?? refusals.resolving(copy.name);
}
