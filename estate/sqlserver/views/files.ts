/** Files of databases, system and user, as the file views and BACKUP see them. */

import { type SessionContext, sameName, systemDatabases } from '../context';

export interface FileFacts {
  readonly databaseId: number;
  readonly fileId: number;
  readonly type: number;
  readonly typeDesc: string;
  readonly dataSpaceId: number;
  readonly name: string;
  readonly physicalName: string;
  readonly state: number;
  readonly stateDesc: string;
  readonly sizeBytes: number;
  readonly maxSizeBytes: number | undefined;
  readonly growthBytes: number;
  readonly isLog: boolean;
}

const fileTypeCode = { ROWS: 0, LOG: 1, FILESTREAM: 2 } as const;
const fileStateCode = { ONLINE: 0, OFFLINE: 6, DEFUNCT: 7 } as const;

const systemFile = (
  context: SessionContext,
  id: number,
  name: string,
  path: string,
  log: boolean,
): FileFacts => ({
  databaseId: id,
  fileId: log ? 2 : 1,
  type: log ? 1 : 0,
  typeDesc: log ? 'LOG' : 'ROWS',
  dataSpaceId: log ? 0 : 1,
  name,
  physicalName: `${context.instance.platform === 'linux' ? '/var/opt/mssql/data/' : 'C:\\Program Files\\Microsoft SQL Server\\MSSQL\\DATA\\'}${path}`,
  state: 0,
  stateDesc: 'ONLINE',
  sizeBytes: 8 * 1024 * 1024,
  maxSizeBytes: undefined,
  growthBytes: 64 * 1024 * 1024,
  isLog: log,
});

const systemFiles = (context: SessionContext, id: number): FileFacts[] => {
  const names: Readonly<Record<number, readonly [string, string, string, string]>> = {
    1: ['master', 'master.mdf', 'mastlog', 'mastlog.ldf'],
    2: ['tempdev', 'tempdb.mdf', 'templog', 'templog.ldf'],
    3: ['modeldev', 'model.mdf', 'modellog', 'modellog.ldf'],
    4: ['MSDBData', 'MSDBData.mdf', 'MSDBLog', 'MSDBLog.ldf'],
  };
  const found = names[id];
  if (found === undefined) return [];
  return [
    systemFile(context, id, found[0], found[1], false),
    systemFile(context, id, found[2], found[3], true),
  ];
};

/** Files of one database, system or user. */
export const filesOf = (context: SessionContext, name: string): FileFacts[] => {
  const system = systemDatabases.find((entry) => sameName(entry.name, name));
  if (system !== undefined) return systemFiles(context, system.id);
  const database = context.world.databases.find(context.instanceName, name);
  if (database === undefined) return [];
  const log = context.world.databases.log(context.instanceName, name);
  const firstLog = database.files.find((file) => file.type === 'LOG');
  return database.files.map((file) => ({
    databaseId: database.databaseId,
    fileId: file.fileId,
    type: fileTypeCode[file.type],
    typeDesc: file.type,
    dataSpaceId:
      file.type === 'LOG'
        ? 0
        : (database.filegroups.find((group) => sameName(group.name, file.filegroup ?? 'PRIMARY'))
            ?.dataSpaceId ?? 1),
    name: file.logicalName,
    physicalName: file.physicalName,
    state: fileStateCode[file.state],
    stateDesc: file.state,
    sizeBytes: file === firstLog ? log.sizeBytes : file.sizeBytes,
    maxSizeBytes: file === firstLog ? log.maxSizeBytes : file.maxSizeBytes,
    growthBytes: file.growthBytes,
    isLog: file.type === 'LOG',
  }));
};
