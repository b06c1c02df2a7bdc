/** Every view and column that a query names exists in every version that the link supports, or is looked up first. */
import type { SessionContext } from '../../estate/sqlserver/context';
import { columnsOf, type ViewDefinition } from '../../estate/sqlserver/views/definition';
import { visibleViews } from '../../estate/sqlserver/views/registry';
import type { Query } from '../../src/model/statement';
import { everyQuery } from './catalog';

interface Server {
  readonly title: string;
  readonly major: number;
  readonly managedInstance: boolean;
}

const SERVERS: readonly Server[] = [
  ...[13, 14, 15, 16, 17].map((major) => ({ title: `SQL Server ${major}.x`, major, managedInstance: false })),
  { title: 'Managed Instance', major: 16, managedInstance: true },
];

const viewsOf = ({ major, managedInstance }: Server): ReadonlyMap<string, ViewDefinition> => {
  // Only what the registry looks at when it lists views.
  const context = { major, managedInstance } as unknown as SessionContext;
  return new Map(visibleViews(context).map((view) => [view.name.toLowerCase(), view]));
};

/** Views of a query by the alias that they have there, also inside dynamic text. */
const aliases = (query: Query<unknown>): [alias: string, view: string][] =>
  [...query.text.matchAll(/(?:FROM|JOIN)\s+(?:sys|msdb\.dbo)\.(\w+)\s+AS\s+(\w+)/g)].map(
    ([, view, alias]) => [alias ?? '', view ?? ''],
  );

const guardedColumns = (query: Query<unknown>): ReadonlySet<string> =>
  new Set(
    [...query.text.matchAll(/N'(?:CONVERT\(\w+, )?((?!sys)\w+\.\w+)\)?'/g)].map((match) => match[1] ?? ''),
  );

const namedColumns = (query: Query<unknown>, alias: string): string[] => {
  const guarded = guardedColumns(query);
  const named = [...query.text.matchAll(new RegExp(`(?<![\\w.@])${alias}\\.(\\w+)`, 'g'))].map(
    ([all]) => all,
  );
  return [...new Set(named)].filter((name) => !guarded.has(name)).map((name) => name.slice(alias.length + 1));
};

describe.each(SERVERS)('$title', (server) => {
  const views = viewsOf(server);

  test.each(everyQuery('x').map((query) => [query.id, query] as const))('%s', (_id, query) => {
    const missing = aliases(query).flatMap(([alias, name]) => {
      const view = views.get(name.toLowerCase());
      if (view === undefined) return [`${name} (view)`];
      const known = new Set(columnsOf(view, server.major).map((column) => column.name.toLowerCase()));
      return namedColumns(query, alias)
        .filter((column) => !known.has(column.toLowerCase()))
        .map((column) => `${name}.${column}`);
    });
    expect(missing).toEqual([]);
  });
});

test('the check sees something: aliases and columns are found', () => {
  const found = everyQuery('x').flatMap((query) =>
    aliases(query).flatMap(([alias]) => namedColumns(query, alias)),
  );
  expect(found.length).toBeGreaterThan(80);
  expect(
    everyQuery('x')
      .flatMap((query) => [...guardedColumns(query)])
      .sort(),
  ).toEqual([
    'd.is_accelerated_database_recovery_on',
    'd.is_accelerated_database_recovery_on',
    'g.cluster_type_desc',
    'p.transfered_size_bytes',
    'p.transferred_size_bytes',
  ]);
});
