/** Connection settings of the inventory in the words of the driver. */
import type { Duplex } from 'node:stream';
import type { config as MssqlConfig } from 'mssql';

export interface ConnectionTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: {
    readonly mode: 'strict' | 'required' | 'off';
    readonly serverName?: string | undefined;
    readonly trustServerCertificate: boolean;
  };
  readonly applicationName: string;
}

/** Opens a connection to the target, in place of the driver. */
export type Connector = (signal: AbortSignal) => Promise<Duplex>;

export type Credentials =
  | { readonly type: 'sql'; readonly user: string; readonly password: string }
  /** Called for each new connection, so that none is opened with an expired token. */
  | { readonly type: 'entra'; readonly accessToken: () => Promise<string> };

/** A long backup or failover holds a connection; polls must still find one. */
const MAX_CONNECTIONS = 8;
const IDLE_MS = 60_000;
const CONNECT_TIMEOUT_MS = 15_000;
/** How long the driver waits for the server to acknowledge that a request was cancelled. */
export const CANCEL_TIMEOUT_MS = 2_000;

/**
 * @param connector in place of TCP
 * @param ca PEM of the authority that signed the server's certificate; undefined = the usual roots
 * @returns configuration for one pool. The driver changes parts of it, so it must not be shared.
 */
export function driverConfig(
  target: ConnectionTarget,
  credentials: Credentials,
  ca: string | undefined,
  connector?: Connector,
): MssqlConfig {
  return {
    server: target.host,
    port: target.port,
    database: 'master',
    connectionTimeout: CONNECT_TIMEOUT_MS,
    // The driver's request time-out ends at the first packet of the answer, so the port keeps deadlines itself.
    requestTimeout: 0,
    pool: { max: MAX_CONNECTIONS, min: 0, idleTimeoutMillis: IDLE_MS },
    // Looks at the socket instead of sending a SELECT 1 before each request. A connection that died unseen shows as
    // connection-lost, which callers answer by observing again.
    ...SOCKET_VALIDATION,
    ...authentication(credentials),
    options: {
      appName: target.applicationName,
      useUTC: true,
      enableArithAbort: true,
      cancelTimeout: CANCEL_TIMEOUT_MS,
      // Temporal retries; retries inside the driver would only hide what happened and spend the deadline.
      maxRetriesOnTransientErrors: 0,
      ...(connector === undefined ? {} : { connector: viaConnector(connector) }),
      ...encryption(target.tls, ca),
    },
  } as MssqlConfig;
}

/** The driver gives address, name lookup and signal (tedious 20, `connectOnPort`). */
const viaConnector =
  (connector: Connector) =>
  (_target: unknown, _lookup: unknown, signal: AbortSignal): Promise<Duplex> =>
    connector(signal);

/** mssql 12 knows this setting, its type definitions do not yet. */
const SOCKET_VALIDATION = { validateConnection: 'socket' };

function authentication(credentials: Credentials): Partial<MssqlConfig> | object {
  if (credentials.type === 'sql') return { user: credentials.user, password: credentials.password };
  const getToken = async (): Promise<{ token: string; expiresOnTimestamp: number }> => ({
    token: await credentials.accessToken(),
    // Not used by the driver, which asks anew for each connection; required by the type of Azure credentials.
    expiresOnTimestamp: 0,
  });
  return { authentication: { type: 'token-credential', options: { credential: { getToken } } } };
}

function encryption(tls: ConnectionTarget['tls'], ca: string | undefined): object {
  const name = tls.serverName === undefined ? {} : { serverName: tls.serverName };
  switch (tls.mode) {
    case 'off':
      return { encrypt: false };
    case 'required':
      return {
        encrypt: true,
        trustServerCertificate: tls.trustServerCertificate,
        cryptoCredentialsDetails: ca === undefined ? {} : { ca },
        ...name,
      };
    case 'strict':
      // TDS 8.0 always checks the certificate: trustServerCertificate has no meaning there.
      return { encrypt: 'strict', cryptoCredentialsDetails: ca === undefined ? {} : { ca }, ...name };
  }
}
