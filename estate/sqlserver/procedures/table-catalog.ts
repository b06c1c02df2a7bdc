/** Catalog procedures about tables that ODBC and JDBC drivers call: result sets as their reference pages list them. */
import type { StoredTable, TableColumn } from '../../sql/storage';
import type { SqlValue } from '../../sql/types';
import { type SessionContext, sameName, systemDatabases } from '../context';
import { serverError } from '../messages/raise';
import { columnsOf } from '../views/definition';
import { spaceOf } from '../views/indexes';
import { schemasOf } from '../views/object-rows';
import { visibleViews } from '../views/registry';
import { defaultOf, keyOf, tablesOf } from '../views/table-facts';
import { Arguments } from './arguments';
import { codeFor, octetLength, odbcType, verboseCode } from './odbc-types';
import { matcher } from './pattern';
import {
  type Column,
  dataTypeColumns,
  int,
  sendRows,
  smallint,
  sysnameType,
  userTypeColumns,
  varchar,
} from './results';
import type { Procedure } from './server';

const tableName: readonly Column[] = [
  ['TABLE_QUALIFIER', sysnameType],
  ['TABLE_OWNER', sysnameType],
  ['TABLE_NAME', sysnameType],
];

/** @throws 15250 when the qualifier is not the current database */
const requireCurrent = (context: SessionContext, qualifier: string | null): void => {
  if (qualifier !== null && qualifier !== '' && !sameName(qualifier, context.database))
    throw serverError(15250);
};

const userTables = (
  context: SessionContext,
  name: string | null,
  owner: string | null,
  wildcards: boolean,
): StoredTable[] => {
  const named = matcher(name, wildcards);
  const owned = matcher(owner, wildcards);
  return tablesOf(context, context.database)
    .filter(({ definition }) => named(definition.name) && owned(definition.schema))
    .sort((left, right) =>
      `${left.definition.schema}.${left.definition.name}`.localeCompare(
        `${right.definition.schema}.${right.definition.name}`,
      ),
    );
};

