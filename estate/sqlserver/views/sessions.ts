/** Sessions, connections, requests and transactions. */
import type { Session } from '../../world/model';
import type { SessionContext } from '../context';
import { serverPrincipals } from '../principals';
import { dateTime, stableGuid } from '../values';
import {
  bigint,
  bit,
  datetime,
  defineView,
  guid,
  int,
  notNull,
  nvarchar,
  real,
  smallint,
  varbinary,
} from './definition';

const permission = 'VIEW SERVER STATE';

const sessionRow = (context: SessionContext, session: Session) => {
  const login = context.instance.logins.get(session.login.toLowerCase());
  const running = session.status === 'running';
  return {
    session_id: session.spid,
    login_time: dateTime(session.loginTime),
    host_name: session.hostName,
    program_name: session.applicationName,
    host_process_id: 4242,
    client_version: 7,
    client_interface_name: 'TDS',
    security_id: login?.sid ?? Uint8Array.of(0),
    login_name: session.login,
    nt_domain: null,
    nt_user_name: null,
    status: session.status,
    cpu_time: 0,
    memory_usage: 4,
    total_scheduled_time: 0,
    total_elapsed_time: 0,
    endpoint_id: 4,
    last_request_start_time: dateTime(session.requestStartedAt ?? session.loginTime),
    last_request_end_time: running ? null : dateTime(session.requestStartedAt ?? session.loginTime),
    reads: 0n,
    writes: 0n,
    logical_reads: 0n,
    is_user_process: true,
    text_size: 2_147_483_647,
    language: 'us_english',
    date_format: 'mdy',
    date_first: 7,
    quoted_identifier: true,
    arithabort: true,
    ansi_null_dflt_on: true,
    ansi_defaults: false,
    ansi_warnings: true,
    ansi_padding: true,
    ansi_nulls: true,
    concat_null_yields_null: true,
    transaction_isolation_level: 2,
    lock_timeout: -1,
    deadlock_priority: 0,
    row_count: 0n,
    prev_error: 0,
    original_security_id: login?.sid ?? Uint8Array.of(0),
    original_login_name: session.login,
    database_id: context.databaseId(session.database) ?? 1,
    authenticating_database_id: 1,
    open_transaction_count: session.openTransactions,
    page_server_reads: 0n,
  };
};

const sessions = (context: SessionContext): Session[] => {
  const all = [...context.instance.sessions.values()].sort((left, right) => left.spid - right.spid);
  // Without VIEW SERVER STATE a login sees only its own session (documented for these two views).
  return context.may(permission) ? all : all.filter((session) => session.spid === context.spid);
};

const requestColumns = {
  session_id: notNull(smallint),
  request_id: notNull(int),
  start_time: notNull(datetime),
  status: notNull(nvarchar(30)),
  command: notNull(nvarchar(32)),
  sql_handle: varbinary(64),
  statement_start_offset: int,
  statement_end_offset: int,
  plan_handle: varbinary(64),
  database_id: notNull(smallint),
  user_id: notNull(int),
  connection_id: guid,
  blocking_session_id: smallint,
  wait_type: nvarchar(60),
  wait_time: notNull(int),
  last_wait_type: notNull(nvarchar(60)),
  wait_resource: notNull(nvarchar(256)),
  open_transaction_count: notNull(int),
  open_resultset_count: notNull(int),
  transaction_id: notNull(bigint),
  context_info: varbinary(128),
  percent_complete: notNull(real),
  estimated_completion_time: notNull(bigint),
  cpu_time: notNull(int),
  total_elapsed_time: notNull(int),
  scheduler_id: int,
  reads: notNull(bigint),
  writes: notNull(bigint),
  logical_reads: notNull(bigint),
  transaction_isolation_level: notNull(smallint),
  row_count: notNull(bigint),
  group_id: notNull(int),
  is_resumable: notNull(bit),
} as const;

const requestDefaults = {
  request_id: 0,
  user_id: 1,
  wait_time: 0,
  last_wait_type: 'MISCELLANEOUS',
  wait_resource: '',
  blocking_session_id: 0,
  open_resultset_count: 1,
  cpu_time: 0,
  reads: 0n,
  writes: 0n,
  logical_reads: 0n,
  transaction_isolation_level: 2,
  row_count: 0n,
  group_id: 2,
  is_resumable: false,
};

