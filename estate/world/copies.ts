/** How a copy of a database comes into being: created, taken from a scenario, or seeded from another copy. */
import { createHash } from 'node:crypto';
import { MemoryTableStore } from '../sql/session/memory-store';
import type { CreateDatabase } from './api';
import { type DatabaseDefinition, GB, MB } from './definition';
import { TransactionLog } from './log';
import type { DatabaseFile, DatabaseOptions, Filegroup } from './model';
import { DatabaseCopy, key, type MutableInstance, type WorldState } from './state';

/** Newest compatibility level of a version: 130 for 2016 up to 170 for 2025; of an instance, by its update policy. */
const compatibilityOf = ({ version, managed }: MutableInstance): number =>
  managed === undefined ? version.major * 10 : version.year >= 2025 ? 170 : 160;

const defaultOptions = (instance: MutableInstance): DatabaseOptions => ({
  recoveryModel: 'FULL',
  userAccess: 'MULTI_USER',
  readOnly: false,
  autoClose: false,
  compatibilityLevel: compatibilityOf(instance),
  collation: instance.collation,
  brokerEnabled: false,
  cdcEnabled: false,
  published: false,
  acceleratedRecovery: false,
  versionStoreFilegroup: 'PRIMARY',
  trustworthy: false,
  readCommittedSnapshot: false,
  snapshotIsolation: true,
});

/** CREATE DATABASE. It is not put into the instance's list. */
export function makeCopy(
  state: WorldState,
  instance: MutableInstance,
  request: CreateDatabase,
): DatabaseCopy {
  const now = state.clock.now();
  const settings = {
    sizeBytes: request.logBytes ?? 8 * MB,
    maxSizeBytes: request.logMaxBytes ?? 2048 * GB,
    growthBytes: request.logGrowthBytes ?? 64 * MB,
  };
  const format = { vlfBytes: vlfSize(settings.sizeBytes), firstVlf: state.random.integer(30, 60) };
  const options = { ...defaultOptions(instance), ...request.options };
  const log = new TransactionLog(format, settings, now);
  const copy = new DatabaseCopy(instance.name, request.name, now, options, new MemoryTableStore(), log);
  copy.databaseId = instance.nextDatabaseId++;
  copy.dataBytes = request.dataBytes ?? 8 * MB;
  copy.familyGuid = state.random.guid();
  copy.recoveryForkGuid = state.random.guid();
  copy.filegroups = [{ dataSpaceId: 1, name: 'PRIMARY', type: 'FG', isDefault: true }];
  copy.files = [dataFile(instance, copy), logFile(instance, copy, settings)];
  if (request.syntheticLogRate !== undefined) log.setSyntheticSlope(request.syntheticLogRate / 1000);
  return copy;
}

/** A database as the scenario describes it. */
export function copyFromDefinition(
  state: WorldState,
  instance: MutableInstance,
  definition: DatabaseDefinition,
): DatabaseCopy {
  const copy = makeCopy(state, instance, {
    name: definition.name,
    dataBytes: definition.dataBytes,
    logBytes: definition.logBytes,
    logMaxBytes: definition.logMaxBytes,
    logGrowthBytes: definition.logGrowthBytes,
    options: optionsOf(definition),
    syntheticLogRate: definition.syntheticLogRate,
  });
  copy.state = definition.state;
  addFiles(instance, copy, definition);
  definition.users.forEach((user, index) => {
    const login = instance.logins.get(key(user.login ?? user.name));
    const sid = login?.sid ?? state.random.bytes(16);
    copy.users.set(key(user.name), { name: user.name, principalId: 5 + index, sid, roles: new Set() });
  });
  return copy;
}

/** The empty copy that seeding fills: same files, options and log format, RESTORING. */
export function copyForSeeding(
  state: WorldState,
  source: DatabaseCopy,
  target: MutableInstance,
): DatabaseCopy {
  const now = state.clock.now();
  const settings = {
    sizeBytes: source.log.sizeBytes,
    maxSizeBytes: source.log.maxSizeBytes,
    growthBytes: source.log.growthBytes,
  };
  const log = new TransactionLog(source.log.format, settings, now);
  const copy = new DatabaseCopy(target.name, source.name, now, source.options, new MemoryTableStore(), log);
  copy.databaseId = target.nextDatabaseId++;
  copy.state = 'RESTORING';
  copy.dataBytes = source.dataBytes;
  copy.familyGuid = source.familyGuid;
  copy.recoveryForkGuid = source.recoveryForkGuid;
  copy.filegroups = source.filegroups;
  copy.files = source.files.map((file) => ({
    ...file,
    physicalName: pathOf(target, file.logicalName, file.type),
  }));
  return copy;
}

