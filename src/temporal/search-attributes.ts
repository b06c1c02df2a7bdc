/** Makes the search attributes known to a namespace. */
import type { Connection } from '@temporalio/client';

/** Names of search-attribute-keys.ts; all are Keyword. Kept apart from the keys to start a server without the SDK. */
export const SEARCH_ATTRIBUTE_NAMES = [
  'SqlferryDatabase',
  'SqlferryInstance',
  'SqlferryTopology',
  'SqlferryPhase',
] as const;

export type SearchAttributeName = (typeof SEARCH_ATTRIBUTE_NAMES)[number];

export interface SearchAttributesReport {
  /** True when workflows may use all of them: else a start that carries one is refused by the server. */
  readonly usable: boolean;
  /** What is missing and why; empty when usable. */
  readonly reason: string;
}

/** temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD */
const KEYWORD = 2;

/**
 * Adds what the namespace lacks. Idempotent; never throws: a person who may not change the namespace (Temporal Cloud
 * has the operator service switched off for clients) gets a run without search attributes.
 */
export async function ensureSearchAttributes(
  connection: Pick<Connection, 'operatorService'>,
  namespace: string,
): Promise<SearchAttributesReport> {
  try {
    const missing = await missingAttributes(connection, namespace);
    if (missing.length > 0) await add(connection, namespace, missing);
    return { usable: true, reason: '' };
  } catch (error) {
    return afterFailure(connection, namespace, error);
  }
}

/** Two processes may add at the same time: what counts is whether they are there now. */
async function afterFailure(
  connection: Pick<Connection, 'operatorService'>,
  namespace: string,
  error: unknown,
): Promise<SearchAttributesReport> {
  const reason = error instanceof Error ? error.message : String(error);
  try {
    const missing = await missingAttributes(connection, namespace);
    if (missing.length === 0) return { usable: true, reason: '' };
    return { usable: false, reason: `${missing.join(', ')} could not be added: ${reason}` };
  } catch {
    return { usable: false, reason: `search attributes could not be read: ${reason}` };
  }
}

async function missingAttributes(
  connection: Pick<Connection, 'operatorService'>,
  namespace: string,
): Promise<readonly SearchAttributeName[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return SEARCH_ATTRIBUTE_NAMES.filter((name) => customAttributes?.[name] !== KEYWORD);
}

async function add(
  connection: Pick<Connection, 'operatorService'>,
  namespace: string,
  names: readonly SearchAttributeName[],
): Promise<void> {
  const searchAttributes = Object.fromEntries(names.map((name) => [name, KEYWORD]));
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
}
