/** Views, procedures, functions, triggers and the like of users: none can be made here, so their views are empty. */
import {
  bigint,
  bit,
  char,
  datetime,
  defineView,
  int,
  notNull,
  nvarchar,
  smallint,
  sysname,
  tinyint,
  variantColumn,
} from './definition';
import { objectColumns } from './object-rows';

const procedureColumns = {
  ...objectColumns,
  is_auto_executed: notNull(bit),
  is_execution_replicated: bit,
  is_repl_serializable_only: bit,
  skips_repl_constraints: bit,
} as const;

const viewColumns = {
  ...objectColumns,
  is_replicated: bit,
  has_replication_filter: bit,
  has_opaque_metadata: notNull(bit),
  has_unchecked_assembly_data: notNull(bit),
  with_check_option: notNull(bit),
  is_date_correlation_view: notNull(bit),
} as const;

const moduleColumns = {
  object_id: notNull(int),
  definition: nvarchar('max'),
  uses_ansi_nulls: bit,
  uses_quoted_identifier: bit,
  is_schema_bound: bit,
  uses_database_collation: bit,
  is_recompiled: bit,
  null_on_null_input: bit,
  execute_as_principal_id: int,
  uses_native_compilation: bit,
} as const;

const parameterColumns = {
  object_id: notNull(int),
  name: sysname,
  parameter_id: notNull(int),
  system_type_id: notNull(tinyint),
  user_type_id: notNull(int),
  max_length: notNull(smallint),
  precision: notNull(tinyint),
  scale: notNull(tinyint),
  is_output: notNull(bit),
  is_cursor_ref: notNull(bit),
  has_default_value: notNull(bit),
  is_xml_document: notNull(bit),
  default_value: variantColumn,
  xml_collection_id: notNull(int),
  is_readonly: notNull(bit),
  is_nullable: bit,
} as const;

const triggerColumns = {
  name: notNull(sysname),
  object_id: notNull(int),
  parent_class: notNull(tinyint),
  parent_class_desc: nvarchar(60),
  parent_id: notNull(int),
  type: notNull(char(2)),
  type_desc: nvarchar(60),
  create_date: notNull(datetime),
  modify_date: notNull(datetime),
  is_ms_shipped: notNull(bit),
  is_disabled: notNull(bit),
  is_not_for_replication: notNull(bit),
  is_instead_of_trigger: notNull(bit),
} as const;

const none = () => [];

export const moduleViews = [
  defineView('sys.views', { columns: viewColumns, rows: none }),
  defineView('sys.procedures', { columns: procedureColumns, rows: none }),
  defineView('sys.sql_modules', { columns: moduleColumns, rows: none }),
  defineView('sys.all_sql_modules', { columns: moduleColumns, rows: none }),
  defineView('sys.system_sql_modules', { columns: moduleColumns, rows: none }),
  defineView('sys.parameters', { columns: parameterColumns, rows: none }),
  defineView('sys.all_parameters', { columns: parameterColumns, rows: none }),
  defineView('sys.synonyms', {
    columns: { ...objectColumns, base_object_name: nvarchar(1035) },
    rows: none,
  }),
  defineView('sys.sequences', {
    columns: {
      ...objectColumns,
      start_value: notNull(variantColumn),
      increment: notNull(variantColumn),
      minimum_value: notNull(variantColumn),
      maximum_value: notNull(variantColumn),
      is_cycling: bit,
      is_cached: bit,
      cache_size: int,
      system_type_id: notNull(tinyint),
      user_type_id: notNull(int),
      precision: notNull(tinyint),
      scale: tinyint,
      current_value: notNull(variantColumn),
      is_exhausted: notNull(bit),
      last_used_value: variantColumn,
    },
    rows: none,
  }),
  defineView('sys.triggers', { columns: triggerColumns, rows: none }),
  defineView('sys.server_triggers', { columns: triggerColumns, rows: none }),
  defineView('sys.assemblies', {
    columns: {
      name: notNull(sysname),
      principal_id: int,
      assembly_id: notNull(int),
      clr_name: nvarchar(4000),
      permission_set: tinyint,
      permission_set_desc: nvarchar(60),
      is_visible: notNull(bit),
      create_date: notNull(datetime),
      modify_date: notNull(datetime),
      is_user_defined: bit,
    },
    rows: none,
  }),
  defineView('sys.table_types', {
    columns: {
      name: notNull(sysname),
      system_type_id: notNull(tinyint),
      user_type_id: notNull(int),
      schema_id: notNull(int),
      is_user_defined: notNull(bit),
      is_table_type: notNull(bit),
      type_table_object_id: notNull(int),
      is_memory_optimized: bit,
    },
    rows: none,
  }),
  defineView('sys.sql_expression_dependencies', {
    columns: {
      referencing_id: notNull(int),
      referencing_minor_id: notNull(int),
      referencing_class: tinyint,
      is_schema_bound_reference: notNull(bit),
      referenced_class: tinyint,
      referenced_server_name: sysname,
      referenced_database_name: sysname,
      referenced_schema_name: sysname,
      referenced_entity_name: sysname,
      referenced_id: int,
      referenced_minor_id: notNull(int),
    },
    rows: none,
  }),
  defineView('sys.change_tracking_databases', {
    columns: {
      database_id: notNull(int),
      is_auto_cleanup_on: bit,
      retention_period: int,
      retention_period_units: tinyint,
      retention_period_units_desc: nvarchar(60),
    },
    rows: none,
  }),
  defineView('sys.change_tracking_tables', {
    columns: {
      object_id: notNull(int),
      is_track_columns_updated_on: notNull(bit),
      min_valid_version: bigint,
      begin_version: bigint,
      cleanup_version: bigint,
    },
    rows: none,
  }),
];
