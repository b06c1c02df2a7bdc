import { sameName } from '../names';
import { type Finding, failed, notApplicable, passed, unknown } from '../preflight';
import { formatBytes } from '../sizes';
import { DOC, type LinkCheck, ofDatabase, ownGroup } from './preflight-context';

/** General Purpose puts every file on a disk of its own: at most 280 files (differences page). */
const GENERAL_PURPOSE_FILES = 280;
const LOWEST_COMPATIBILITY_LEVEL = 100;

const says = (isRight: boolean, evidence: string): Finding => (isRight ? passed(evidence) : failed(evidence));
const error = (number: number): string => `${DOC.errors} (${number})`;

export const DATABASE_CHECKS: readonly LinkCheck[] = [
  {
    id: 'database.exists',
    title: 'The database exists on the SQL Server',
    severity: 'blocker',
    remedy: 'Correct database or server in the migration.',
    source: error(911),
    preventsError: '911',
    run: ({ facts: { database }, spec }) =>
      database === null
        ? failed(`${spec.settings.server} has no database "${spec.settings.database}".`)
        : passed(`${database.name} has the id ${database.databaseId}.`),
  },
  {
    id: 'database.user-database',
    title: 'The database is a user database',
    severity: 'blocker',
    remedy: 'Only user databases can be linked.',
    source: `${error(35249)}, ${error(35261)}`,
    preventsError: '35249',
    run: ofDatabase(({ databaseId, name }) =>
      says(databaseId > 4 && !sameName(name, 'distribution'), `${name} has the id ${databaseId}.`),
    ),
  },
  {
    id: 'database.online',
    title: 'The database is online',
    severity: 'blocker',
    remedy:
      'Bring it online: ALTER DATABASE [name] SET ONLINE, or finish its restore or recovery. A secondary of an availability group migrates from its primary.',
    source: error(1467),
    preventsError: '1467',
    run: ofDatabase(({ stateDesc }) => says(stateDesc === 'ONLINE', `Its state is ${stateDesc}.`)),
  },
  {
    id: 'database.multi-user',
    title: 'The database is open to many users',
    severity: 'blocker',
    remedy: 'ALTER DATABASE [name] SET MULTI_USER.',
    source: error(1488),
    preventsError: '1488',
    run: ofDatabase(({ userAccessDesc }) =>
      says(userAccessDesc === 'MULTI_USER', `Its access is ${userAccessDesc}.`),
    ),
  },
  {
    id: 'database.read-write',
    title: 'The database is not read-only',
    severity: 'blocker',
    remedy: 'ALTER DATABASE [name] SET READ_WRITE.',
    source: error(1466),
    preventsError: '1466',
    run: ofDatabase(({ isReadOnly }) =>
      says(!isReadOnly, `It is ${isReadOnly ? 'read-only' : 'read-write'}.`),
    ),
  },
  {
    id: 'database.auto-close',
    title: 'AUTO_CLOSE is off',
    severity: 'blocker',
    remedy: 'ALTER DATABASE [name] SET AUTO_CLOSE OFF.',
    source: error(1469),
    preventsError: '1469',
    run: ofDatabase(({ isAutoCloseOn }) =>
      says(!isAutoCloseOn, `AUTO_CLOSE is ${isAutoCloseOn ? 'on' : 'off'}.`),
    ),
  },
  {
    id: 'database.recovery-model',
    title: 'The recovery model is FULL',
    severity: 'blocker',
    remedy: 'ALTER DATABASE [name] SET RECOVERY FULL, then take a full backup.',
    source: error(1465),
    preventsError: '1465',
    run: ofDatabase(({ recoveryModelDesc }) =>
      says(recoveryModelDesc === 'FULL', `The recovery model is ${recoveryModelDesc}.`),
    ),
  },
  {
    id: 'database.full-backup',
    title: 'A full backup started the log chain',
    severity: 'blocker',
    remedy: 'Take a full backup that is not copy-only: BACKUP DATABASE [name] TO DISK = ...',
    source: `${error(1475)}; that last_log_backup_lsn shows the chain is inferred`,
    preventsError: '1475',
    run: ofDatabase(({ lastFullBackupAt: here, lastLogBackupLsn }, { facts }) => {
      // The primary of a group may have been another replica when the backup was taken.
      const elsewhere = (facts.group?.members ?? []).map(({ server }) => server?.lastFullBackupAt ?? null);
      const lastFullBackupAt = here ?? elsewhere.find((time) => time !== null) ?? null;
      if (lastFullBackupAt === null) return failed('There is no full backup but, at most, copy-only ones.');
      if (lastLogBackupLsn !== null) return passed(`The last full backup finished at ${lastFullBackupAt}.`);
      return failed(
        `A full backup finished at ${lastFullBackupAt}, but the log chain is broken since: last_log_backup_lsn is NULL.`,
      );
    }),
  },
  {
    id: 'database.availability-group',
    title: 'The database is in no other availability group',
    severity: 'blocker',
    remedy:
      'Remove it from its group, or name that group in link.availabilityGroup if it holds only this database.',
    source: `${error(35259)}, ${error(47502)}`,
    preventsError: '35259',
    run: ofDatabase(({ availabilityGroupName }, context) => {
      if (availabilityGroupName === null) return passed('It is in no availability group.');
      const own = ownGroup(context);
      return own !== undefined && sameName(own.name, availabilityGroupName)
        ? passed(`It is alone in ${availabilityGroupName}, the group of this link.`)
        : failed(`It is in the availability group ${availabilityGroupName}.`);
    }),
  },
  {
    id: 'database.log-files',
    title: 'The database has exactly one log file',
    severity: 'blocker',
    remedy: 'Empty the additional log file by log backups, then ALTER DATABASE [name] REMOVE FILE [file].',
    source: `${DOC.overview}; ${error(41948)}`,
    preventsError: '41948',
    run: ofDatabase(({ files }) => {
      const logs = files.filter(({ typeDesc }) => typeDesc === 'LOG');
      if (logs.length === 0) return unknown('No log file was reported.');
      return says(
        logs.length === 1,
        `It has ${logs.length} log files: ${logs.map(({ name }) => name).join(', ')}.`,
      );
    }),
  },
  {
    id: 'database.file-count',
    title: 'The database has no more files than the tier of the instance can hold',
    severity: 'blocker',
    remedy: `Merge files to at most ${GENERAL_PURPOSE_FILES}, or move the instance to Business Critical.`,
    source: `${DOC.differences}; ${error(41949)}`,
    preventsError: '41949',
    run: ofDatabase(({ files }, { facts: { instance } }) => {
      const evidence = `It has ${files.length} files; the instance is ${instance.tier}.`;
      return says(instance.tier !== 'GeneralPurpose' || files.length <= GENERAL_PURPOSE_FILES, evidence);
    }),
  },
  {
    id: 'database.filestream',
    title: 'The database has no FILESTREAM data and no FileTables',
    severity: 'blocker',
    remedy: 'Move the data out of FILESTREAM, drop FileTables, and remove the FILESTREAM filegroup.',
    source: `${DOC.overview}; ${error(41950)}`,
    preventsError: '41950',
    run: ofDatabase(({ hasFilestream, hasFileTables }) =>
      says(
        !hasFilestream && !hasFileTables,
        `FILESTREAM: ${yesNo(hasFilestream)}; FileTables: ${yesNo(hasFileTables)}.`,
      ),
    ),
  },
  {
    id: 'database.memory-optimized',
    title: 'In-Memory OLTP goes only to Business Critical',
    severity: 'blocker',
    remedy: 'Remove memory-optimized objects and their filegroup, or move the instance to Business Critical.',
    source: `${DOC.overview}; ${error(41947)}`,
    preventsError: '41947',
    run: ofDatabase(({ hasMemoryOptimizedFilegroup }, { facts: { instance } }) => {
      if (!hasMemoryOptimizedFilegroup) return passed('It has no memory-optimized filegroup.');
      const evidence = `It has a memory-optimized filegroup; the instance is ${instance.tier}.`;
      if (instance.tier === 'BusinessCritical') return passed(evidence);
      return instance.tier === 'GeneralPurpose' ? failed(evidence) : unknown(evidence);
    }),
  },
  {
    id: 'database.defunct-files',
    title: 'The database has no DEFUNCT file',
    severity: 'blocker',
    remedy:
      'Restore the filegroup of the file, or remove the filegroup: ALTER DATABASE [name] REMOVE FILEGROUP [group].',
    source: `${DOC.overview}; ${error(41951)}`,
    preventsError: '41951',
    run: ofDatabase(({ files }) => {
      const defunct = files.filter(({ stateDesc }) => stateDesc === 'DEFUNCT').map(({ name }) => name);
      return defunct.length === 0 ? passed('No file is DEFUNCT.') : failed(`DEFUNCT: ${defunct.join(', ')}.`);
    }),
  },
  {
    id: 'database.files-online',
    title: 'All files of the database are online',
    severity: 'blocker',
    remedy: 'Restore or bring online the files that are not.',
    source: 'inferred: a file that cannot be read cannot be seeded',
    preventsError: '1467',
    run: ofDatabase(({ files }) => {
      const offline = files.filter(({ stateDesc }) => stateDesc !== 'ONLINE' && stateDesc !== 'DEFUNCT');
      if (offline.length === 0) return passed(`${files.length} files are online.`);
      return failed(`${offline.map(({ name, stateDesc }) => `${name} is ${stateDesc}`).join('; ')}.`);
    }),
  },
  {
    id: 'database.size',
    title: 'The database fits into the storage of the instance',
    severity: 'blocker',
    remedy: 'Give the instance more storage in the portal or by az sql mi update --storage.',
    source: `${DOC.preparation}; ARM code NoMoreSpaceInManagedInstance`,
    preventsError: 'NoMoreSpaceInManagedInstance',
    run: ofDatabase(({ files }, { facts: { instance } }) => {
      const needed = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      const room = instance.storageSizeGb * 1024 ** 3;
      if (!(room > 0)) return unknown('Azure does not report the storage of the instance.');
      return says(
        needed <= room,
        `It needs ${formatBytes(needed)}; the instance has ${formatBytes(room)} for all its databases.`,
      );
    }),
  },
  {
    id: 'database.encryption-key',
    title: 'The instance can decrypt a database that is encrypted by TDE',
    severity: 'warning',
    remedy:
      'Upload the certificate first (Add-AzSqlManagedInstanceTransparentDataEncryptionCertificate), or give the instance the same key of Azure Key Vault. It cannot be seen from here whether that was done.',
    source: `${DOC.tde}; ${error(41923)}`,
    preventsError: '41923',
    run: ofDatabase(({ isEncrypted, tdeEncryptorType, tdeCertificateName }) => {
      if (!isEncrypted) return passed('It is not encrypted.');
      const key = tdeCertificateName === null ? '' : ` ${tdeCertificateName}`;
      return unknown(`It is encrypted by ${tdeEncryptorType ?? 'an unknown protector'}${key}.`);
    }),
  },
  {
    id: 'database.compatibility-level',
    title: 'The compatibility level is one that the instance keeps',
    severity: 'warning',
    remedy:
      'Raise it before the migration and test: ALTER DATABASE [name] SET COMPATIBILITY_LEVEL = 100 or higher.',
    source: DOC.differences,
    preventsError: null,
    run: ofDatabase(({ compatibilityLevel }) =>
      says(
        compatibilityLevel >= LOWEST_COMPATIBILITY_LEVEL,
        `The compatibility level is ${compatibilityLevel}.`,
      ),
    ),
  },
  {
    id: 'database.change-data-capture',
    title: 'Change data capture is not in use',
    severity: 'warning',
    remedy: 'After the cutover create the capture and cleanup jobs on the instance: EXEC sys.sp_cdc_add_job.',
    source: DOC.overview,
    preventsError: null,
    run: ofDatabase(({ isCdcEnabled }) =>
      says(!isCdcEnabled, `Change data capture is ${onOff(isCdcEnabled)}.`),
    ),
  },
  {
    id: 'database.published',
    title: 'The database is not published by replication',
    severity: 'warning',
    remedy:
      'Set the publication up again on the instance after the cutover; a secondary cannot be a publisher.',
    source: DOC.overview,
    preventsError: null,
    run: ofDatabase(({ isPublished }) => says(!isPublished, `It is ${isPublished ? '' : 'not '}published.`)),
  },
  {
    id: 'database.service-broker',
    title: 'Service Broker is on, if it is wanted on the instance',
    severity: 'info',
    remedy:
      'If the applications use Service Broker: ALTER DATABASE [name] SET ENABLE_BROKER before the migration; it cannot be used on the instance otherwise.',
    source: DOC.preparation,
    preventsError: null,
    run: ofDatabase(({ isBrokerEnabled }) =>
      says(isBrokerEnabled, `Service Broker is ${onOff(isBrokerEnabled)}.`),
    ),
  },
  {
    id: 'database.accelerated-recovery',
    title: 'Accelerated database recovery is on, if it is wanted on the instance',
    severity: 'info',
    remedy:
      'If it is wanted: ALTER DATABASE [name] SET ACCELERATED_DATABASE_RECOVERY = ON before the migration; it cannot be enabled on the instance.',
    source: DOC.preparation,
    preventsError: null,
    run: ofDatabase(({ isAcceleratedDatabaseRecoveryOn: isOn }) =>
      isOn === null
        ? notApplicable('SQL Server has it from 2019.')
        : says(isOn, `Accelerated database recovery is ${onOff(isOn)}.`),
    ),
  },
  {
    id: 'database.version-store',
    title: 'The persistent version store lies on PRIMARY',
    severity: 'info',
    remedy:
      'If it was moved: turn accelerated database recovery off and on again with PERSISTENT_VERSION_STORE_FILEGROUP = [PRIMARY].',
    source: `${DOC.preparation}; ${error(41939)}`,
    preventsError: '41939',
    run: ofDatabase(({ isAcceleratedDatabaseRecoveryOn: isOn }) =>
      isOn === true
        ? unknown('Accelerated database recovery is on; the filegroup of its version store is not read.')
        : notApplicable('There is no persistent version store.'),
    ),
  },
];

const yesNo = (is: boolean): string => (is ? 'yes' : 'no');
const onOff = (is: boolean): string => (is ? 'on' : 'off');
