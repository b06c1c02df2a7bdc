/** Which procedures a server has: names only, so that OBJECT_ID can ask without knowing what they do. */
import { isSystemDatabase, type SessionContext, sameName } from '../context';

export interface ProcedureName {
  readonly database?: string;
  readonly schema?: string;
  readonly object: string;
}

const master = [
  'sp_executesql',
  'sp_certificate_add_issuer',
  'sp_certificate_remove_issuer',
  'sp_validate_certificate_ca_chain',
  'sp_get_endpoint_certificate',
  'sp_multidb_milink',
  'sp_configure',
  'sp_readerrorlog',
  'xp_readerrorlog',
  'sp_who',
  'sp_who2',
  'sp_helpdb',
  'sp_helpsrvrolemember',
  'sp_addsrvrolemember',
  'sp_dropsrvrolemember',
  'sp_addlinkedserver',
  'sp_addlinkedsrvlogin',
  'sp_dropserver',
  'sp_linkedservers',
  'sp_addmessage',
  'sp_databases',
  'sp_datatype_info',
  'sp_datatype_info_100',
  'sp_server_info',
  'sp_tables',
  'sp_columns',
  'sp_columns_100',
  'sp_pkeys',
  'sp_fkeys',
  'sp_statistics',
  'sp_statistics_100',
  'sp_special_columns',
  'sp_special_columns_100',
  'sp_stored_procedures',
  'sp_sproc_columns',
  'sp_sproc_columns_100',
  'sp_help',
  'sp_helpindex',
  'sp_helpfile',
  'sp_helplogins',
  'sp_helptext',
  'sp_spaceused',
  'xp_msver',
  'xp_cmdshell',
  'sp_OACreate',
  'sp_OADestroy',
  'sp_OAMethod',
  'sp_OAGetProperty',
  'sp_OASetProperty',
] as const;

const msdb = [
  'sp_add_job',
  'sp_add_jobstep',
  'sp_add_jobserver',
  'sp_add_jobschedule',
  'sp_add_schedule',
  'sp_attach_schedule',
  'sp_update_job',
  'sp_delete_job',
  'sp_delete_schedule',
  'sp_detach_schedule',
  'sp_delete_jobstep',
  'sp_help_jobstep',
  'sp_add_category',
  'sp_delete_category',
  'sp_add_proxy',
  'sysmail_add_profile_sp',
  'sp_start_job',
  'sp_stop_job',
  'sp_help_job',
  'sp_add_operator',
  'sp_purge_jobhistory',
] as const;

export type ProcedureKey = (typeof master)[number] | (typeof msdb)[number];

/** Builds below which a procedure does not exist. */
const requires: Readonly<Partial<Record<ProcedureKey, (context: SessionContext) => boolean>>> = {
  // KB5026806: cumulative update 5 for SQL Server 2022.
  sp_validate_certificate_ca_chain: (context) => !context.managedInstance && atLeast(context, 16, 4045),
  sp_certificate_add_issuer: (context) => !context.managedInstance && linkPatch(context),
  sp_certificate_remove_issuer: (context) => !context.managedInstance && linkPatch(context),
  sp_get_endpoint_certificate: (context) => context.managedInstance,
  // Multi-database link mode: 2022 CU27 and 2025 CU9 (preview).
  sp_multidb_milink: (context) => hasMultiDatabaseMode(context),
};

const atLeast = (context: SessionContext, major: number, build: number): boolean => {
  const { version } = context.instance;
  return version.major > major || (version.major === major && version.build >= build);
};

/** Azure connect pack for 2016 and 2017, CU20 for 2019 (feature overview, minimum builds). */
const linkPatch = (context: SessionContext): boolean => {
  const minimum: Readonly<Record<number, number>> = { 13: 7000, 14: 3490, 15: 4312, 16: 1000, 17: 1000 };
  const build = minimum[context.major];
  return build !== undefined && context.instance.version.build >= build;
};

const updateNumber = (context: SessionContext): number =>
  Number(/^CU(\d+)$/i.exec(context.instance.version.updateLevel ?? '')?.[1] ?? 0);

const hasMultiDatabaseMode = (context: SessionContext): boolean => {
  if (context.managedInstance || /standard/i.test(context.instance.edition)) return false;
  if (context.major === 16) return updateNumber(context) >= 27;
  return context.major === 17 && updateNumber(context) >= 9;
};

/** @returns the procedure's key; undefined where this server has none of that name */
export const findProcedure = (context: SessionContext, name: ProcedureName): ProcedureKey | undefined => {
  const key = name.object.toLowerCase();
  const database = name.database ?? context.database;
  if (!isSystemDatabase(database) && context.databaseId(database) === undefined) return undefined;
  const schema = name.schema?.toLowerCase();
  if (schema !== undefined && schema !== 'sys' && schema !== 'dbo') return undefined;
  const system = master.find((entry) => entry.toLowerCase() === key);
  const found: ProcedureKey | undefined =
    system ?? (sameName(database, 'msdb') ? msdb.find((entry) => entry === key) : undefined);
  if (found === undefined) return undefined;
  const gate = requires[found];
  return gate === undefined || gate(context) ? found : undefined;
};

/** System procedures that this server shows in its catalog. */
export const systemProcedures = (context: SessionContext): readonly string[] =>
  master.filter((key) => requires[key]?.(context) ?? true);
