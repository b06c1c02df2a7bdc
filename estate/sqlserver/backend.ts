/** One simulated SQL Server or managed instance behind a TDS server: logins, sessions, identity. */
import { SqlError, SqlErrors } from '../sql/errors';
import type { LoginVerdict, TdsBackend, TdsLogin, TdsMessage, TdsServerIdentity } from '../tds/backend';
import type { Login } from '../world/model';
import type { EstateWorld } from '../world/world';
import { SessionContext } from './context';
import { openDatabase } from './host';
import { asMessage, serverError } from './messages/raise';
import { ServerState } from './server-state';
import { runUnattended, SqlServerSession } from './session';

export interface SqlServerBackendOptions {
  readonly world: EstateWorld;
  /** Name of the instance in the world. */
  readonly instance: string;
  /**
   * Checks an Entra access token and names the principal it stands for.
   * Absent: no token is accepted. @returns undefined when the token is not valid here
   */
  readonly validateToken?: (token: string) => { readonly principal: string } | undefined;
  /** Security token service that clients are sent to. */
  readonly stsUrl?: string;
}

/** System sessions have ids up to 50. */
const agentSpid = 48;

/** A managed instance reports engine version 12.0.2000.8, whatever runs underneath. */
const managedVersion = { major: 12, minor: 0, build: 2000, revision: 8 };

export class SqlServerBackend implements TdsBackend {
  readonly state = new ServerState();
  private readonly sessions = new Set<SqlServerSession>();

  constructor(private readonly options: SqlServerBackendOptions) {
    this.state.runAs = (login, database, sql, signal) => this.runAs(login, database, sql, signal);
  }

  get identity(): TdsServerIdentity {
    const instance = this.options.world.instances.get(this.options.instance);
    const { major, minor, build, revision } = instance.version;
    const managed = instance.kind === 'managed-instance';
    return {
      serverName: instance.serverName,
      programName: 'Microsoft SQL Server',
      version: managed ? managedVersion : { major, minor, build, revision },
      ...(managed && this.options.validateToken !== undefined
        ? {
            fedAuth: {
              stsUrl: this.options.stsUrl ?? 'https://login.windows.net/common',
              spn: 'https://database.windows.net/',
            },
          }
        : {}),
    };
  }

  /** Number of sessions logged in now. */
  get sessionCount(): number {
    return this.sessions.size;
  }

  async login(login: TdsLogin, spid: number, terminate: () => void): Promise<LoginVerdict> {
    const { world, instance } = this.options;
    const fault = world.faults.matchLogin({ instance, login: login.user });
    if (fault?.kind === 'drop') return { kind: 'dropped', how: fault.how };
    if (fault?.kind === 'error') {
      const message = fault.message ?? `Login failed for user '${login.user}'.`;
      return refused([{ number: fault.number, severity: fault.severity, state: fault.state, message }]);
    }
    if (fault?.kind === 'slow') await world.clock.sleep(fault.ms);
    if (world.instances.get(instance).state !== 'running') return { kind: 'dropped', how: 'rst' };
    return this.admit(login, spid, terminate);
  }

  private admit(login: TdsLogin, spid: number, terminate: () => void): LoginVerdict {
    const { world, instance } = this.options;
    const limit = this.state.configuration('user connections')?.valueInUse ?? 0;
    if (limit > 0 && this.sessions.size >= limit) return refused([asMessage(serverError(17809, [limit]))]);
    try {
      const principal = this.authenticate(login);
      const context = new SessionContext(world, instance, this.state, spid, principal.name, {
        hostName: login.hostName,
        applicationName: login.applicationName,
        libraryName: login.libraryName,
        remoteAddress: login.remoteAddress,
        readOnlyIntent: login.readOnlyIntent,
      });
      this.enterDatabase(context, login, principal);
      return { kind: 'accepted', session: this.open(context, terminate) };
    } catch (error) {
      return refused(messagesOf(error));
    }
  }