const handleOf = (spid: number): Uint8Array => {
  const handle = new Uint8Array(44);
  handle[0] = 2;
  new DataView(handle.buffer).setUint32(4, spid);
  return handle;
};

/** Session id inside a handle that `handleOf` made (sys.dm_exec_sql_text). */
export const spidOfHandle = (handle: Uint8Array): number | undefined =>
  handle.length === 44
    ? new DataView(handle.buffer, handle.byteOffset, handle.byteLength).getUint32(4)
    : undefined;

function* requests(context: SessionContext) {
  const now = context.now();
  for (const session of sessions(context)) {
    if (session.status !== 'running') continue;
    const startedAt = session.requestStartedAt ?? now;
    yield {
      ...requestDefaults,
      session_id: session.spid,
      start_time: dateTime(startedAt),
      status: session.spid === context.spid ? 'running' : 'suspended',
      command: session.command ?? 'SELECT',
      sql_handle: handleOf(session.spid),
      statement_start_offset: 0,
      statement_end_offset: -1,
      database_id: context.databaseId(session.database) ?? 1,
      connection_id: stableGuid(`connection/${context.instanceName}/${session.spid}`),
      open_transaction_count: session.openTransactions,
      transaction_id: BigInt(session.spid),
      percent_complete: 0,
      estimated_completion_time: 0n,
      total_elapsed_time: Math.max(0, Math.round(now - startedAt)),
    };
  }
  if (!context.may(permission)) return;
  for (const request of context.world.instances.backgroundRequests(context.instanceName)) {
    const elapsed = Math.max(0, now - request.startedAt);
    const share = request.percentComplete / 100;
    yield {
      ...requestDefaults,
      session_id: request.sessionId,
      start_time: dateTime(request.startedAt),
      status: 'background',
      command: request.command,
      database_id: request.databaseId,
      open_transaction_count: 0,
      transaction_id: 0n,
      percent_complete: Math.fround(request.percentComplete),
      estimated_completion_time: share > 0 ? BigInt(Math.round((elapsed / share) * (1 - share))) : 0n,
      total_elapsed_time: Math.round(elapsed),
    };
  }
}

const openTransactions = (context: SessionContext): Session[] =>
  [...context.instance.sessions.values()].filter((session) => session.openTransactions > 0);

