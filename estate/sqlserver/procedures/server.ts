/** Procedures of the server: link trust, settings, logs, sessions, linked servers, catalog of clients. */
import type { ProcedureCall } from '../../sql/host';
import { type SessionContext, systemDatabases } from '../context';
import { serverError, serverInfo } from '../messages/raise';
import { fixedServerRoles, serverPrincipals, serverRoleMembers } from '../principals';
import { dateTime } from '../values';
import { filesOf } from '../views/files';
import { Arguments } from './arguments';
import { datetime, int, nvarchar, sendRows, smallint, sysnameType, varbinary } from './results';

export type Procedure = (context: SessionContext, call: ProcedureCall) => Promise<number>;

const requireSysadmin = (context: SessionContext): void => {
  if (!context.isSysadmin) throw serverError(15247);
};

export const addIssuer: Procedure = async (context, call) => {
  requireSysadmin(context);
  const args = new Arguments(call, ['certificate_id!', 'dns_name!']);
  context.world.certificates.addIssuer(
    context.instanceName,
    args.number('certificate_id') ?? 0,
    args.text('dns_name') ?? '',
  );
  return 0;
};

export const removeIssuer: Procedure = async () => {
  throw serverError(40510, ['sp_certificate_remove_issuer']);
};

export const validateChain: Procedure = async (context, call) => {
  requireSysadmin(context);
  const args = new Arguments(call, ['certificate_id!']);
  context.world.certificates.validateChain(context.instanceName, args.number('certificate_id') ?? 0);
  return 0;
};

/** EXEC sp_get_endpoint_certificate 4: public key of the endpoint of type 4 (DATABASE_MIRRORING). */
export const endpointCertificate: Procedure = async (context, call) => {
  requireSysadmin(context);
  const args = new Arguments(call, ['endpoint_type!']);
  if (args.number('endpoint_type') !== 4) throw serverError(15021, ['@endpoint_type']);
  const certificate = context.world.certificates.endpointCertificate(context.instanceName);
  await sendRows(call.output, [['publickey', varbinary('max')]], [[certificate.der]]);
  return 0;
};

/** Without argument it answers the mode (documented probe); with one it sets it, while no link exists. */
export const multiDatabaseLink: Procedure = async (context, call) => {
  requireSysadmin(context);
  const args = new Arguments(call, ['enable']);
  const wanted = args.number('enable');
  if (wanted === null) {
    await sendRows(call.output, [['enabled', int]], [[context.state.multiDatabaseLink ? 1 : 0]]);
    return 0;
  }
  if (wanted !== 0 && wanted !== 1) throw serverError(15021, ['@enable']);
  const linked = [...context.instance.groups.values()].some((group) => group.distributed);
  if (linked && context.state.multiDatabaseLink !== (wanted === 1)) throw serverError(15205);
  context.state.multiDatabaseLink = wanted === 1;
  context.world.journal.mark(`set multi-database link mode of ${context.instanceName} to ${wanted}`);
  return 0;
};

export const configure: Procedure = async (context, call) => {
  const args = new Arguments(call, ['configname', 'configvalue']);
  const asked = args.text('configname');
  const advanced = (context.state.configuration('show advanced options')?.valueInUse ?? 0) === 1;
  const visible = context.state.configurations.filter((entry) => advanced || !entry.advanced);
  const matches =
    asked === null
      ? visible
      : visible.filter((entry) => entry.name.toLowerCase().startsWith(asked.toLowerCase()));
  const exact =
    asked === null ? undefined : matches.find((entry) => entry.name.toLowerCase() === asked.toLowerCase());
  if (asked !== null && matches.length === 0) throw serverError(15123, [asked]);
  if (asked !== null && exact === undefined && matches.length > 1) throw serverError(15124, [asked]);
  const value = args.number('configvalue');
  if (value === null) {
    const shown = exact === undefined ? matches : [exact];
    await sendRows(
      call.output,
      [
        ['name', nvarchar(35)],
        ['minimum', int],
        ['maximum', int],
        ['config_value', int],
        ['run_value', int],
      ],
      [...shown]
        .sort((left, right) => left.name.localeCompare(right.name))
        .map((entry) => [entry.name, entry.minimum, entry.maximum, entry.value, entry.valueInUse]),
    );
    return 0;
  }
  if (!context.may('ALTER SETTINGS')) throw serverError(15247);
  const entry = exact ?? matches[0];
  if (entry === undefined) throw serverError(15123, [asked ?? '']);
  if (value < entry.minimum || value > entry.maximum) throw serverError(15129, [value, entry.name]);
  const before = entry.value;
  entry.value = value;
  if (before !== value)
    context.world.journal.mark(`configure ${entry.name} = ${value} on ${context.instanceName}`);
  call.output.info(serverInfo(15457, [entry.name, before, value]));
  return 0;
};

