/** Constraints and special columns: real for primary keys, defaults and identity; this estate has no others. */
import { type SqlScalar, type SqlType, SqlVariant } from '../../sql/types';
import { convert } from '../../sql/values/convert';
import type { SessionContext } from '../context';
import { bit, defineView, int, notNull, nvarchar, sysname, tinyint, variantColumn } from './definition';
import { columnColumns, columnRow, constraintObject, objectColumns } from './object-rows';
import { defaultsOf, keysOf, tableObjectId, tablesOf } from './table-facts';

const foreignKeyActions = {
  delete_referential_action: tinyint,
  delete_referential_action_desc: nvarchar(60),
  update_referential_action: tinyint,
  update_referential_action_desc: nvarchar(60),
} as const;

const variantOf = (value: bigint, type: SqlType): SqlVariant | null => {
  const converted: SqlScalar | null = convert(value, { kind: 'bigint' }, type);
  return converted === null ? null : new SqlVariant(type, converted);
};

const identityRows = (context: SessionContext, database: string) =>
  tablesOf(context, database).flatMap((table) =>
    table.definition.columns.flatMap((column, index) => {
      const { identity, type } = column;
      if (identity === undefined) return [];
      const used = table.nextIdentity !== identity.seed;
      return [
        {
          ...columnRow(context, tableObjectId(table), column, index, true),
          seed_value: variantOf(identity.seed, type),
          increment_value: variantOf(identity.increment, type),
          last_value: used ? variantOf(table.nextIdentity - identity.increment, type) : null,
          is_not_for_replication: false,
        },
      ];
    }),
  );

export const constraintViews = [
  defineView('sys.key_constraints', {
    columns: {
      ...objectColumns,
      unique_index_id: int,
      is_system_named: notNull(bit),
      is_enforced: bit,
    },
    rows: (context, database) =>
      keysOf(context, database).map((key) => ({
        ...constraintObject(context, database, key, 'PK'),
        unique_index_id: 1,
        is_system_named: key.systemNamed,
        is_enforced: true,
      })),
  }),
  defineView('sys.default_constraints', {
    columns: {
      ...objectColumns,
      parent_column_id: notNull(int),
      definition: nvarchar('max'),
      is_system_named: notNull(bit),
    },
    rows: (context, database) =>
      defaultsOf(context, database).map((entry) => ({
        ...constraintObject(context, database, entry, 'D '),
        parent_column_id: entry.columnId,
        definition: entry.definition,
        is_system_named: entry.systemNamed,
      })),
  }),
  defineView('sys.check_constraints', {
    columns: {
      ...objectColumns,
      is_disabled: notNull(bit),
      is_not_for_replication: notNull(bit),
      is_not_trusted: notNull(bit),
      parent_column_id: notNull(int),
      definition: nvarchar('max'),
      uses_database_collation: bit,
      is_system_named: notNull(bit),
    },
    rows: () => [],
  }),
  defineView('sys.foreign_keys', {
    columns: {
      ...objectColumns,
      referenced_object_id: int,
      key_index_id: int,
      is_disabled: notNull(bit),
      is_not_for_replication: notNull(bit),
      is_not_trusted: notNull(bit),
      ...foreignKeyActions,
      is_system_named: notNull(bit),
    },
    rows: () => [],
  }),
  defineView('sys.foreign_key_columns', {
    columns: {
      constraint_object_id: notNull(int),
      constraint_column_id: notNull(int),
      parent_object_id: notNull(int),
      parent_column_id: notNull(int),
      referenced_object_id: notNull(int),
      referenced_column_id: notNull(int),
    },
    rows: () => [],
  }),
  defineView('sys.identity_columns', {
    columns: {
      ...columnColumns,
      seed_value: variantColumn,
      increment_value: variantColumn,
      last_value: variantColumn,
      is_not_for_replication: bit,
    },
    rows: identityRows,
  }),
  defineView('sys.computed_columns', {
    columns: {
      ...columnColumns,
      definition: nvarchar('max'),
      uses_database_collation: notNull(bit),
      is_persisted: notNull(bit),
    },
    rows: () => [],
  }),
  defineView('sys.extended_properties', {
    columns: {
      class: notNull(tinyint),
      class_desc: nvarchar(60),
      major_id: notNull(int),
      minor_id: notNull(int),
      name: notNull(sysname),
      value: variantColumn,
    },
    rows: () => [],
  }),
];