  private open(context: SessionContext, terminate: () => void): SqlServerSession {
    const session: SqlServerSession = new SqlServerSession(context, () => this.sessions.delete(session));
    const { client } = context;
    context.world.instances.openSession(context.instanceName, {
      spid: context.spid,
      login: context.loginName,
      hostName: client.hostName,
      applicationName: client.applicationName,
      database: context.database,
      terminate: () => {
        session.close();
        terminate();
      },
    });
    this.sessions.add(session);
    return session;
  }

  /** SQL Agent's own session; `sa` stands for any sysadmin, as its SID does. */
  private runAs(login: string, database: string, sql: string, signal: AbortSignal): Promise<void> {
    const { world, instance } = this.options;
    const { logins } = world.instances.get(instance);
    const owner =
      logins.get(login.toLowerCase()) ?? [...logins.values()].find((entry) => entry.roles.has('sysadmin'));
    const context = new SessionContext(world, instance, this.state, agentSpid, owner?.name ?? login, {
      hostName: instance,
      applicationName: 'SQLAgent - TSQL JobStep',
      libraryName: '',
      remoteAddress: '<local machine>',
      readOnlyIntent: false,
    });
    return runUnattended(context, database, sql, signal);
  }

  /** @throws SqlError 18456, 18470, 18452. The wire says state 1; the error log has the true one. */
  private authenticate(login: TdsLogin): Login {
    const { world, instance } = this.options;
    if (login.accessToken !== undefined) return this.authenticateToken(login.accessToken);
    if (login.user === '') throw serverError(18452);
    try {
      return world.logins.authenticate(instance, login.user, login.password);
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      this.logFailure(login, error);
      throw error.number === 18456 ? serverError(18456, [login.user]) : error;
    }
  }

  private authenticateToken(token: string): Login {
    const { world, instance, validateToken } = this.options;
    const found = world.instances.get(instance);
    const principal = validateToken?.(token)?.principal;
    const login = principal === undefined ? undefined : found.logins.get(principal.toLowerCase());
    if (login === undefined || login.type !== 'entra')
      throw serverError(18456, ['<token-identified principal>']);
    if (login.disabled) throw serverError(18470, [login.name]);
    return login;
  }

  private logFailure(login: TdsLogin, error: SqlError): void {
    const { world, instance } = this.options;
    world.instances.writeErrorLog(
      instance,
      'Logon',
      `Error: ${error.number}, Severity: 14, State: ${error.state}.`,
    );
    world.instances.writeErrorLog(
      instance,
      'Logon',
      `Login failed for user '${login.user}'. Reason: ${reason(error.state)} [CLIENT: ${login.remoteAddress}]`,
    );
  }

  /** @throws SqlErrors 4060 (or 4064 for the default database) and 18456, after the cause where clients see one */
  private enterDatabase(context: SessionContext, login: TdsLogin, principal: Login): void {
    const wanted = login.database === '' ? principal.defaultDatabase : login.database;
    try {
      context.database = openDatabase(context, wanted);
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      const failed = serverError(18456, [principal.name]);
      const cannotOpen = login.database === '' ? serverError(4064) : serverError(4060, [wanted]);
      const shown = availabilityCauses.has(error.number) ? [error, cannotOpen, failed] : [cannotOpen, failed];
      throw new SqlErrors(shown);
    }
  }
}

/** Availability replicas say at login why they cannot be entered. */
const availabilityCauses = new Set([976, 978, 979, 983]);

/** Words of the error log for the states of 18456 (MSSQLSERVER_18456). */
const reason = (state: number): string => {
  switch (state) {
    case 5:
      return 'Could not find a login matching the name provided.';
    case 7:
      return 'An error occurred while evaluating the password.';
    case 8:
      return 'Password did not match that for the login provided.';
    default:
      return 'Login-based server access validation failed with an infrastructure error.';
  }
};

const refused = (errors: readonly TdsMessage[]): LoginVerdict => ({ kind: 'refused', errors });

const messagesOf = (error: unknown): TdsMessage[] => {
  if (error instanceof SqlErrors) return error.errors.map(asMessage);
  if (error instanceof SqlError) return [asMessage(error)];
  throw error;
};
