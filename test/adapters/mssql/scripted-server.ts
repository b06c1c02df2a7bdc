/** A TDS server on a loopback socket whose answers a test writes itself. */
import type { SqlColumn, SqlType, SqlValue } from '../../../estate/sql/types';
import type {
  LoginVerdict,
  TdsBackend,
  TdsLogin,
  TdsMessage,
  TdsOutput,
  TdsRequest,
  TdsSession,
} from '../../../estate/tds/backend';
import { createServerCertificate, type ServerCertificate } from '../../../estate/tds/certificate';
import { TdsServer, type TdsServerOptions } from '../../../estate/tds/server';

export const USER = 'ferry';
export const PASSWORD = 'correct horse battery';

export type Answer = (request: TdsRequest, output: TdsOutput, signal: AbortSignal) => void | Promise<void>;

export class ScriptedServer implements TdsBackend {
  readonly identity = {
    serverName: 'SQL1',
    programName: 'Microsoft SQL Server',
    version: { major: 16, minor: 0, build: 4165, revision: 4 },
    fedAuth: { stsUrl: 'https://login.example/tenant', spn: 'https://database.windows.net/' },
  };
  readonly logins: TdsLogin[] = [];
  readonly requests: TdsRequest[] = [];
  answer: Answer = () => undefined;
  verdict: (login: TdsLogin) => LoginVerdict | undefined = () => undefined;
  password = PASSWORD;
  private readonly server: TdsServer;

  private constructor(options: Omit<TdsServerOptions, 'backend'>) {
    this.server = new TdsServer({ ...options, backend: this });
  }

  port = 0;

  /** @param port 0 = any free one */
  static async start(options: Omit<TdsServerOptions, 'backend'> = {}, port = 0): Promise<ScriptedServer> {
    const scripted = new ScriptedServer(options);
    scripted.port = (await scripted.server.listen(port, '127.0.0.1')).port;
    return scripted;
  }

  close(): Promise<void> {
    return this.server.close();
  }

  get connectionCount(): number {
    return this.server.connectionCount;
  }

  async login(login: TdsLogin): Promise<LoginVerdict> {
    this.logins.push(login);
    const verdict = this.verdict(login);
    if (verdict !== undefined) return verdict;
    const known = login.accessToken?.startsWith('token-') ?? login.password === this.password;
    if (!known)
      return { kind: 'refused', errors: [message(18456, `Login failed for user '${login.user}'.`, 14)] };
    return { kind: 'accepted', session: this.session(login.database) };
  }

  private session(database: string): TdsSession {
    return {
      transactionDepth: 0,
      database,
      execute: async (request, output, signal) => {
        const isSetUp = request.kind === 'batch' && request.sql.startsWith('set ansi_nulls');
        if (isSetUp) return;
        this.requests.push(request);
        await this.answer(request, output, signal);
      },
      transaction: async () => undefined,
      reset: async () => undefined,
      close: () => undefined,
    };
  }
}

export const message = (number: number, text: string, severity = 16, state = 1): TdsMessage => ({
  number,
  severity,
  state,
  message: text,
});

export const NVARCHAR: SqlType = { kind: 'nvarchar', length: 4000 };
export const BIGINT: SqlType = { kind: 'bigint' };

export function rows(
  output: TdsOutput,
  columns: Readonly<Record<string, SqlType>>,
  ...values: readonly SqlValue[][]
): void {
  output.columns(Object.entries(columns).map(([name, type]): SqlColumn => ({ name, type, nullable: true })));
  for (const row of values) void output.row(row);
  output.endRows();
}

/** Waits for the client to give up, as a server does that is busy. */
export const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

export const serverCertificate = (
  dnsName: string,
  ipAddresses: readonly string[] = [],
): Promise<ServerCertificate> =>
  createServerCertificate({
    commonName: dnsName,
    dnsNames: [dnsName],
    ipAddresses,
    notBefore: new Date(Date.now() - 86_400_000),
    notAfter: new Date(Date.now() + 86_400_000),
  });
