import type { DatabaseInput, WireCase } from './preflight-wire';

const GB = 1024 ** 3;

const database = (changes: Partial<DatabaseInput>) => ({ database: changes });
const file = (type: 'ROWS' | 'LOG' | 'FILESTREAM', name: string, more: object = {}) => ({
  type,
  name,
  ...more,
});

/** The database that is to cross. */
export const DATABASE_WIRE_CASES: readonly WireCase[] = [
  {
    id: 'database.exists',
    database: 'Nowhere',
    evidence: /sql1 has no database "Nowhere"/,
    remedy: /Correct database or server/,
  },
  {
    id: 'database.online',
    world: database({ state: 'SUSPECT' }),
    evidence: /Its state is SUSPECT/,
    remedy: /SET ONLINE/,
  },
  {
    id: 'database.multi-user',
    world: database({ userAccess: 'RESTRICTED_USER' }),
    evidence: /Its access is RESTRICTED_USER/,
    remedy: /SET MULTI_USER/,
  },
  {
    id: 'database.read-write',
    world: database({ readOnly: true }),
    evidence: /It is read-only/,
    remedy: /SET READ_WRITE/,
  },
  {
    id: 'database.auto-close',
    world: database({ autoClose: true }),
    evidence: /AUTO_CLOSE is on/,
    remedy: /SET AUTO_CLOSE OFF/,
  },
  {
    id: 'database.recovery-model',
    what: 'set to SIMPLE after its backup',
    arrange: ({ onServer }) => onServer('ALTER DATABASE [Sales] SET RECOVERY BULK_LOGGED;'),
    evidence: /recovery model is BULK_LOGGED/,
    remedy: /SET RECOVERY FULL, then take a full backup/,
  },
  {
    id: 'database.recovery-model',
    what: 'SIMPLE',
    world: database({ recoveryModel: 'SIMPLE' }),
    evidence: /recovery model is SIMPLE/,
    remedy: /SET RECOVERY FULL, then take a full backup/,
    also: ['database.full-backup'],
  },
  {
    id: 'database.full-backup',
    what: 'none at all',
    world: database({ fullBackup: false }),
    evidence: /no full backup but, at most, copy-only ones/,
    remedy: /not copy-only: BACKUP DATABASE/,
  },
  {
    id: 'database.full-backup',
    what: 'a copy-only one',
    world: database({ fullBackup: false, dataBytes: 1024 ** 2 }),
    arrange: ({ onServer }) =>
      onServer("BACKUP DATABASE [Sales] TO DISK = N'C:\\Backup\\s.bak' WITH COPY_ONLY;"),
    evidence: /at most, copy-only ones/,
    remedy: /not copy-only/,
  },
  {
    id: 'database.full-backup',
    what: 'the chain was broken by SIMPLE',
    arrange: ({ onServer }) =>
      onServer('ALTER DATABASE [Sales] SET RECOVERY SIMPLE; ALTER DATABASE [Sales] SET RECOVERY FULL;'),
    evidence: /log chain is broken since: last_log_backup_lsn is NULL/,
    remedy: /BACKUP DATABASE/,
  },
  {
    id: 'database.log-files',
    world: database({ extraFiles: [file('LOG', 'Sales_log2')] }),
    evidence: /2 log files: Sales_log, Sales_log2/,
    remedy: /REMOVE FILE/,
  },
  {
    id: 'database.file-count',
    world: database({
      extraFiles: Array.from({ length: 279 }, (_, index) => file('ROWS', `Sales_${index}`)),
    }),
    evidence: /281 files; the instance is GeneralPurpose/,
    remedy: /at most 280/,
  },
  {
    id: 'database.filestream',
    world: database({ extraFiles: [file('FILESTREAM', 'Sales_files')] }),
    evidence: /FILESTREAM: yes; FileTables: no/,
    remedy: /out of FILESTREAM/,
  },
  {
    id: 'database.memory-optimized',
    world: database({ memoryOptimized: true }),
    evidence: /memory-optimized filegroup; the instance is GeneralPurpose/,
    remedy: /Business Critical/,
  },
  {
    id: 'database.defunct-files',
    world: database({ extraFiles: [file('ROWS', 'Sales_old', { state: 'DEFUNCT' })] }),
    evidence: /DEFUNCT: Sales_old/,
    remedy: /REMOVE FILEGROUP/,
  },
  {
    id: 'database.files-online',
    world: database({ extraFiles: [file('ROWS', 'Sales_off', { state: 'OFFLINE' })] }),
    evidence: /Sales_off is OFFLINE/,
    remedy: /bring online/,
  },
  {
    id: 'database.size',
    world: { database: { dataBytes: 100 * GB }, instance: { storageSizeInGB: 64 } },
    evidence: /It needs .*; the instance has .* for all its databases/,
    remedy: /az sql mi update --storage/,
  },
  {
    id: 'database.encryption-key',
    world: database({ tdeCertificate: 'TdeCert' }),
    outcome: 'unknown',
    evidence: /encrypted by CERTIFICATE/,
    remedy: /TransparentDataEncryptionCertificate/,
  },
  {
    id: 'database.compatibility-level',
    world: database({ compatibilityLevel: 90 }),
    evidence: /compatibility level is 90/,
    remedy: /COMPATIBILITY_LEVEL = 100/,
  },
  {
    id: 'database.change-data-capture',
    world: database({ cdcEnabled: true }),
    evidence: /Change data capture is on/,
    remedy: /sp_cdc_add_job/,
  },
  {
    id: 'database.published',
    world: database({ published: true }),
    evidence: /It is published/,
    remedy: /publication up again/,
  },
  {
    id: 'database.service-broker',
    world: database({ brokerEnabled: false }),
    evidence: /Service Broker is off/,
    remedy: /ENABLE_BROKER/,
  },
  {
    id: 'database.accelerated-recovery',
    world: database({ acceleratedRecovery: false }),
    evidence: /Accelerated database recovery is off/,
    remedy: /ACCELERATED_DATABASE_RECOVERY = ON/,
  },
  {
    id: 'database.version-store',
    world: database({ versionStoreFilegroup: 'HISTORY' }),
    outcome: 'unknown',
    evidence: /filegroup of its version store is not read/,
    remedy: /PERSISTENT_VERSION_STORE_FILEGROUP/,
  },
];
