import type { Query } from '../model/statement';

interface QueryOptions {
  /** Values by parameter name without @. Text travels as nvarchar, whole numbers as int or bigint. */
  readonly parameters?: Readonly<Record<string, string | number>>;
  /** Database context; `master` by default. */
  readonly database?: string;
}

/** One read as a value. @param id stable name, kebab-case */
export function query<Row>(
  id: string,
  text: string,
  decode: Query<Row>['decode'],
  options: QueryOptions = {},
): Query<Row> {
  return {
    id,
    text: text.trim(),
    decode,
    parameters: options.parameters ?? {},
    database: options.database ?? 'master',
  };
}

/**
 * A list as parameters, since RPC parameters hold one value each.
 * @returns the text for `IN (...)` and the parameters; an empty list matches nothing
 */
export function listParameter(
  name: string,
  values: readonly string[],
): { readonly text: string; readonly parameters: Readonly<Record<string, string>> } {
  const parameters = Object.fromEntries(values.map((value, index) => [`${name}${index}`, value]));
  const names = Object.keys(parameters).map((parameter) => `@${parameter}`);
  return { text: `(${names.length === 0 ? 'NULL' : names.join(', ')})`, parameters };
}
