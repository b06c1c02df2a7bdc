/** One logged-in connection: requests go through the faults to the engine, and show in the DMVs meanwhile. */
import { type SessionOutput, SqlSession } from '../sql/engine';
import { SqlError } from '../sql/errors';
import type { TdsOutput, TdsRequest, TdsSession, TransactionRequest } from '../tds/backend';
import type { SessionContext } from './context';
import { requestText, withFaults } from './faults';
import { SqlServerHost } from './host';
import { serverError } from './messages/raise';

/** First words of a request as sys.dm_exec_requests.command has them. */
const commandOf = (text: string): string => {
  const words = text
    .replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, ' ')
    .trim()
    .toUpperCase()
    .split(/[\s(;]+/);
  const [first = 'SELECT', second = ''] = words;
  const paired = ['BACKUP', 'RESTORE', 'ALTER', 'CREATE', 'DROP'];
  return (paired.includes(first) ? `${first} ${second}` : first).slice(0, 32);
};

export class SqlServerSession implements TdsSession {
  private readonly host: SqlServerHost;
  private readonly engine: SqlSession;
  private readonly loginDatabase: string;
  private closed = false;

  constructor(
    readonly context: SessionContext,
    private readonly onClosed: () => void,
  ) {
    this.loginDatabase = context.database;
    this.host = new SqlServerHost(context);
    this.engine = new SqlSession(this.host);
  }

  get transactionDepth(): number {
    return this.engine.transactionDepth;
  }

  get database(): string {
    return this.context.database;
  }

  async execute(request: TdsRequest, output: TdsOutput, signal: AbortSignal): Promise<void> {
    this.requireAlive();
    const text = requestText(request);
    this.begin(text);
    try {
      await withFaults(this.context, text, output, signal, (to, until) => this.run(request, to, until));
    } finally {
      this.end();
    }
  }

  async transaction(request: TransactionRequest): Promise<void> {
    this.requireAlive();
    try {
      await this.runTransaction(request);
    } finally {
      this.end();
    }
  }

  async reset(keepTransaction: boolean): Promise<void> {
    this.requireAlive();
    this.engine.reset(keepTransaction);
    this.context.database = this.loginDatabase;
    this.context.sessionTraceFlags.clear();
    this.context.masterKeyOpen = false;
    this.end();
  }

  /** Rolls back and forgets the session; also called by KILL and when the instance goes down. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.engine.close();
    this.host.releaseLogs();
    const { world, instanceName, spid } = this.context;
    world.instances.closeSession(instanceName, spid);
    this.onClosed();
  }

  private async run(request: TdsRequest, output: TdsOutput, signal: AbortSignal): Promise<void> {
    switch (request.kind) {
      case 'batch':
        return this.engine.executeBatch(request.sql, output, signal);
      case 'statement':
        await this.engine.executeStatement(request.sql, request.parameters, output, signal);
        return;
      case 'procedure':
        await this.engine.executeProcedure(request.name, request.parameters, output, signal);
        return;
    }
  }

  private async runTransaction(request: TransactionRequest): Promise<void> {
    switch (request.kind) {
      case 'begin':
        return this.engine.beginTransaction(request.name);
      case 'commit':
        return this.engine.commit();
      case 'rollback':
        return this.engine.rollback(request.name);
      case 'save':
        return this.engine.save(request.name);
    }
  }

  private requireAlive(): void {
    if (this.closed) throw serverError(596);
  }

  private begin(text: string): void {
    const { context } = this;
    context.text = text;
    context.lastRequestStart = context.now();
    context.world.instances.updateSession(context.instanceName, context.spid, {
      status: 'running',
      command: commandOf(text),
      text,
      requestStartedAt: context.lastRequestStart,
    });
  }

  private end(): void {
    const { context } = this;
    context.openTransactions = this.engine.transactionDepth;
    if (context.openTransactions === 0) this.host.releaseLogs();
    context.lastRequestEnd = context.now();
    context.world.instances.updateSession(context.instanceName, context.spid, {
      status: 'sleeping',
      database: context.database,
      openTransactions: context.openTransactions,
    });
  }
}

const silent: SessionOutput = {
  columns: () => undefined,
  row: () => undefined,
  endRows: () => undefined,
  affected: () => undefined,
  info: () => undefined,
  error: (message) => {
    throw new SqlError(message.number, message.message, { severity: message.severity, state: message.state });
  },
};

/** Runs one batch in a session of its own and drops what it returns; the first error ends it (SQL Agent steps). */
export const runUnattended = async (
  context: SessionContext,
  database: string,
  sql: string,
  signal: AbortSignal,
): Promise<void> => {
  const host = new SqlServerHost(context);
  const engine = new SqlSession(host);
  context.text = sql;
  try {
    host.use(database);
    await engine.executeBatch(sql, silent, signal);
  } finally {
    engine.close();
    host.releaseLogs();
  }
};
