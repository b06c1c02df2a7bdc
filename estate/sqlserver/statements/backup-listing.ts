/** What RESTORE HEADERONLY and FILELISTONLY say of a backup file. */
import { SqlDecimal } from '../../sql/types';
import type { BackupSet } from '../../world/model';
import { dateTime, lsn } from '../values';
import {
  bit,
  char,
  datetime,
  decimal,
  defineView,
  int,
  lsnColumn,
  nvarchar,
  smallint,
  tinyint,
  type ViewDefinition,
} from '../views/definition';
import { filesOf } from '../views/files';

const backupType: Readonly<Record<BackupSet['type'], number>> = { D: 1, L: 2, I: 5 };

const size = (bytes: number): SqlDecimal => new SqlDecimal(BigInt(Math.round(bytes)), 0);

/** Main columns of RESTORE HEADERONLY. */
export const headersOfBackup = (sets: readonly BackupSet[]): ViewDefinition =>
  defineView('sys.headeronly', {
    columns: {
      BackupName: nvarchar(128),
      BackupType: smallint,
      Position: smallint,
      DeviceType: tinyint,
      UserName: nvarchar(128),
      ServerName: nvarchar(128),
      DatabaseName: nvarchar(128),
      BackupSize: decimal(20, 0),
      FirstLSN: lsnColumn,
      LastLSN: lsnColumn,
      CheckpointLSN: lsnColumn,
      DatabaseBackupLSN: lsnColumn,
      BackupStartDate: datetime,
      BackupFinishDate: datetime,
      RecoveryModel: nvarchar(60),
      IsCopyOnly: bit,
      CompressedBackupSize: decimal(20, 0),
    },
    rows: () =>
      sets.map((set, index) => ({
        BackupName: set.name ?? null,
        BackupType: backupType[set.type],
        Position: index + 1,
        DeviceType: 2,
        UserName: set.userName,
        ServerName: set.serverName,
        DatabaseName: set.databaseName,
        BackupSize: size(set.backupSizeBytes),
        FirstLSN: lsn(set.firstLsn),
        LastLSN: lsn(set.lastLsn),
        CheckpointLSN: lsn(set.checkpointLsn),
        DatabaseBackupLSN: lsn(set.databaseBackupLsn),
        BackupStartDate: dateTime(set.startedAt),
        BackupFinishDate: dateTime(set.finishedAt),
        RecoveryModel: set.recoveryModel,
        IsCopyOnly: set.copyOnly,
        CompressedBackupSize: size(set.compressedSizeBytes),
      })),
  });

/** Main columns of RESTORE FILELISTONLY. */
export const filesOfBackup = (sets: readonly BackupSet[]): ViewDefinition =>
  defineView('sys.filelistonly', {
    columns: {
      LogicalName: nvarchar(128),
      PhysicalName: nvarchar(260),
      Type: char(1),
      FileGroupName: nvarchar(128),
      Size: decimal(20, 0),
      MaxSize: decimal(20, 0),
      FileId: int,
    },
    rows: (context) =>
      filesOf(context, sets[0]?.databaseName ?? '').map((file) => ({
        LogicalName: file.name,
        PhysicalName: file.physicalName,
        Type: file.isLog ? 'L' : 'D',
        FileGroupName: file.isLog ? null : 'PRIMARY',
        Size: size(file.sizeBytes),
        MaxSize: size(file.maxSizeBytes ?? 35_184_372_080_640),
        FileId: file.fileId,
      })),
  });
