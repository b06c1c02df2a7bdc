import type { CatalogueEntry } from '../../model/failure';
import { findEntry } from './catalogue';
import { UNKNOWN_AZURE, UNKNOWN_SQL } from './own';

/** Plain data of a failure, as the adapters' SqlServerFailure and AzureFailure carry it. */
export interface SqlFailureLike {
  /** All errors of the request, the cause first. */
  readonly errors: readonly {
    readonly number: number;
    readonly severity: number;
    readonly message: string;
  }[];
  readonly transport?: string | undefined;
  readonly message?: string;
}

export interface AzureFailureLike {
  /** HTTP status; undefined when no answer came. */
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly transport?: string | undefined;
  readonly message?: string;
}

export interface Classification {
  readonly entry: CatalogueEntry;
  /** What was judged, in one sentence; free of secrets as the failure is. */
  readonly evidence: string;
}

/** Summaries that come with, or after, the error that says why. */
const SUMMARIES: ReadonlySet<number> = new Set([
  1474, 3013, 3041, 3621, 5069, 35207, 35279, 41152, 41153, 41158, 41159, 41160, 41188, 41189, 47504,
]);

/** Names a failure. Looks at all errors of a request: the last is often only a summary. */
export function classify(failure: SqlFailureLike | AzureFailureLike): Classification {
  return 'errors' in failure ? classifySql(failure) : classifyAzure(failure);
}

function classifySql({ errors, transport, message }: SqlFailureLike): Classification {
  const evidence = errors.map((error) => `${error.number}: ${error.message}`).join('; ');
  const known = errors.flatMap(({ number }) => {
    const entry = findEntry(number);
    return entry === undefined ? [] : [{ entry, number }];
  });
  const cause = known.filter(
    ({ number, entry }) => !SUMMARIES.has(number) && entry.reaction !== 'informational',
  );
  // An error that is not known says more than the summary of it.
  const unknown = errors.find((error) => findEntry(error.number) === undefined && error.severity > 10);
  if (cause[0] !== undefined) return { entry: cause[0].entry, evidence };
  if (unknown !== undefined) return { entry: byTransport(transport) ?? bySeverity(errors), evidence };
  if (known[0] !== undefined) return { entry: known[0].entry, evidence };
  if (errors.length > 0) return { entry: bySeverity(errors), evidence };
  return {
    entry: byTransport(transport) ?? UNKNOWN_SQL.person,
    evidence: message ?? transport ?? 'no error was reported',
  };
}

/** Severity 20 and above ends the connection; 17 to 19 are resources that a person must look after. */
function bySeverity(errors: SqlFailureLike['errors']): CatalogueEntry {
  const worst = Math.max(...errors.map(({ severity }) => severity));
  if (worst >= 20) return UNKNOWN_SQL.retry;
  return worst >= 17 ? UNKNOWN_SQL.resource : UNKNOWN_SQL.person;
}

function classifyAzure({ status, code, transport, message }: AzureFailureLike): Classification {
  const told = message === undefined ? '' : `: ${message}`;
  const evidence = `HTTP ${status ?? 'without an answer'}${code === undefined ? '' : `, ${code}`}${told}`;
  const entry = code === undefined ? undefined : findEntry(code);
  return {
    entry:
      entry ?? byStatus(status) ?? byIdentity(transport) ?? byTransport(transport) ?? UNKNOWN_AZURE.person,
    evidence,
  };
}

function byStatus(status: number | undefined): CatalogueEntry | undefined {
  if (status === undefined || status < 400) return undefined;
  if (status === 401 || status === 403) return UNKNOWN_AZURE.identity;
  if (status === 408 || status === 429) return UNKNOWN_AZURE.throttled;
  return status === 409 || status >= 500 ? UNKNOWN_AZURE.retry : UNKNOWN_AZURE.person;
}

/** Without a token there is no answer of Azure: Entra ID refused the credential, not a server its login. */
const byIdentity = (transport: string | undefined): CatalogueEntry | undefined =>
  transport === 'login-failed' ? findEntry('unauthorized') : undefined;

const byTransport = (transport: string | undefined): CatalogueEntry | undefined =>
  transport === undefined ? undefined : findEntry(transport);
