/** A world on a manual clock, and sessions of its servers without a socket. */
import { SqlError, SqlErrors } from '../../../estate/sql/errors';
import type { SqlColumn, SqlRow, SqlValue } from '../../../estate/sql/types';
import { SqlServerBackend } from '../../../estate/sqlserver/backend';
import type { TdsMessage, TdsOutput, TdsSession } from '../../../estate/tds/backend';
import type { EstateDefinitionInput } from '../../../estate/world/definition';
import { EstateWorld } from '../../../estate/world/world';

export interface Answer {
  readonly sets: { columns: readonly SqlColumn[]; rows: SqlRow[] }[];
  readonly infos: TdsMessage[];
  readonly errors: TdsMessage[];
  dropped: 'fin' | 'rst' | 'hang' | undefined;
}

export const PASSWORD = 'Ferry!Passw0rd';

/** Rows of a result set as objects. */
export const objects = (answer: Answer, set = 0): Record<string, SqlValue>[] => {
  const found = answer.sets[set];
  if (found === undefined) throw new Error(`there is no result set ${set}`);
  return found.rows.map((row) =>
    Object.fromEntries(found.columns.map((column, index) => [column.name, row[index] ?? null])),
  );
};

export class Client {
  database = '';

  constructor(
    readonly session: TdsSession,
    readonly spid: number,
    readonly state: { terminated: boolean },
  ) {}

  /** Runs a batch; errors are collected, also the one that ends it. */
  async run(sql: string, signal: AbortSignal = new AbortController().signal): Promise<Answer> {
    const answer: Answer = { sets: [], infos: [], errors: [], dropped: undefined };
    try {
      await this.session.execute({ kind: 'batch', sql }, this.output(answer), signal);
    } catch (error) {
      answer.errors.push(...messagesOf(error));
    }
    return answer;
  }

  /** Runs a batch that must not fail. */
  async ok(sql: string): Promise<Answer> {
    const answer = await this.run(sql);
    if (answer.errors.length > 0) {
      throw new Error(
        `${sql.slice(0, 200)}\n${answer.errors.map((error) => `${error.number}: ${error.message}`).join('\n')}`,
      );
    }
    return answer;
  }

  /** Numbers of the errors of a batch, in order. */
  async refusal(sql: string): Promise<number[]> {
    return (await this.run(sql)).errors.map((error) => error.number);
  }

  async rows(sql: string): Promise<Record<string, SqlValue>[]> {
    return objects(await this.ok(sql));
  }

  private output(answer: Answer): TdsOutput {
    return {
      columns: (columns) => answer.sets.push({ columns, rows: [] }),
      row: (row) => {
        answer.sets.at(-1)?.rows.push(row);
      },
      endRows: () => undefined,
      affected: () => undefined,
      info: (message) => answer.infos.push(message),
      error: (message) => answer.errors.push(message),
      useDatabase: (name) => {
        this.database = name;
      },
      outputParameter: () => undefined,
      returnStatus: () => undefined,
      transaction: () => undefined,
      flush: () => undefined,
      drop: (how) => {
        answer.dropped = how;
      },
    };
  }
}

const messagesOf = (error: unknown): TdsMessage[] => {
  if (error instanceof SqlErrors) return error.errors.map((one) => ({ ...one, message: one.message }));
  if (error instanceof SqlError) {
    return [{ number: error.number, severity: error.severity, state: error.state, message: error.message }];
  }
  throw error;
};

export class Rig {
  readonly world: EstateWorld;
  private readonly backends = new Map<string, SqlServerBackend>();
  private nextSpid = 51;

  constructor(definition: EstateDefinitionInput = {}) {
    this.world = EstateWorld.create({ clock: { mode: 'manual' }, ...definition });
  }

  backend(instance: string): SqlServerBackend {
    const found = this.backends.get(instance);
    if (found !== undefined) return found;
    const made = new SqlServerBackend({
      world: this.world,
      instance,
      validateToken: (token) => (token.startsWith('entra:') ? { principal: token.slice(6) } : undefined),
    });
    this.backends.set(instance, made);
    return made;
  }

  /** @returns the verdict's error numbers when the login is refused */
  async login(
    instance: string,
    options: {
      user?: string;
      password?: string;
      database?: string;
      accessToken?: string;
      readOnly?: boolean;
    } = {},
  ): Promise<Client | number[]> {
    const spid = this.nextSpid;
    this.nextSpid += 1;
    const state = { terminated: false };
    const managed = this.world.instances.get(instance).kind === 'managed-instance';
    const verdict = await this.backend(instance).login(
      {
        user: options.user ?? (managed ? 'ferryadmin' : 'sa'),
        password: options.password ?? PASSWORD,
        ...(options.accessToken === undefined ? {} : { accessToken: options.accessToken }),
        database: options.database ?? '',
        hostName: 'test',
        applicationName: 'jest',
        serverName: instance,
        libraryName: 'none',
        readOnlyIntent: options.readOnly ?? false,
        remoteAddress: '127.0.0.1',
      },
      spid,
      () => {
        state.terminated = true;
      },
    );
    if (verdict.kind === 'accepted') return new Client(verdict.session, spid, state);
    if (verdict.kind === 'refused') return verdict.errors.map((error) => error.number);
    return [];
  }

  async connect(instance: string, options: Parameters<Rig['login']>[1] = {}): Promise<Client> {
    const client = await this.login(instance, options);
    if (client instanceof Client) return client;
    throw new Error(`login refused: ${client.join(', ')}`);
  }

  /** Moves simulated time while something runs, until it has ended. */
  async while<T>(work: Promise<T>, stepMs = 1000, limit = 5000): Promise<T> {
    let done = false;
    const watched = work.finally(() => {
      done = true;
    });
    for (let step = 0; !done && step < limit; step += 1) await this.world.clock.advance(stepMs);
    return watched;
  }

  stop(): void {
    this.world.stop();
  }
}
