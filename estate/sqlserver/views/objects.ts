/** Objects of a database: tables with their columns, and the system views themselves. */
import type { SessionContext } from '../context';
import { systemProcedures } from '../procedures/names';
import { systemTypes } from '../system-types';
import {
  bit,
  columnsOf,
  defineView,
  int,
  notNull,
  nvarchar,
  smallint,
  sysname,
  tinyint,
  type ViewDefinition,
} from './definition';
import {
  columnColumns,
  columnRow,
  columnRowsOf,
  constraintObject,
  objectColumns,
  schemasOf,
  systemObject,
  systemObjectId,
  tableObject,
} from './object-rows';
import { defaultsOf, keysOf, tablesOf } from './table-facts';

const tableColumnRows = (context: SessionContext, database: string) =>
  tablesOf(context, database).flatMap((table) => columnRowsOf(context, table));

/** @param visible all views that this server has, these ones included */
export const objectViews = (
  visible: (context: SessionContext) => readonly ViewDefinition[],
): ViewDefinition[] => {
  const systemObjects = (context: SessionContext) =>
    visible(context)
      .filter((view) => view.database === undefined)
      .map((view) => systemObject(view.schema, view.name, 'V '));
  const procedures = (context: SessionContext) =>
    systemProcedures(context).map((name) => systemObject('sys', name, 'P '));
  const systemColumns = (context: SessionContext) =>
    visible(context)
      .filter((view) => view.database === undefined)
      .flatMap((view) =>
        columnsOf(view, context.major).map((column, index) =>
          columnRow(context, systemObjectId(view.schema, view.name), column, index, false),
        ),
      );
  const userObjects = (context: SessionContext, database: string) => [
    ...tablesOf(context, database).map((table) => tableObject(context, database, table)),
    ...keysOf(context, database).map((key) => constraintObject(context, database, key, 'PK')),
    ...defaultsOf(context, database).map((entry) => constraintObject(context, database, entry, 'D ')),
  ];
  return [
    defineView('sys.objects', { columns: objectColumns, rows: userObjects }),
    defineView('sys.all_objects', {
      columns: objectColumns,
      rows: (context, database) => [
        ...userObjects(context, database),
        ...systemObjects(context),
        ...procedures(context),
      ],
    }),
    defineView('sys.system_objects', {
      columns: objectColumns,
      rows: (context) => [...systemObjects(context), ...procedures(context)],
    }),
    defineView('sys.all_views', { columns: objectColumns, rows: systemObjects }),
    defineView('sys.tables', {
      columns: {
        ...objectColumns,
        lob_data_space_id: int,
        filestream_data_space_id: int,
        max_column_id_used: int,
        is_filetable: bit,
        is_memory_optimized: bit,
        durability: tinyint,
        durability_desc: nvarchar(60),
        temporal_type: tinyint,
        temporal_type_desc: nvarchar(60),
        is_external: bit,
        is_replicated: bit,
        is_tracked_by_cdc: bit,
      },
      rows: (context, database) =>
        tablesOf(context, database).map((table) => ({
          ...tableObject(context, database, table),
          lob_data_space_id: 0,
          max_column_id_used: table.definition.columns.length,
          is_filetable: false,
          is_memory_optimized: false,
          durability: 0,
          durability_desc: 'SCHEMA_AND_DATA',
          temporal_type: 0,
          temporal_type_desc: 'NON_TEMPORAL_TABLE',
          is_external: false,
          is_replicated: false,
          is_tracked_by_cdc: false,
        })),
    }),
    defineView('sys.columns', { columns: columnColumns, rows: tableColumnRows }),
    defineView('sys.all_columns', {
      columns: columnColumns,
      rows: (context, database) => [...tableColumnRows(context, database), ...systemColumns(context)],
    }),
    defineView('sys.system_columns', { columns: columnColumns, rows: systemColumns }),
    defineView('sys.schemas', {
      columns: { name: notNull(sysname), schema_id: notNull(int), principal_id: int },
      rows: (context, database) =>
        schemasOf(context, database).map(([name, id]) => ({
          name,
          schema_id: id,
          principal_id: id < 5 || id >= 16384 ? id : 1,
        })),
    }),
    defineView('sys.types', {
      columns: {
        name: notNull(sysname),
        system_type_id: notNull(tinyint),
        user_type_id: notNull(int),
        schema_id: notNull(int),
        max_length: notNull(smallint),
        precision: notNull(tinyint),
        scale: notNull(tinyint),
        is_nullable: bit,
        is_user_defined: notNull(bit),
        is_assembly_type: notNull(bit),
        is_table_type: notNull(bit),
      },
      rows: () =>
        systemTypes.map((type) => ({
          name: type.name,
          system_type_id: type.id,
          user_type_id: type.userTypeId ?? type.id,
          schema_id: 4,
          max_length: type.maxLength,
          precision: type.precision,
          scale: type.scale,
          is_nullable: true,
          is_user_defined: false,
          is_assembly_type: false,
          is_table_type: false,
        })),
    }),
  ];
};