/** Error log, newest file only: @p1 file number, @p2 1 = SQL Server, @p3 and @p4 search texts. */
export const readErrorLog: Procedure = async (context, call) => {
  if (!context.may('VIEW SERVER STATE')) throw serverError(15247);
  const args = new Arguments(call, ['p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7']);
  const [first, second] = [args.text('p3'), args.text('p4')];
  const older = (args.number('p1') ?? 0) > 0 || (args.number('p2') ?? 1) === 2;
  const has = (text: string, wanted: string | null): boolean =>
    wanted === null || wanted === '' || text.toLowerCase().includes(wanted.toLowerCase());
  const entries = older
    ? []
    : context.instance.errorLog.filter((entry) => has(entry.text, first) && has(entry.text, second));
  const ordered = args.text('p7')?.toLowerCase() === 'desc' ? [...entries].reverse() : entries;
  await sendRows(
    call.output,
    [
      ['LogDate', datetime],
      ['ProcessInfo', nvarchar(50)],
      ['Text', nvarchar(4000)],
    ],
    ordered.map((entry) => [dateTime(entry.at), entry.process, entry.text]),
  );
  return 0;
};

export const who: Procedure = async (context, call) => {
  new Arguments(call, ['loginame']);
  const sessions = [...context.instance.sessions.values()];
  await sendRows(
    call.output,
    [
      ['spid', smallint],
      ['ecid', smallint],
      ['status', nvarchar(30)],
      ['loginame', sysnameType],
      ['hostname', sysnameType],
      ['blk', nvarchar(5)],
      ['dbname', sysnameType],
      ['cmd', nvarchar(26)],
      ['request_id', int],
    ],
    sessions.map((session) => [
      session.spid,
      0,
      session.status,
      session.login,
      session.hostName,
      '0',
      session.database,
      session.command ?? 'AWAITING COMMAND',
      0,
    ]),
  );
  return 0;
};

export const who2: Procedure = async (context, call) => {
  new Arguments(call, ['loginame']);
  await sendRows(
    call.output,
    [
      ['SPID', nvarchar(5)],
      ['Status', nvarchar(30)],
      ['Login', sysnameType],
      ['HostName', sysnameType],
      ['BlkBy', nvarchar(5)],
      ['DBName', sysnameType],
      ['Command', nvarchar(26)],
      ['CPUTime', nvarchar(30)],
      ['DiskIO', nvarchar(30)],
      ['LastBatch', nvarchar(30)],
      ['ProgramName', sysnameType],
      ['SPID', nvarchar(5)],
      ['REQUESTID', nvarchar(5)],
    ],
    [...context.instance.sessions.values()].map((session) => [
      String(session.spid).padEnd(5),
      session.status,
      session.login,
      session.hostName,
      '  .',
      session.database,
      session.command ?? 'AWAITING COMMAND',
      '0',
      '0',
      new Date(session.requestStartedAt ?? session.loginTime).toISOString(),
      session.applicationName,
      String(session.spid).padEnd(5),
      '0    ',
    ]),
  );
  return 0;
};

