/** Indexes of user tables: the clustered one of a primary key, or the heap; other indexes are not kept here. */
import type { StoredTable } from '../../sql/storage';
import type { SessionContext } from '../context';
import { typeFacts } from '../system-types';
import {
  bigint,
  bit,
  datetime,
  defineView,
  int,
  notNull,
  nvarchar,
  smallint,
  sysname,
  tinyint,
} from './definition';
import { keyOf, tableObjectId, tablesOf } from './table-facts';

const pageBytes = 8192;
/** Bytes of a row beside its columns: header, null bitmap and slot (Pages and extents architecture guide). */
const rowOverhead = 11;

export interface TableSpace {
  readonly rows: number;
  readonly dataPages: number;
  readonly indexPages: number;
}

/** Space of a table, from its rows and the sizes of its columns (inferred: half of a variable length is used). */
export const spaceOf = (table: StoredTable): TableSpace => {
  const rows = table.rows.size;
  if (rows === 0) return { rows, dataPages: 0, indexPages: 0 };
  const width = table.definition.columns.reduce((sum, column) => {
    const { maxLength } = typeFacts(column.type);
    const variable = column.type.kind.startsWith('var') || column.type.kind.startsWith('nvar');
    return sum + (maxLength < 0 ? 100 : variable ? maxLength / 2 : maxLength);
  }, rowOverhead);
  const perPage = Math.max(1, Math.floor((pageBytes - 96) / width));
  return { rows, dataPages: Math.ceil(rows / perPage), indexPages: keyOf(table) === undefined ? 1 : 2 };
};

const indexRow = (table: StoredTable) => {
  const key = keyOf(table);
  const keyed = key !== undefined;
  return {
    object_id: tableObjectId(table),
    name: key?.name ?? null,
    index_id: keyed ? 1 : 0,
    type: keyed ? 1 : 0,
    type_desc: keyed ? 'CLUSTERED' : 'HEAP',
    is_unique: keyed,
    data_space_id: 1,
    ignore_dup_key: false,
    is_primary_key: keyed,
    is_unique_constraint: false,
    fill_factor: 0,
    is_padded: false,
    is_disabled: false,
    is_hypothetical: false,
    is_ignored_in_optimization: false,
    allow_row_locks: true,
    allow_page_locks: true,
    has_filter: false,
    filter_definition: null,
    compression_delay: null,
    suppress_dup_key_messages: false,
    auto_created: false,
    optimize_for_sequential_key: false,
  };
};

const keyRows = (context: SessionContext, database: string) =>
  tablesOf(context, database).flatMap((table) =>
    (keyOf(table)?.columns ?? []).map((column, index) => ({
      object_id: tableObjectId(table),
      index_id: 1,
      index_column_id: index + 1,
      column_id: column.id,
      key_ordinal: index + 1,
      partition_ordinal: 0,
      is_descending_key: false,
      is_included_column: false,
      column_store_order_ordinal: 0,
    })),
  );

/** 72057594037927936 is where ids of partitions begin; the rest comes from the table's id. */
const partitionId = (table: StoredTable): bigint =>
  72_057_594_037_927_936n + BigInt(tableObjectId(table)) * 65_536n;

const partitionRow = (table: StoredTable) => ({
  partition_id: partitionId(table),
  object_id: tableObjectId(table),
  index_id: keyOf(table) === undefined ? 0 : 1,
  partition_number: 1,
});

