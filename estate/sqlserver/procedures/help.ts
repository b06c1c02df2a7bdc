/** sp_help and its relatives. */
import type { StoredTable } from '../../sql/storage';
import type { SqlType, SqlValue } from '../../sql/types';
import { isSystemDatabase, type SessionContext } from '../context';
import { splitName } from '../functions/names';
import { serverError, serverInfo } from '../messages/raise';
import { sameBytes, serverPrincipals } from '../principals';
import { catalogStore } from '../stores';
import { typeFacts } from '../system-types';
import { dateTime } from '../values';
import { filesOf } from '../views/files';
import { spaceOf } from '../views/indexes';
import { defaultOf, keyOf, tablesOf } from '../views/table-facts';
import { Arguments } from './arguments';
import { datetime, int, nvarchar, sendRows, smallint, sysnameType, varbinary, varchar } from './results';
import { megabytes, type Procedure } from './server';

const kilobytes = (bytes: number): string => `${Math.ceil(bytes / 1024)} KB`;
const pageBytes = 8192;

/** @throws 15009 when there is no such object here */
const named = (context: SessionContext, text: string): StoredTable => {
  const name = splitName(text);
  const table =
    name === undefined
      ? undefined
      : catalogStore(context, name.database ?? context.database)?.table(name.schema ?? 'dbo', name.object);
  if (table === undefined) throw serverError(15009, [text, context.database]);
  return table;
};

const objectList = async (context: SessionContext, call: Parameters<Procedure>[1]): Promise<void> => {
  const rows = tablesOf(context, context.database).flatMap((table) => {
    const { name, schema } = table.definition;
    const key = keyOf(table);
    return [
      [name, schema, 'user table'],
      ...(key === undefined ? [] : [[key.name, schema, 'primary key cns']]),
    ];
  });
  await sendRows(
    call.output,
    [
      ['Name', sysnameType],
      ['Owner', sysnameType],
      ['Object_type', nvarchar(31)],
    ],
    rows,
  );
};

/** Without a name the objects of the database; with one the table, its columns, identity, key and constraints. */
export const help: Procedure = async (context, call) => {
  const asked = new Arguments(call, ['objname']).text('objname');
  if (asked === null) {
    await objectList(context, call);
    return 0;
  }
  const table = named(context, asked);
  const { definition } = table;
  const created = context.world.databases.find(context.instanceName, context.database)?.createdAt;
  await sendRows(
    call.output,
    [
      ['Name', sysnameType],
      ['Owner', sysnameType],
      ['Type', nvarchar(31)],
      ['Created_datetime', datetime],
    ],
    [[definition.name, definition.schema, 'user table', dateTime(created ?? context.instance.startedAt)]],
  );
  await sendColumns(context, call, table);
  await sendIdentity(call, table);
  await sendRows(call.output, [['RowGuidCol', sysnameType]], [['No rowguidcol column defined.']]);
  await sendRows(call.output, [['Data_located_on_filegroup', sysnameType]], [['PRIMARY']]);
  await sendIndexes(call, table);
  await sendConstraints(call, table);
  return 0;
};

const sendColumns = (
  context: SessionContext,
  call: Parameters<Procedure>[1],
  table: StoredTable,
): Promise<void> =>
  sendRows(
    call.output,
    [
      ['Column_name', sysnameType],
      ['Type', sysnameType],
      ['Computed', varchar(35)],
      ['Length', int],
      ['Prec', nvarchar(5)],
      ['Scale', nvarchar(5)],
      ['Nullable', varchar(35)],
      ['TrimTrailingBlanks', varchar(35)],
      ['FixedLenNullInSource', varchar(35)],
      ['Collation', sysnameType],
    ],
    table.definition.columns.map((column) => {
      const facts = typeFacts(column.type);
      const sized = /char|binary/.test(column.type.kind);
      return [
        column.name,
        column.type.kind,
        'no',
        facts.maxLength,
        facts.precision === 0 ? '     ' : String(facts.precision).padEnd(5),
        facts.precision === 0 ? '     ' : String(facts.scale).padEnd(5),
        column.nullable ? 'yes' : 'no',
        sized ? 'no' : '(n/a)',
        sized ? (column.nullable ? 'yes' : 'no') : '(n/a)',
        facts.character ? context.instance.collation : null,
      ];
    }),
  );

