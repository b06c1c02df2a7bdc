import type { Inventory } from '../inventory';
import {
  type LocateField,
  parseSpec,
  type SpecKind,
  type SpecProblem,
  type SpecResult,
  toProblem,
} from '../spec-file';
import type { SpecIssue } from '../spec-issue';
import { nearest } from '../suggest';
import { type GroupReplica, type LinkSpec, linkNames, linkSchema, type ResolvedLink } from './spec';
import { checkLink } from './spec-check';

export const LINK_KIND: SpecKind<typeof linkSchema> = {
  kind: 'Link',
  schema: linkSchema,
  check: checkLink,
};

/** Reads the text of migration.yaml. */
export function parseLink(text: string, file: string): SpecResult<LinkSpec> {
  return parseSpec(text, file, LINK_KIND);
}

export type ResolveResult =
  | { readonly ok: true; readonly value: ResolvedLink }
  | { readonly ok: false; readonly problems: readonly SpecProblem[] };

const NOWHERE: LocateField = () => ({ file: 'migration', line: 1, column: 1 });

/**
 * Joins a migration with the inventory entries that it names.
 * @param locate places of the migration's fields, as parseLinkMigration returns it; without it problems name line 1
 */
export function resolveLink(
  inventory: Inventory,
  migration: LinkSpec,
  locate: LocateField = NOWHERE,
): ResolveResult {
  const server = own(inventory.sqlServers, migration.server);
  const instance = own(inventory.managedInstances, migration.instance);
  // Asked again here: a migration may come from a caller that only validated its fields.
  const issues: SpecIssue[] = [...checkLink(migration)];
  if (server === undefined) {
    const known = Object.keys(inventory.sqlServers);
    issues.push(unknownInstance('server', migration.server, 'SQL Server', 'sqlServers', known));
  }
  if (instance === undefined) {
    const known = Object.keys(inventory.managedInstances);
    issues.push(
      unknownInstance('instance', migration.instance, 'managed instance', 'managedInstances', known),
    );
  }
  const replicas = (migration.link.replicas ?? []).flatMap((name, index): readonly GroupReplica[] => {
    const server = own(inventory.sqlServers, name);
    if (server !== undefined) return [{ name, server }];
    const known = Object.keys(inventory.sqlServers);
    const { message, ...rest } = unknownInstance('replicas', name, 'SQL Server', 'sqlServers', known);
    issues.push({ ...rest, message, path: ['link', 'replicas', index] });
    return [];
  });
  if (server === undefined || instance === undefined || issues.length > 0) {
    const problems = issues.map((issue) => {
      const { file, ...position } = locate(issue.path);
      return toProblem(file, issue, position);
    });
    return { ok: false, problems };
  }
  const value = {
    kind: 'link',
    version: 1,
    settings: migration,
    names: linkNames(migration),
    server,
    instance,
    azure: inventory.azure,
    ...(replicas.length === 0 ? {} : { replicas }),
  } as const;
  return { ok: true, value };
}

function unknownInstance(
  field: string,
  name: string,
  what: string,
  block: string,
  known: readonly string[],
): SpecIssue {
  const near = nearest(name, known)[0];
  const list = known.length === 0 ? `The inventory has no ${block}.` : `Known are: ${known.join(', ')}.`;
  const remedy = near === undefined ? list : `Did you mean "${near}"?`;
  return { path: [field], message: `the inventory has no ${what} named "${name}" under ${block}`, remedy };
}

/** `constructor` and the like are no instances. */
function own<T>(entries: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(entries, name) ? entries[name] : undefined;
}
