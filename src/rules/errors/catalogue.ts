import type { CatalogueEntry } from '../../model/failure';
import { nearest } from '../../model/suggest';
import { LINK_ENTRIES } from '../link/errors';
import { LINK_RUN_ENTRIES } from '../link/run-errors';
import { INSTANCE_OBJECT_ENTRIES } from '../sql-server/instance-object-errors';
import { AVAILABILITY_GROUP_ENTRIES } from './availability-groups';
import { AZURE_ENTRIES } from './azure';
import { MIRRORING_ENTRIES } from './mirroring';
import { OWN_ENTRIES } from './own';
import { SQL_SERVER_ENTRIES } from './sql-server';
import { TRANSPORT_ENTRIES } from './transport';

export interface CatalogueSection {
  readonly title: string;
  readonly entries: readonly CatalogueEntry[];
}

/** All that is known of errors, joined here and nowhere else; topologies bring their own sections. */
export const CATALOGUE: readonly CatalogueSection[] = [
  { title: 'Connections', entries: TRANSPORT_ENTRIES },
  { title: 'SQL Server', entries: SQL_SERVER_ENTRIES },
  { title: 'Mirroring transport and certificates', entries: MIRRORING_ENTRIES },
  { title: 'Availability groups', entries: AVAILABILITY_GROUP_ENTRIES },
  { title: 'Azure Resource Manager', entries: AZURE_ENTRIES },
  {
    title: 'Managed Instance link',
    entries: [...LINK_ENTRIES, ...LINK_RUN_ENTRIES, ...INSTANCE_OBJECT_ENTRIES],
  },
  { title: 'sqlferry itself', entries: OWN_ENTRIES },
];

const ENTRIES: readonly CatalogueEntry[] = CATALOGUE.flatMap(({ entries }) => entries);
const key = (match: string | number): string => String(match).toLowerCase();

const byMatch = new Map(
  ENTRIES.flatMap((entry) => entry.matches.map((match) => [key(match), entry] as const)),
);
const byCode = new Map(ENTRIES.map((entry) => [key(entry.code), entry] as const));

/** @returns the entry for a server error number, an ARM code (in any case) or a kind of transport problem */
export function findEntry(match: string | number): CatalogueEntry | undefined {
  return byMatch.get(key(match));
}

export type Explanation =
  | { readonly found: true; readonly entry: CatalogueEntry }
  | { readonly found: false; readonly suggestions: readonly string[] };

/**
 * Finds an entry as a person asks for it.
 * @param text a number (`1412`, `Msg 1412`), an ARM code or a code of this catalogue, in any case
 */
export function explain(text: string): Explanation {
  const wanted = text.trim().replace(/^(msg|error|code)?[\s#:]*(?=\d+\b)/i, '');
  const number = /^\d+/.exec(wanted)?.[0];
  const entry = byCode.get(key(wanted)) ?? byMatch.get(key(number ?? wanted));
  if (entry !== undefined) return { found: true, entry };
  const known = ENTRIES.flatMap(({ code, matches }) => [code, ...matches.map(String)]);
  return { found: false, suggestions: nearest(number ?? wanted, [...new Set(known)], 3) };
}

/** @returns docs/error-catalogue.md, which a test holds up to date */
export function cataloguePage(): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const row = ({ code, matches, meaning, reaction, remedy, source }: CatalogueEntry): string =>
    `| \`${code}\` | ${matches.join(', ')} | ${reaction} | ${cell(meaning)} | ${cell(remedy)} | ${cell(source)} |`;
  const sections = CATALOGUE.map(({ title, entries }) =>
    [
      `## ${title}`,
      '',
      '| code | numbers and codes | reaction | meaning | what to do | source |',
      '|---|---|---|---|---|---|',
      ...entries.map(row),
      '',
    ].join('\n'),
  );
  return `${HEAD}\n${sections.join('\n')}`;
}

const HEAD = `# Error catalogue

Every failure that leaves a step is named by a code of this catalogue. \`sqlferry explain 1412\` prints one entry; it
takes numbers of SQL Server, codes of Azure and codes of this catalogue.

| reaction | what the run does |
|---|---|
| retry | tries again, after it has looked whether the effect is there |
| already-done | goes on: the effect is there |
| needs-person | waits for a person; trying again before something is changed is useless |
| informational | nothing |

A request can fail with several errors: the first one that is more than a summary (3013, 41152 and their like) names
the failure. What is not in the catalogue is judged by its severity, or by the HTTP status, as the second table says.

Numbers and meanings are those that Microsoft documents; the reactions are ours where the source says nothing of them.

## What is not in the catalogue

| code | when | reaction |
|---|---|---|
| \`UnknownSqlError\` | severity 20 and above: the server ended the connection | retry |
| \`UnknownSqlError\` | any other severity | needs-person |
| \`Throttled\` | HTTP 408 and 429 | retry |
| \`Unauthorized\` | HTTP 401 and 403 | needs-person |
| \`UnknownAzureError\` | HTTP 409 and 5xx | retry |
| \`UnknownAzureError\` | any other status | needs-person |

This page is made from the tables in \`src/rules/errors\` and \`src/rules/link/errors.ts\`; make it again with
\`UPDATE_DOCS=1 jest test/rules/errors\`.
`;