export const indexViews = [
  defineView('sys.indexes', {
    columns: {
      object_id: notNull(int),
      name: sysname,
      index_id: notNull(int),
      type: notNull(tinyint),
      type_desc: nvarchar(60),
      is_unique: bit,
      data_space_id: int,
      ignore_dup_key: bit,
      is_primary_key: bit,
      is_unique_constraint: bit,
      fill_factor: notNull(tinyint),
      is_padded: bit,
      is_disabled: bit,
      is_hypothetical: bit,
      is_ignored_in_optimization: { ...bit, since: 14 },
      allow_row_locks: bit,
      allow_page_locks: bit,
      has_filter: bit,
      filter_definition: nvarchar('max'),
      compression_delay: int,
      suppress_dup_key_messages: { ...bit, since: 14 },
      auto_created: { ...bit, since: 14 },
      optimize_for_sequential_key: { ...bit, since: 15 },
    },
    rows: (context, database) => tablesOf(context, database).map(indexRow),
  }),
  defineView('sys.index_columns', {
    columns: {
      object_id: notNull(int),
      index_id: notNull(int),
      index_column_id: notNull(int),
      column_id: notNull(int),
      key_ordinal: notNull(tinyint),
      partition_ordinal: notNull(tinyint),
      is_descending_key: bit,
      is_included_column: bit,
      column_store_order_ordinal: { ...tinyint, since: 16 },
    },
    rows: keyRows,
  }),
  defineView('sys.stats', {
    columns: {
      object_id: notNull(int),
      name: sysname,
      stats_id: notNull(int),
      auto_created: bit,
      user_created: bit,
      no_recompute: bit,
      has_filter: bit,
      filter_definition: nvarchar('max'),
      is_temporary: bit,
      is_incremental: bit,
    },
    rows: (context, database) =>
      tablesOf(context, database).flatMap((table) => {
        const key = keyOf(table);
        if (key === undefined) return [];
        return [
          {
            object_id: tableObjectId(table),
            name: key.name,
            stats_id: 1,
            auto_created: false,
            user_created: false,
            no_recompute: false,
            has_filter: false,
            filter_definition: null,
            is_temporary: false,
            is_incremental: false,
          },
        ];
      }),
  }),
  defineView('sys.stats_columns', {
    columns: {
      object_id: notNull(int),
      stats_id: notNull(int),
      stats_column_id: int,
      column_id: int,
    },
    rows: (context, database) =>
      keyRows(context, database).map((row) => ({
        object_id: row.object_id,
        stats_id: 1,
        stats_column_id: row.index_column_id,
        column_id: row.column_id,
      })),
  }),
  defineView('sys.partitions', {
    columns: {
      partition_id: notNull(bigint),
      object_id: notNull(int),
      index_id: notNull(int),
      partition_number: notNull(int),
      hobt_id: notNull(bigint),
      rows: bigint,
      filestream_filegroup_id: notNull(smallint),
      data_compression: notNull(tinyint),
      data_compression_desc: nvarchar(60),
    },
    rows: (context, database) =>
      tablesOf(context, database).map((table) => ({
        ...partitionRow(table),
        hobt_id: partitionId(table),
        rows: BigInt(table.rows.size),
        filestream_filegroup_id: 0,
        data_compression: 0,
        data_compression_desc: 'NONE',
      })),
  }),
  defineView('sys.dm_db_partition_stats', {
    columns: {
      partition_id: bigint,
      object_id: notNull(int),
      index_id: notNull(int),
      partition_number: notNull(int),
      in_row_data_page_count: bigint,
      in_row_used_page_count: bigint,
      in_row_reserved_page_count: bigint,
      lob_used_page_count: bigint,
      lob_reserved_page_count: bigint,
      row_overflow_used_page_count: bigint,
      row_overflow_reserved_page_count: bigint,
      used_page_count: bigint,
      reserved_page_count: bigint,
      row_count: bigint,
    },
    rows: (context, database) =>
      tablesOf(context, database).map((table) => {
        const space = spaceOf(table);
        const used = BigInt(space.dataPages + space.indexPages);
        return {
          ...partitionRow(table),
          in_row_data_page_count: BigInt(space.dataPages),
          in_row_used_page_count: used,
          in_row_reserved_page_count: reservedPages(space),
          lob_used_page_count: 0n,
          lob_reserved_page_count: 0n,
          row_overflow_used_page_count: 0n,
          row_overflow_reserved_page_count: 0n,
          used_page_count: used,
          reserved_page_count: reservedPages(space),
          row_count: BigInt(space.rows),
        };
      }),
  }),
  defineView('sys.allocation_units', {
    columns: {
      allocation_unit_id: notNull(bigint),
      type: notNull(tinyint),
      type_desc: nvarchar(60),
      container_id: notNull(bigint),
      data_space_id: int,
      total_pages: notNull(bigint),
      used_pages: notNull(bigint),
      data_pages: notNull(bigint),
    },
    rows: (context, database) =>
      tablesOf(context, database).map((table) => {
        const space = spaceOf(table);
        return {
          allocation_unit_id: partitionId(table) + 1n,
          type: 1,
          type_desc: 'IN_ROW_DATA',
          container_id: partitionId(table),
          data_space_id: 1,
          total_pages: reservedPages(space),
          used_pages: BigInt(space.dataPages + space.indexPages),
          data_pages: BigInt(space.dataPages),
        };
      }),
  }),
  defineView('sys.dm_db_index_usage_stats', {
    columns: {
      database_id: notNull(smallint),
      object_id: notNull(int),
      index_id: notNull(int),
      user_seeks: notNull(bigint),
      user_scans: notNull(bigint),
      user_lookups: notNull(bigint),
      user_updates: notNull(bigint),
      last_user_seek: datetime,
      last_user_scan: datetime,
      last_user_lookup: datetime,
      last_user_update: datetime,
    },
    permission: 'VIEW SERVER STATE',
    rows: () => [],
  }),
  defineView('sys.dm_db_missing_index_details', {
    columns: {
      index_handle: notNull(int),
      database_id: notNull(smallint),
      object_id: notNull(int),
      equality_columns: nvarchar(4000),
      inequality_columns: nvarchar(4000),
      included_columns: nvarchar(4000),
      statement: nvarchar(4000),
    },
    permission: 'VIEW SERVER STATE',
    rows: () => [],
  }),
  defineView('sys.partition_schemes', {
    columns: {
      name: notNull(sysname),
      data_space_id: notNull(int),
      type: notNull(nvarchar(2)),
      type_desc: nvarchar(60),
      is_default: bit,
      is_system: bit,
      function_id: notNull(int),
    },
    rows: () => [],
  }),
];

/** Space is reserved in extents of eight pages. */
const reservedPages = (space: TableSpace): bigint =>
  BigInt(Math.ceil((space.dataPages + space.indexPages) / 8) * 8);