const sendIdentity = (call: Parameters<Procedure>[1], table: StoredTable): Promise<void> => {
  const column = table.definition.columns.find((entry) => entry.identity !== undefined);
  const { identity } = column ?? {};
  return sendRows(
    call.output,
    [
      ['Identity', sysnameType],
      ['Seed', { kind: 'bigint' }],
      ['Increment', { kind: 'bigint' }],
      ['Not For Replication', int],
    ],
    [
      column === undefined
        ? ['No identity column defined.', null, null, null]
        : [column.name, identity?.seed ?? null, identity?.increment ?? null, 0],
    ],
  );
};

const sendIndexes = async (call: Parameters<Procedure>[1], table: StoredTable): Promise<boolean> => {
  const key = keyOf(table);
  if (key === undefined) return false;
  await sendRows(
    call.output,
    [
      ['index_name', sysnameType],
      ['index_description', varchar(210)],
      ['index_keys', nvarchar(2078)],
    ],
    [
      [
        key.name,
        'clustered, unique, primary key located on PRIMARY',
        key.columns.map((column) => column.name).join(', '),
      ],
    ],
  );
  return true;
};

const sendConstraints = async (call: Parameters<Procedure>[1], table: StoredTable): Promise<void> => {
  const key = keyOf(table);
  const defaults = table.definition.columns
    .map((column, index) => defaultOf(table, column, index + 1))
    .filter((entry) => entry !== undefined);
  const rows: SqlValue[][] = [
    ...defaults.map((entry) => [
      `DEFAULT on column ${entry.column.name}`,
      entry.name,
      '(n/a)',
      '(n/a)',
      '(n/a)',
      '(n/a)',
      entry.definition,
    ]),
    ...(key === undefined
      ? []
      : [
          [
            'PRIMARY KEY (clustered)',
            key.name,
            '(n/a)',
            '(n/a)',
            '(n/a)',
            '(n/a)',
            key.columns.map((column) => column.name).join(', '),
          ],
        ]),
  ];
  if (rows.length === 0) return;
  await sendRows(
    call.output,
    [
      ['constraint_type', nvarchar(146)],
      ['constraint_name', sysnameType],
      ['delete_action', nvarchar(11)],
      ['update_action', nvarchar(11)],
      ['status_enabled', varchar(8)],
      ['status_for_replication', varchar(19)],
      ['constraint_keys', nvarchar(2126)],
    ],
    rows,
  );
};

/** @throws 15009; without an index the message 15472 instead of rows */
export const helpIndex: Procedure = async (context, call) => {
  const asked = new Arguments(call, ['objname!']).text('objname') ?? '';
  if (!(await sendIndexes(call, named(context, asked)))) call.output.info(serverInfo(15472, [asked]));
  return 0;
};

/** Space of the database in two result sets, or of one table in one. */
export const spaceUsed: Procedure = async (context, call) => {
  const args = new Arguments(call, [
    'objname',
    'updateusage',
    'mode',
    'oneresultset',
    'include_total_xtp_storage',
  ]);
  const asked = args.text('objname');
  if (asked !== null) return tableSpace(call, named(context, asked));
  const files = filesOf(context, context.database);
  const size = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const data = files.filter((file) => !file.isLog).reduce((sum, file) => sum + file.sizeBytes, 0);
  const index = Math.round(data / 100);
  const unallocated: SqlValue[] = [context.database, megabytes(size).trim(), '0.00 MB'];
  const reserved: SqlValue[] = [kilobytes(data), kilobytes(data - index), kilobytes(index), '0 KB'];
  const head: (readonly [string, SqlType])[] = [
    ['database_name', sysnameType],
    ['database_size', varchar(18)],
    ['unallocated space', varchar(18)],
  ];
  const tail: (readonly [string, SqlType])[] = [
    ['reserved', varchar(18)],
    ['data', varchar(18)],
    ['index_size', varchar(18)],
    ['unused', varchar(18)],
  ];
  if (args.number('oneresultset') === 1) {
    await sendRows(call.output, [...head, ...tail], [[...unallocated, ...reserved]]);
    return 0;
  }
  await sendRows(call.output, head, [unallocated]);
  await sendRows(call.output, tail, [reserved]);
  return 0;
};

