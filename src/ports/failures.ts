/** What adapters throw: typed, free of secrets, with the evidence that the error catalogue classifies. */

export interface ServerErrorDetail {
  readonly number: number;
  readonly severity: number;
  readonly state: number;
  readonly message: string;
}

/** Why a request failed before or beside a server error. */
export type TransportProblem =
  | 'unreachable'
  | 'timeout'
  | 'connection-lost'
  | 'tls'
  | 'login-failed'
  | 'cancelled'
  | 'throttled'
  | 'unauthorized';

export class SqlServerFailure extends Error {
  override readonly name = 'SqlServerFailure';
  constructor(
    readonly server: string,
    /** Builder id of the statement or query that failed; `connect` for the connection itself. */
    readonly statementId: string,
    /** All errors of the request, the cause first. Empty for a pure transport problem. */
    readonly errors: readonly ServerErrorDetail[],
    readonly transport: TransportProblem | undefined,
    message: string,
  ) {
    super(message);
  }
}

export class AzureFailure extends Error {
  override readonly name = 'AzureFailure';
  constructor(
    /** For example `put-link`. */
    readonly operation: string,
    /** HTTP status; undefined when no answer came. */
    readonly status: number | undefined,
    /** Code of the ARM error body, for example ManagedInstanceLinkIsNotFound. */
    readonly code: string | undefined,
    readonly transport: TransportProblem | undefined,
    readonly retryAfterMs: number | undefined,
    message: string,
  ) {
    super(message);
  }
}

/** A secret could not be read. Names the reference, never the value. */
export class SecretFailure extends Error {
  override readonly name = 'SecretFailure';
  constructor(
    readonly reference: string,
    message: string,
  ) {
    super(message);
  }
}

/** A setting of the inventory that cannot be used, for example a file that is not there. */
export class SettingFailure extends Error {
  override readonly name = 'SettingFailure';
  constructor(
    /** For example `azure.caFile`. */
    readonly setting: string,
    message: string,
  ) {
    super(message);
  }
}