export const megabytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(2).padStart(10)} MB`;

export const helpDatabase: Procedure = async (context, call) => {
  const asked = new Arguments(call, ['dbname']).text('dbname');
  const names = [
    ...systemDatabases.map((entry) => entry.name),
    ...context.userDatabases().map((entry) => entry.name),
  ];
  const shown = asked === null ? names : names.filter((name) => name.toLowerCase() === asked.toLowerCase());
  if (shown.length === 0) throw serverError(15010, [asked ?? '']);
  await sendRows(
    call.output,
    [
      ['name', sysnameType],
      ['db_size', nvarchar(13)],
      ['owner', sysnameType],
      ['dbid', smallint],
      ['created', nvarchar(11)],
      ['status', nvarchar(600)],
      ['compatibility_level', { kind: 'tinyint' }],
    ],
    shown.map((name) => {
      const database = context.world.databases.find(context.instanceName, name);
      const size = filesOf(context, name).reduce((sum, file) => sum + file.sizeBytes, 0);
      const status = `Status=${database?.state ?? 'ONLINE'}, Updateability=${database?.options.readOnly === true ? 'READ_ONLY' : 'READ_WRITE'}, UserAccess=${database?.options.userAccess ?? 'MULTI_USER'}, Recovery=${database?.options.recoveryModel ?? 'SIMPLE'}`;
      return [
        name,
        megabytes(size),
        'sa',
        context.databaseId(name) ?? null,
        new Date(database?.createdAt ?? context.instance.startedAt).toISOString().slice(0, 10),
        status,
        database?.options.compatibilityLevel ?? context.major * 10,
      ];
    }),
  );
  return 0;
};

export const helpRoleMembers: Procedure = async (context, call) => {
  const asked = new Arguments(call, ['srvrolename']).text('srvrolename');
  const principals = serverPrincipals(context);
  const byId = (id: number) => principals.find((principal) => principal.id === id);
  await sendRows(
    call.output,
    [
      ['ServerRole', sysnameType],
      ['MemberName', sysnameType],
      ['MemberSID', varbinary(85)],
    ],
    serverRoleMembers(context)
      .map(
        ([role, member]) =>
          [byId(role)?.name ?? '', byId(member)?.name ?? '', byId(member)?.sid ?? null] as const,
      )
      .filter(([role]) => asked === null || role.toLowerCase() === asked.toLowerCase()),
  );
  return 0;
};

const changeRole =
  (member: boolean): Procedure =>
  async (context, call) => {
    if (!context.may('ALTER ANY SERVER ROLE')) throw serverError(15247);
    const args = new Arguments(call, ['loginame!', 'rolename!']);
    const login = args.text('loginame') ?? '';
    if (!context.instance.logins.has(login.toLowerCase())) throw serverError(15007, [login]);
    const role = (args.text('rolename') ?? '').toLowerCase();
    const known = role in fixedServerRoles || context.state.serverRoles.has(role);
    if (!known || role === 'public') throw serverError(15151, ['alter', 'server role', role]);
    context.world.logins.setRole(context.instanceName, login, role, member);
    return 0;
  };

export const addRoleMember = changeRole(true);
export const dropRoleMember = changeRole(false);

export const addLinkedServer: Procedure = async (context, call) => {
  if (!context.may('ALTER ANY LINKED SERVER')) throw serverError(15247);
  const args = new Arguments(call, [
    'server!',
    'srvproduct',
    'provider',
    'datasrc',
    'location',
    'provstr',
    'catalog',
    'linkedstyle',
  ]);
  const name = args.text('server') ?? '';
  const key = name.toLowerCase();
  if (context.state.linkedServers.has(key)) throw serverError(15028, [name]);
  context.state.linkedServers.set(key, {
    serverId: context.state.linkedServers.size + 1,
    name,
    product: args.text('srvproduct') ?? '',
    provider: args.text('provider') ?? 'SQLNCLI',
    dataSource: args.text('datasrc') ?? name,
    catalog: args.text('catalog'),
    logins: [{ localLogin: null, remoteName: null }],
    modifiedAt: context.now(),
  });
  context.world.journal.mark(`add linked server ${name} on ${context.instanceName}`);
  return 0;
};

export const addLinkedLogin: Procedure = async (context, call) => {
  if (!context.may('ALTER ANY LOGIN')) throw serverError(15247);
  const args = new Arguments(call, ['rmtsrvname!', 'useself', 'locallogin', 'rmtuser', 'rmtpassword']);
  const server = context.state.linkedServers.get((args.text('rmtsrvname') ?? '').toLowerCase());
  if (server === undefined) throw serverError(15015, [args.text('rmtsrvname') ?? '']);
  const self = (args.text('useself') ?? 'TRUE').toUpperCase() === 'TRUE';
  const local = args.text('locallogin');
  const kept = server.logins.filter((login) => login.localLogin !== local);
  server.logins.splice(0, server.logins.length, ...kept, {
    localLogin: local,
    remoteName: self ? null : args.text('rmtuser'),
  });
  context.world.journal.mark(`map login to linked server ${server.name} on ${context.instanceName}`);
  return 0;
};

export const dropServer: Procedure = async (context, call) => {
  if (!context.may('ALTER ANY LINKED SERVER')) throw serverError(15247);
  const args = new Arguments(call, ['server!', 'droplogins']);
  const name = args.text('server') ?? '';
  if (!context.state.linkedServers.delete(name.toLowerCase())) throw serverError(15015, [name]);
  context.world.journal.mark(`drop linked server ${name} on ${context.instanceName}`);
  return 0;
};

export const linkedServers: Procedure = async (context, call) => {
  await sendRows(
    call.output,
    [
      ['SRV_NAME', sysnameType],
      ['SRV_PROVIDERNAME', sysnameType],
      ['SRV_PRODUCT', sysnameType],
      ['SRV_DATASOURCE', nvarchar(4000)],
    ],
    [
      [context.instance.serverName, 'SQLNCLI', 'SQL Server', context.instance.serverName],
      ...[...context.state.linkedServers.values()].map((server) => [
        server.name,
        server.provider,
        server.product,
        server.dataSource,
      ]),
    ],
  );
  return 0;
};

/** @throws 15040 (number), 15041 (severity), 15043 (taken; REPLACE overwrites) */
export const addMessage: Procedure = async (context, call) => {
  requireSysadmin(context);
  const args = new Arguments(call, ['msgnum!', 'severity!', 'msgtext!', 'lang', 'with_log', 'replace']);
  const number = args.number('msgnum') ?? 0;
  const severity = args.number('severity') ?? 0;
  if (number < 50_001) throw serverError(15040);
  if (severity < 1 || severity > 25) throw serverError(15041);
  const replaces = args.text('replace')?.toLowerCase() === 'replace';
  if (context.state.messages.has(number) && !replaces) throw serverError(15043);
  context.state.messages.set(number, { severity, text: args.text('msgtext') ?? '' });
  context.world.journal.mark(`add message ${number} on ${context.instanceName}`);
  return 0;
};