function optionsOf(definition: DatabaseDefinition): Partial<DatabaseOptions> {
  return {
    recoveryModel: definition.recoveryModel,
    userAccess: definition.userAccess,
    readOnly: definition.readOnly,
    autoClose: definition.autoClose,
    brokerEnabled: definition.brokerEnabled,
    cdcEnabled: definition.cdcEnabled,
    published: definition.published,
    acceleratedRecovery: definition.acceleratedRecovery,
    versionStoreFilegroup: definition.versionStoreFilegroup,
    ...(definition.compatibilityLevel === undefined
      ? {}
      : { compatibilityLevel: definition.compatibilityLevel }),
    ...(definition.collation === undefined ? {} : { collation: definition.collation }),
    ...(definition.unsupportedFeature === undefined
      ? {}
      : { unsupportedFeature: definition.unsupportedFeature }),
    ...(definition.tdeCertificate === undefined ? {} : tdeOptions(definition.tdeCertificate)),
    ...(definition.tdeKey === undefined
      ? {}
      : { ...tdeOptions(`${definition.tdeKey} ${definition.name}`), tdeKey: definition.tdeKey }),
  };
}

const tdeOptions = (name: string): Partial<DatabaseOptions> => ({
  tdeCertificateName: name,
  tdeThumbprint: createHash('sha1').update(`tde ${name}`).digest('hex').toUpperCase(),
});

function addFiles(instance: MutableInstance, copy: DatabaseCopy, definition: DatabaseDefinition): void {
  const filegroups: Filegroup[] = [...copy.filegroups];
  const files: DatabaseFile[] = [...copy.files];
  const group = (name: string, type: Filegroup['type']): string => {
    if (!filegroups.some((one) => key(one.name) === key(name))) {
      filegroups.push({ dataSpaceId: filegroups.length + 1, name, type, isDefault: false });
    }
    return name;
  };
  const add = (file: Omit<DatabaseFile, 'fileId' | 'physicalName' | 'growthBytes'>) =>
    files.push({
      ...file,
      fileId: files.length + 1,
      physicalName: pathOf(instance, file.logicalName, file.type),
      growthBytes: 64 * MB,
    });
  for (const file of definition.extraFiles) {
    const type = file.type === 'FILESTREAM' ? 'FD' : 'FG';
    add({
      type: file.type,
      logicalName: file.name,
      state: file.state,
      sizeBytes: file.sizeBytes,
      ...(file.type === 'LOG'
        ? {}
        : { filegroup: group(file.filegroup ?? (type === 'FD' ? 'FILESTREAM' : 'PRIMARY'), type) }),
    });
  }
  if (definition.memoryOptimized) {
    // In-memory containers show as FILESTREAM files, but their filegroup is of type FX.
    add({
      type: 'FILESTREAM',
      logicalName: `${copy.name}_xtp`,
      state: 'ONLINE',
      sizeBytes: 64 * MB,
      filegroup: group('XTP', 'FX'),
    });
  }
  copy.filegroups = filegroups;
  copy.files = files;
}

const dataFile = (instance: MutableInstance, copy: DatabaseCopy): DatabaseFile => ({
  fileId: 1,
  type: 'ROWS',
  logicalName: copy.name,
  physicalName: pathOf(instance, copy.name, 'ROWS'),
  filegroup: 'PRIMARY',
  state: 'ONLINE',
  sizeBytes: copy.dataBytes,
  growthBytes: 64 * MB,
});

const logFile = (
  instance: MutableInstance,
  copy: DatabaseCopy,
  settings: { sizeBytes: number; maxSizeBytes: number; growthBytes: number },
): DatabaseFile => ({
  fileId: 2,
  type: 'LOG',
  logicalName: `${copy.name}_log`,
  physicalName: pathOf(instance, `${copy.name}_log`, 'LOG'),
  state: 'ONLINE',
  sizeBytes: settings.sizeBytes,
  maxSizeBytes: settings.maxSizeBytes,
  growthBytes: settings.growthBytes,
});

function pathOf(instance: MutableInstance, file: string, type: DatabaseFile['type']): string {
  const extension = { ROWS: '.mdf', LOG: '.ldf', FILESTREAM: '' }[type];
  if (instance.managed)
    return `https://${instance.name}.blob.core.windows.net/managedserver/${file}${extension}`;
  if (instance.platform === 'linux') return `/var/opt/mssql/data/${file}${extension}`;
  return `C:\\Program Files\\Microsoft SQL Server\\MSSQL${instance.version.major}.MSSQLSERVER\\MSSQL\\DATA\\${file}${extension}`;
}

/** Logs are cut into about 16 virtual files, of 1 to 64 MB. */
const vlfSize = (logBytes: number): number =>
  Math.min(64 * MB, Math.max(MB, Math.round(logBytes / 16 / MB) * MB));
