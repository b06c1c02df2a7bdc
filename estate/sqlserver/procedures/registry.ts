/** Procedures by name. */
import type { ObjectName, ProcedureCall } from '../../sql/host';
import { type SessionContext, sameName } from '../context';
import * as agent from './agent';
import { withRollback } from './agent-rollback';
import * as catalog from './client-catalog';
import * as help from './help';
import { findProcedure, type ProcedureKey } from './names';
import * as routines from './routine-catalog';
import type { Procedure } from './server';
import * as server from './server';
import { turnedOff } from './surface-area';
import * as tables from './table-catalog';

/** Handled before it gets here, by the engine. */
type Elsewhere = 'sp_executesql';

const procedures: Readonly<Record<Exclude<ProcedureKey, Elsewhere>, Procedure>> = {
  sp_certificate_add_issuer: server.addIssuer,
  sp_certificate_remove_issuer: server.removeIssuer,
  sp_validate_certificate_ca_chain: server.validateChain,
  sp_get_endpoint_certificate: server.endpointCertificate,
  sp_multidb_milink: server.multiDatabaseLink,
  sp_configure: server.configure,
  sp_readerrorlog: server.readErrorLog,
  xp_readerrorlog: server.readErrorLog,
  sp_who: server.who,
  sp_who2: server.who2,
  sp_helpdb: server.helpDatabase,
  sp_helpsrvrolemember: server.helpRoleMembers,
  sp_addsrvrolemember: server.addRoleMember,
  sp_dropsrvrolemember: server.dropRoleMember,
  sp_addlinkedserver: server.addLinkedServer,
  sp_addlinkedsrvlogin: server.addLinkedLogin,
  sp_dropserver: server.dropServer,
  sp_linkedservers: server.linkedServers,
  sp_addmessage: server.addMessage,
  sp_databases: catalog.databases,
  sp_datatype_info: routines.datatypeInfo,
  sp_datatype_info_100: routines.datatypeInfo,
  sp_server_info: catalog.serverInformation,
  sp_tables: tables.tables,
  sp_columns: tables.columns,
  sp_columns_100: tables.columnsWide,
  sp_pkeys: tables.primaryKeys,
  sp_fkeys: tables.foreignKeys,
  sp_statistics: tables.statistics,
  sp_statistics_100: tables.statistics,
  sp_special_columns: tables.specialColumns,
  sp_special_columns_100: tables.specialColumns,
  sp_stored_procedures: routines.storedProcedures,
  sp_sproc_columns: routines.procedureColumns,
  sp_sproc_columns_100: routines.procedureColumnsWide,
  sp_help: help.help,
  sp_helpindex: help.helpIndex,
  sp_helpfile: help.helpFile,
  sp_helplogins: help.helpLogins,
  sp_helptext: help.helpText,
  sp_spaceused: help.spaceUsed,
  xp_msver: catalog.serverVersion,
  xp_cmdshell: turnedOff('xp_cmdshell'),
  sp_OACreate: turnedOff('Ole Automation Procedures'),
  sp_OADestroy: turnedOff('Ole Automation Procedures'),
  sp_OAMethod: turnedOff('Ole Automation Procedures'),
  sp_OAGetProperty: turnedOff('Ole Automation Procedures'),
  sp_OASetProperty: turnedOff('Ole Automation Procedures'),
  sp_add_job: withRollback(agent.addJob),
  sp_add_jobstep: withRollback(agent.addJobStep),
  sp_add_jobserver: withRollback(agent.addJobServer),
  sp_add_jobschedule: withRollback(agent.addJobSchedule),
  sp_add_schedule: withRollback(agent.addScheduleProcedure),
  sp_attach_schedule: withRollback(agent.attachSchedule),
  sp_update_job: withRollback(agent.updateJob),
  sp_delete_job: withRollback(agent.deleteJob),
  sp_delete_schedule: withRollback(agent.deleteSchedule),
  sp_detach_schedule: withRollback(agent.detachSchedule),
  sp_delete_jobstep: withRollback(agent.deleteJobStep),
  sp_help_jobstep: agent.helpJobStep,
  sp_add_category: withRollback(agent.addCategory),
  sp_delete_category: withRollback(agent.deleteCategory),
  sp_add_proxy: agent.addProxy,
  sysmail_add_profile_sp: agent.addMailProfile,
  sp_start_job: agent.startJobProcedure,
  sp_stop_job: agent.stopJob,
  sp_help_job: agent.helpJob,
  sp_add_operator: withRollback(agent.addOperator),
  sp_purge_jobhistory: agent.purgeHistory,
};

const isHere = (key: ProcedureKey): key is Exclude<ProcedureKey, Elsewhere> => key in procedures;

/** Words of the journal: secrets among the arguments stay out. */
const callText = (call: ProcedureCall): string =>
  `EXEC ${[call.name.database, call.name.schema, call.name.object].filter((part) => part !== undefined).join('.')}`;

/** @returns undefined when this server has no such procedure (2812) */
export const openProcedure = (
  context: SessionContext,
  name: ObjectName,
): ((call: ProcedureCall) => Promise<number>) | undefined => {
  if (name.server !== undefined && !sameName(name.server, context.instance.serverName)) return undefined;
  const key = findProcedure(context, name);
  if (key === undefined || !isHere(key)) return undefined;
  return (call) =>
    context.world.journal.run(
      {
        surface: 'tsql',
        instance: context.instanceName,
        actor: context.loginName,
        session: context.spid,
        text: callText(call),
      },
      () => procedures[key](context, call),
    );
};