export const sessionViews = [
  defineView('sys.dm_exec_sessions', {
    columns: {
      session_id: notNull(smallint),
      login_time: notNull(datetime),
      host_name: nvarchar(128),
      program_name: nvarchar(128),
      host_process_id: int,
      client_version: int,
      client_interface_name: nvarchar(32),
      security_id: notNull(varbinary(85)),
      login_name: notNull(nvarchar(128)),
      nt_domain: nvarchar(128),
      nt_user_name: nvarchar(128),
      status: notNull(nvarchar(30)),
      context_info: varbinary(128),
      cpu_time: notNull(int),
      memory_usage: notNull(int),
      total_scheduled_time: notNull(int),
      total_elapsed_time: notNull(int),
      endpoint_id: notNull(int),
      last_request_start_time: notNull(datetime),
      last_request_end_time: datetime,
      reads: notNull(bigint),
      writes: notNull(bigint),
      logical_reads: notNull(bigint),
      is_user_process: notNull(bit),
      text_size: notNull(int),
      language: nvarchar(128),
      date_format: nvarchar(3),
      date_first: notNull(smallint),
      quoted_identifier: notNull(bit),
      arithabort: notNull(bit),
      ansi_null_dflt_on: notNull(bit),
      ansi_defaults: notNull(bit),
      ansi_warnings: notNull(bit),
      ansi_padding: notNull(bit),
      ansi_nulls: notNull(bit),
      concat_null_yields_null: notNull(bit),
      transaction_isolation_level: notNull(smallint),
      lock_timeout: notNull(int),
      deadlock_priority: notNull(int),
      row_count: notNull(bigint),
      prev_error: notNull(int),
      original_security_id: notNull(varbinary(85)),
      original_login_name: notNull(nvarchar(128)),
      database_id: notNull(smallint),
      authenticating_database_id: int,
      open_transaction_count: notNull(int),
    },
    rows: (context) => sessions(context).map((session) => sessionRow(context, session)),
  }),
  defineView('sys.dm_exec_connections', {
    permission,
    columns: {
      session_id: int,
      most_recent_session_id: int,
      connect_time: notNull(datetime),
      net_transport: notNull(nvarchar(40)),
      protocol_type: nvarchar(40),
      protocol_version: int,
      endpoint_id: int,
      encrypt_option: notNull(nvarchar(40)),
      auth_scheme: notNull(nvarchar(40)),
      node_affinity: notNull(smallint),
      num_reads: int,
      num_writes: int,
      last_read: datetime,
      last_write: datetime,
      net_packet_size: int,
      client_net_address: nvarchar(48),
      client_tcp_port: int,
      local_net_address: nvarchar(48),
      local_tcp_port: int,
      connection_id: notNull(guid),
      parent_connection_id: guid,
      most_recent_sql_handle: varbinary(64),
    },
    rows: (context) =>
      sessions(context).map((session) => ({
        session_id: session.spid,
        most_recent_session_id: session.spid,
        connect_time: dateTime(session.loginTime),
        net_transport: 'TCP',
        protocol_type: 'TSQL',
        protocol_version: 1_946_157_060,
        endpoint_id: 4,
        encrypt_option: 'TRUE',
        auth_scheme: 'SQL',
        node_affinity: 0,
        net_packet_size: 4096,
        client_net_address: context.spid === session.spid ? context.client.remoteAddress : '127.0.0.1',
        connection_id: stableGuid(`connection/${context.instanceName}/${session.spid}`),
        most_recent_sql_handle: handleOf(session.spid),
      })),
  }),
  defineView('sys.dm_exec_requests', { columns: requestColumns, rows: requests }),
  defineView('sys.dm_tran_active_transactions', {
    permission,
    columns: {
      transaction_id: notNull(bigint),
      name: notNull(nvarchar(32)),
      transaction_begin_time: notNull(datetime),
      transaction_type: notNull(int),
      transaction_state: notNull(int),
    },
    rows: (context) =>
      openTransactions(context).map((session) => ({
        transaction_id: BigInt(session.spid),
        name: 'user_transaction',
        transaction_begin_time: dateTime(session.requestStartedAt ?? session.loginTime),
        transaction_type: 1,
        transaction_state: 2,
      })),
  }),
  defineView('sys.dm_tran_session_transactions', {
    permission,
    columns: {
      session_id: int,
      transaction_id: bigint,
      is_user_transaction: bit,
      is_local: bit,
      open_transaction_count: int,
    },
    rows: (context) =>
      openTransactions(context).map((session) => ({
        session_id: session.spid,
        transaction_id: BigInt(session.spid),
        is_user_transaction: true,
        is_local: true,
        open_transaction_count: session.openTransactions,
      })),
  }),
  defineView('sys.dm_tran_database_transactions', {
    permission,
    columns: {
      transaction_id: bigint,
      database_id: int,
      database_transaction_begin_time: datetime,
      database_transaction_type: int,
      database_transaction_state: int,
      database_transaction_log_bytes_used: bigint,
    },
    rows: (context) =>
      openTransactions(context).map((session) => ({
        transaction_id: BigInt(session.spid),
        database_id: context.databaseId(session.database) ?? 1,
        database_transaction_begin_time: dateTime(session.requestStartedAt ?? session.loginTime),
        database_transaction_type: 1,
        database_transaction_state: 4,
        database_transaction_log_bytes_used: 0n,
      })),
  }),
  defineView('sys.sysprocesses', {
    permission,
    columns: {
      spid: smallint,
      kpid: smallint,
      blocked: smallint,
      status: nvarchar(30),
      loginame: nvarchar(128),
      hostname: nvarchar(128),
      program_name: nvarchar(128),
      dbid: smallint,
      cmd: nvarchar(26),
      login_time: datetime,
      last_batch: datetime,
      open_tran: smallint,
      sid: varbinary(86),
    },
    rows: (context) =>
      sessions(context).map((session) => ({
        spid: session.spid,
        kpid: 0,
        blocked: 0,
        status: session.status,
        loginame: session.login,
        hostname: session.hostName,
        program_name: session.applicationName,
        dbid: context.databaseId(session.database) ?? 1,
        cmd: session.command ?? 'AWAITING COMMAND',
        login_time: dateTime(session.loginTime),
        last_batch: dateTime(session.requestStartedAt ?? session.loginTime),
        open_tran: session.openTransactions,
        sid: serverPrincipals(context).find((principal) => principal.name === session.login)?.sid ?? null,
      })),
  }),
];