const tableSpace = async (call: Parameters<Procedure>[1], table: StoredTable): Promise<number> => {
  const space = spaceOf(table);
  const used = space.dataPages + space.indexPages;
  const reserved = Math.ceil(used / 8) * 8;
  await sendRows(
    call.output,
    [
      ['name', sysnameType],
      ['rows', { kind: 'char', length: 20 }],
      ['reserved', varchar(18)],
      ['data', varchar(18)],
      ['index_size', varchar(18)],
      ['unused', varchar(18)],
    ],
    [
      [
        table.definition.name,
        String(space.rows).padEnd(20),
        kilobytes(reserved * pageBytes),
        kilobytes(space.dataPages * pageBytes),
        kilobytes(space.indexPages * pageBytes),
        kilobytes((reserved - used) * pageBytes),
      ],
    ],
  );
  return 0;
};

/** @throws 15325 when there is no file of that name */
export const helpFile: Procedure = async (context, call) => {
  const asked = new Arguments(call, ['filename']).text('filename');
  const files = filesOf(context, context.database).filter(
    (file) => asked === null || file.name.toLowerCase() === asked.toLowerCase(),
  );
  if (asked !== null && files.length === 0) throw serverError(15325, [asked]);
  await sendRows(
    call.output,
    [
      ['name', sysnameType],
      ['fileid', smallint],
      ['filename', { kind: 'nchar', length: 260 }],
      ['filegroup', sysnameType],
      ['size', nvarchar(15)],
      ['maxsize', nvarchar(15)],
      ['growth', nvarchar(15)],
      ['usage', varchar(9)],
    ],
    files.map((file) => [
      file.name,
      file.fileId,
      file.physicalName.padEnd(260),
      file.isLog ? null : filegroupName(context, file.dataSpaceId),
      kilobytes(file.sizeBytes),
      file.maxSizeBytes === undefined ? 'Unlimited' : kilobytes(file.maxSizeBytes),
      kilobytes(file.growthBytes),
      file.isLog ? 'log only' : 'data only',
    ]),
  );
  return 0;
};

const filegroupName = (context: SessionContext, id: number): string =>
  context.world.databases
    .find(context.instanceName, context.database)
    ?.filegroups.find((group) => group.dataSpaceId === id)?.name ?? 'PRIMARY';

/** Logins, and in which databases they are users. @throws 15247, 15007 */
export const helpLogins: Procedure = async (context, call) => {
  const asked = new Arguments(call, ['LoginNamePattern']).text('LoginNamePattern');
  if (!context.may('ALTER ANY LOGIN')) throw serverError(15247);
  const logins = serverPrincipals(context).filter(
    (principal) =>
      principal.type !== 'R' && (asked === null || principal.name.toLowerCase() === asked.toLowerCase()),
  );
  if (asked !== null && logins.length === 0) throw serverError(15007, [asked]);
  const users = logins.flatMap((login) => usersOf(context, login.name, login.sid));
  await sendRows(
    call.output,
    [
      ['LoginName', sysnameType],
      ['SID', varbinary(85)],
      ['DefDBName', sysnameType],
      ['DefLangName', sysnameType],
      ['AUser', { kind: 'char', length: 5 }],
      ['ARemote', { kind: 'char', length: 7 }],
    ],
    logins.map((login) => [
      login.name,
      login.sid,
      context.instance.logins.get(login.name.toLowerCase())?.defaultDatabase ?? 'master',
      'us_english',
      users.some(([name]) => name === login.name) ? 'yes  ' : 'NO   ',
      'no     ',
    ]),
  );
  await sendRows(
    call.output,
    [
      ['LoginName', sysnameType],
      ['DBName', sysnameType],
      ['UserName', sysnameType],
      ['UserOrAlias', { kind: 'char', length: 8 }],
    ],
    users,
  );
  return 0;
};

const usersOf = (context: SessionContext, login: string, sid: Uint8Array): SqlValue[][] =>
  context
    .userDatabases()
    .filter((database) => !isSystemDatabase(database.name) && database.state === 'ONLINE')
    .flatMap((database) =>
      [...database.users.values()]
        .filter((user) => sameBytes(user.sid, sid))
        .flatMap((user) => [
          [login, database.name, user.name, 'User    '],
          ...[...user.roles].map((role) => [login, database.name, role, 'MemberOf']),
        ]),
    );

/** No user can make a module here, so no object has text. @throws 15009, 15197 */
export const helpText: Procedure = async (context, call) => {
  const asked = new Arguments(call, ['objname!', 'columnname']).text('objname') ?? '';
  named(context, asked);
  throw serverError(15197, [asked]);
};
