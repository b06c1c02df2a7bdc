/** The engine's window to the server: one per session. */
import type {
  AdministrativeStatement,
  ObjectName,
  ProcedureCall,
  RowSource,
  ScalarFunction,
  SqlHost,
  StatementOutput,
  TokenCursor,
  TypedValue,
} from '../sql/host';
import type { StorageChange, TableStore } from '../sql/storage';
import { SqlDateTime, ticksFromUnixMs } from '../sql/types';
import { isSystemDatabase, type SessionContext, sameName } from './context';
import { globalVariable } from './functions/globals';
import { scalarFunction } from './functions/scalar';
import { serverError } from './messages/raise';
import { hasDatabaseRole, userIn } from './principals';
import { openProcedure } from './procedures/registry';
import { executeStatement } from './statements/execute';
import { systemStore } from './stores';
import type { ParsedStatement } from './syntax/ast';
import { parseAdministrativeStatement } from './syntax/parse';
import { openView } from './views/registry';
import { openTableFunction } from './views/table-functions';

export class SqlServerHost implements SqlHost {
  /** Ends of the marks that open transactions have set in the logs, by lower-case database. */
  private readonly held = new Map<string, () => void>();
  /** Statements that this host parsed: a cached batch of another session never reaches it. */
  private readonly parsed = new WeakSet<AdministrativeStatement>();

  constructor(readonly context: SessionContext) {}

  get spid(): number {
    return this.context.spid;
  }

  now(): SqlDateTime {
    return new SqlDateTime(ticksFromUnixMs(this.context.now()));
  }

  get currentDatabase(): string {
    return this.context.database;
  }

  use(database: string): void {
    this.context.database = openDatabase(this.context, database);
  }

  view(name: ObjectName): RowSource | undefined {
    if (name.server !== undefined && !sameName(name.server, this.context.instance.serverName))
      return undefined;
    return openView(this.context, name);
  }

  tableFunction(name: ObjectName, args: readonly TypedValue[]): RowSource | undefined {
    return openTableFunction(this.context, name, args);
  }

  scalarFunction(name: ObjectName): ScalarFunction | undefined {
    return scalarFunction(this.context, name);
  }

  globalVariable(name: string): TypedValue | undefined {
    return globalVariable(this.context, name);
  }

  procedure(name: ObjectName): ((call: ProcedureCall) => Promise<number>) | undefined {
    return openProcedure(this.context, name);
  }

  storeForRead(database: string): TableStore {
    const { context } = this;
    if (isSystemDatabase(database)) return systemStore(context, database);
    const found = context.userDatabase(database);
    requireAccess(context, found.name);
    return context.world.databases.storeForRead(
      context.instanceName,
      database,
      context.client.readOnlyIntent,
    );
  }

  storeForWrite(database: string): TableStore {
    const { context } = this;
    if (isSystemDatabase(database)) return systemStore(context, database);
    const found = context.userDatabase(database);
    requireAccess(context, found.name);
    const store = context.world.databases.storeForWrite(context.instanceName, database);
    this.holdLog(found.name);
    return store;
  }

  async commit(database: string, changes: readonly StorageChange[], signal: AbortSignal): Promise<void> {
    if (isSystemDatabase(database)) {
      systemStore(this.context, database).apply(changes);
      return;
    }
    const { world, instanceName } = this.context;
    await world.databases.commit(instanceName, database, changes, undefined, signal);
  }

  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    return this.context.world.clock.sleep(milliseconds, signal);
  }

  parseStatement(tokens: TokenCursor): AdministrativeStatement | undefined {
    const statement = parseAdministrativeStatement(tokens, {
      major: this.context.major,
      managedInstance: this.context.managedInstance,
    });
    if (statement !== undefined) this.parsed.add(statement);
    return statement;
  }

  execute(
    statement: AdministrativeStatement,
    output: StatementOutput,
    signal: AbortSignal,
    evaluate: (expression: unknown) => TypedValue,
  ): Promise<void> {
    if (!this.owns(statement))
      throw new Error(`a statement of kind ${statement.kind} that this host did not parse`);
    return executeStatement(this.context, statement, { output, signal, evaluate });
  }

  /** Ends the marks of a transaction that is over. */
  releaseLogs(): void {
    for (const release of this.held.values()) release();
    this.held.clear();
  }

  private owns(statement: AdministrativeStatement): statement is ParsedStatement {
    return this.parsed.has(statement);
  }

  /** A transaction that has written keeps the log from being truncated: ACTIVE_TRANSACTION. */
  private holdLog(database: string): void {
    const key = database.toLowerCase();
    if (this.held.has(key)) return;
    this.held.set(key, this.context.world.databases.beginTransaction(this.context.instanceName, database));
  }
}

/** @throws 916 when the login has no user in the database */
const requireAccess = (context: SessionContext, database: string): void => {
  if (userIn(context, database) === undefined) throw serverError(916, [context.loginName, database]);
};

/**
 * Makes a database the session's own.
 * @returns its name as it was created
 * @throws 911, 916, 924, and what a reader of the database would get (927, 942, 976, 978, 983)
 */
export const openDatabase = (context: SessionContext, name: string): string => {
  if (isSystemDatabase(name)) return name.toLowerCase();
  const database = context.userDatabase(name);
  context.world.databases.storeForRead(context.instanceName, name, context.client.readOnlyIntent);
  requireAccess(context, database.name);
  const { userAccess } = database.options;
  if (userAccess === 'SINGLE_USER') {
    const others = [...context.instance.sessions.values()].some(
      (session) => session.spid !== context.spid && sameName(session.database, database.name),
    );
    if (others) throw serverError(924, [database.name]);
  }
  if (
    userAccess === 'RESTRICTED_USER' &&
    !context.isSysadmin &&
    !hasDatabaseRole(context, database.name, 'db_owner')
  ) {
    throw serverError(18451, [context.loginName]);
  }
  return database.name;
};