/** Types asked for: `'TABLE','VIEW'`. */
const askedTypes = (text: string | null): ReadonlySet<string> | undefined => {
  if (text === null || text === '' || text === '%') return undefined;
  return new Set(text.split(',').map((word) => word.replace(/'/g, '').trim().toUpperCase()));
};

export const tables: Procedure = async (context, call) => {
  const args = new Arguments(call, [
    'table_name',
    'table_owner',
    'table_qualifier',
    'table_type',
    'fUsePattern',
  ]);
  const [name, owner, qualifier, type] = [
    args.text('table_name'),
    args.text('table_owner'),
    args.text('table_qualifier'),
    args.text('table_type'),
  ];
  const columns: readonly Column[] = [...tableName, ['TABLE_TYPE', varchar(32)], ['REMARKS', varchar(254)]];
  const special = enumeration(context, [name, owner, qualifier, type]);
  if (special !== undefined) {
    await sendRows(call.output, columns, special);
    return 0;
  }
  requireCurrent(context, qualifier === '%' ? null : qualifier);
  const wildcards = args.number('fUsePattern') !== 0;
  const wanted = askedTypes(type);
  const has = (kind: string): boolean => wanted?.has(kind) ?? true;
  const views = visibleViews(context).filter(
    (view) =>
      view.database === undefined &&
      matcher(name, wildcards)(view.name) &&
      matcher(owner, wildcards)(view.schema),
  );
  const row = (schema: string, object: string, kind: string): SqlValue[] => [
    context.database,
    schema,
    object,
    kind,
    null,
  ];
  await sendRows(call.output, columns, [
    ...(has('TABLE')
      ? userTables(context, name, owner, wildcards).map(({ definition }) =>
          row(definition.schema, definition.name, 'TABLE'),
        )
      : []),
    ...(has('VIEW')
      ? views
          .map((view) => row(view.schema, view.name, 'VIEW'))
          .sort((left, right) => String(left.slice(1)).localeCompare(String(right.slice(1))))
      : []),
  ]);
  return 0;
};

/** `%` in one place and nothing in the others lists the databases, the schemas or the types. */
const enumeration = (
  context: SessionContext,
  [name, owner, qualifier, type]: readonly (string | null)[],
): SqlValue[][] | undefined => {
  const empty = (text: string | null | undefined): boolean => text === '';
  if (qualifier === '%' && empty(name) && empty(owner)) {
    const databases = [...systemDatabases, ...context.userDatabases()].map((entry) => entry.name).sort();
    return databases.map((database) => [database, null, null, null, null]);
  }
  if (owner === '%' && empty(name) && empty(qualifier)) {
    const names = schemasOf(context, context.database).map(([schema]) => schema);
    return names.sort().map((schema) => [context.database, schema, null, null, null]);
  }
  if (type === '%' && empty(name) && empty(owner) && empty(qualifier)) {
    return ['SYSTEM TABLE', 'TABLE', 'VIEW'].map((kind) => [null, null, null, kind, null]);
  }
  return undefined;
};

interface Described {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly TableColumn[];
  readonly table?: StoredTable;
}

/** User tables, and the system views: drivers describe those as well. */
const described = (
  context: SessionContext,
  name: string | null,
  owner: string | null,
  wildcards: boolean,
): Described[] => [
  ...userTables(context, name, owner, wildcards).map((table) => ({ ...table.definition, table })),
  ...visibleViews(context)
    .filter(
      (view) =>
        view.database === undefined &&
        matcher(name, wildcards)(view.name) &&
        matcher(owner, wildcards)(view.schema),
    )
    .map((view) => ({ schema: view.schema, name: view.name, columns: columnsOf(view, context.major) })),
];

const newColumns: readonly Column[] = [
  ['SS_IS_SPARSE', smallint],
  ['SS_IS_COLUMN_SET', smallint],
  ['SS_IS_COMPUTED', smallint],
  ['SS_IS_IDENTITY', smallint],
  ...userTypeColumns,
];

const columnRow = (
  context: SessionContext,
  owner: Described,
  column: TableColumn,
  index: number,
  odbcVersion: number,
  wide: boolean,
): SqlValue[] => {
  const facts = odbcType(column.type);
  const [verbose, sub] = verboseCode(facts.code);
  const identity = column.identity !== undefined;
  const definition =
    owner.table === undefined ? undefined : defaultOf(owner.table, column, index + 1)?.definition;
  return [
    context.database,
    owner.schema,
    owner.name,
    column.name,
    codeFor(facts.code, odbcVersion),
    typeNameOf(column),
    facts.precision,
    facts.length,
    facts.scale,
    facts.radix,
    column.nullable ? 1 : 0,
    null,
    definition ?? null,
    verbose,
    sub,
    octetLength(facts),
    index + 1,
    column.nullable ? 'YES' : 'NO',
    ...(wide ? [0, 0, 0, identity ? 1 : 0, null, null, null, null, null, null] : []),
    facts.legacy[column.nullable ? 1 : 0],
  ];
};

const columnsProcedure =
  (wide: boolean): Procedure =>
  async (context, call) => {
    const tail = wide ? ['NameScope', 'ODBCVer', 'fUsePattern'] : ['ODBCVer'];
    const args = new Arguments(call, [
      'table_name!',
      'table_owner',
      'table_qualifier',
      'column_name',
      ...tail,
    ]);
    requireCurrent(context, args.text('table_qualifier'));
    const wildcards = !wide || args.number('fUsePattern') !== 0;
    const version = args.number('ODBCVer') ?? 2;
    const wanted = matcher(args.text('column_name'), wildcards);
    const found = described(context, args.text('table_name'), args.text('table_owner'), wildcards);
    await sendRows(
      call.output,
      [
        ...tableName,
        ['COLUMN_NAME', sysnameType],
        ...dataTypeColumns,
        ...(wide ? newColumns : []),
        ['SS_DATA_TYPE', { kind: 'tinyint' }],
      ],
      found.flatMap((owner) =>
        owner.columns.flatMap((column, index) =>
          wanted(column.name) ? [columnRow(context, owner, column, index, version, wide)] : [],
        ),
      ),
    );
    return 0;
  };

export const columns = columnsProcedure(false);
export const columnsWide = columnsProcedure(true);

/** One table by its name; without an owner, dbo's. */
const oneTable = (context: SessionContext, args: Arguments, qualifier = 'table_qualifier'): StoredTable[] => {
  requireCurrent(context, args.text(qualifier));
  return userTables(context, args.text('table_name') ?? '', args.text('table_owner') ?? null, false);
};

export const primaryKeys: Procedure = async (context, call) => {
  const args = new Arguments(call, ['table_name!', 'table_owner', 'table_qualifier']);
  const keys = oneTable(context, args)
    .map(keyOf)
    .filter((key) => key !== undefined);
  await sendRows(
    call.output,
    [...tableName, ['COLUMN_NAME', sysnameType], ['KEY_SEQ', smallint], ['PK_NAME', sysnameType]],
    keys.flatMap((key) =>
      key.columns.map((column, index) => [
        context.database,
        key.table.definition.schema,
        key.table.definition.name,
        column.name,
        index + 1,
        key.name,
      ]),
    ),
  );
  return 0;
};

/** No table here has a foreign key: their clauses are read and forgotten. @throws 15252 without a name */
export const foreignKeys: Procedure = async (_context, call) => {
  const args = new Arguments(call, [
    'pktable_name',
    'pktable_owner',
    'pktable_qualifier',
    'fktable_name',
    'fktable_owner',
    'fktable_qualifier',
  ]);
  if (args.text('pktable_name') === null && args.text('fktable_name') === null) throw serverError(15252);
  const side = (prefix: string): Column[] =>
    ['TABLE_QUALIFIER', 'TABLE_OWNER', 'TABLE_NAME', 'COLUMN_NAME'].map((name) => [
      prefix + name,
      sysnameType,
    ]);
  await sendRows(
    call.output,
    [
      ...side('PK'),
      ...side('FK'),
      ['KEY_SEQ', smallint],
      ['UPDATE_RULE', smallint],
      ['DELETE_RULE', smallint],
      ['FK_NAME', sysnameType],
      ['PK_NAME', sysnameType],
      ['DEFERRABILITY', smallint],
    ],
    [],
  );
  return 0;
};

/** First a row of type 0 about the table itself, then the key's columns. */
const statisticsRows = (context: SessionContext, table: StoredTable, index: (name: string) => boolean) => {
  const { schema, name } = table.definition;
  const space = spaceOf(table);
  const owner: SqlValue[] = [context.database, schema, name];
  const key = keyOf(table);
  return [
    [...owner, null, null, null, 0, null, null, null, space.rows, space.dataPages, null],
    ...(key !== undefined && index(key.name)
      ? key.columns.map((column, at) => [
          ...owner,
          0,
          name,
          key.name,
          1,
          at + 1,
          column.name,
          'A',
          space.rows,
          space.dataPages,
          null,
        ])
      : []),
  ];
};

export const statistics: Procedure = async (context, call) => {
  const args = new Arguments(call, [
    'table_name!',
    'table_owner',
    'table_qualifier',
    'index_name',
    'is_unique',
    'accuracy',
  ]);
  const index = matcher(args.text('index_name'));
  await sendRows(
    call.output,
    [
      ...tableName,
      ['NON_UNIQUE', smallint],
      ['INDEX_QUALIFIER', sysnameType],
      ['INDEX_NAME', sysnameType],
      ['TYPE', smallint],
      ['SEQ_IN_INDEX', smallint],
      ['COLUMN_NAME', sysnameType],
      ['COLLATION', { kind: 'char', length: 1 }],
      ['CARDINALITY', int],
      ['PAGES', int],
      ['FILTER_CONDITION', varchar(128)],
    ],
    oneTable(context, args).flatMap((table) => statisticsRows(context, table, index)),
  );
  return 0;
};

/** Columns that name a row best (type R), or that change with every update (type V): rowversion, which no table here has. */
export const specialColumns: Procedure = async (context, call) => {
  const args = new Arguments(call, [
    'table_name!',
    'table_owner',
    'qualifier',
    'col_type',
    'scope',
    'nullable',
    'ODBCVer',
  ]);
  const versions = args.text('col_type')?.toUpperCase() === 'V';
  const found = oneTable(context, args, 'qualifier').flatMap((table) => {
    const names = versions ? [] : (keyOf(table)?.columns ?? []).map((column) => column.name);
    return table.definition.columns.filter((column) => names.includes(column.name));
  });
  await sendRows(
    call.output,
    [
      ['SCOPE', smallint],
      ['COLUMN_NAME', sysnameType],
      ['DATA_TYPE', smallint],
      ['TYPE_NAME', sysnameType],
      ['PRECISION', int],
      ['LENGTH', int],
      ['SCALE', smallint],
      ['PSEUDO_COLUMN', smallint],
    ],
    found.map((column) => {
      const facts = odbcType(column.type);
      return [
        versions ? null : args.text('scope')?.toUpperCase() === 'C' ? 0 : 1,
        column.name,
        codeFor(facts.code, args.number('ODBCVer') ?? 2),
        typeNameOf(column),
        facts.precision,
        facts.length,
        facts.scale,
        1,
      ];
    }),
  );
  return 0;
};

const typeNameOf = (column: TableColumn): string => {
  return column.identity === undefined ? column.type.kind : `${column.type.kind} identity`;
};
