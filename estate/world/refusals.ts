/**
 * Refusals with SQL Server's numbers. The numbers and meanings stand in the public tables of database engine errors;
 * the wording is close to the server's where that is public, else it says the same in own words.
 */
import { SqlError, SqlErrors } from '../sql/errors';

const refuse = (number: number, message: string, severity = 16, state = 1): SqlError =>
  new SqlError(number, message, { severity, state });

export const refusals = {
  databaseMissing: (name: string) =>
    refuse(911, `Database '${name}' does not exist. Make sure that the name is entered correctly.`),
  databaseExists: (name: string) =>
    refuse(1801, `Database '${name}' already exists. Choose a different database name.`),
  cannotDropMissing: (kind: string, name: string) =>
    refuse(
      3701,
      `Cannot drop the ${kind} '${name}', because it does not exist or you do not have permission.`,
      11,
    ),
  cannotAlterMissing: (kind: string, name: string, verb = 'alter') =>
    refuse(
      15151,
      `Cannot ${verb} the ${kind} '${name}', because it does not exist or you do not have permission.`,
    ),
  databaseInGroupDrop: (name: string) =>
    refuse(
      3752,
      `The database '${name}' is currently joined to an availability group. Before you can drop the database, you need to remove it from the availability group.`,
    ),
  databaseInGroup: (name: string) =>
    refuse(
      1468,
      `The operation cannot be performed on database "${name}" because it is involved in a database mirroring session or an availability group. Some operations are not allowed on a database that is participating in a database mirroring session or in an availability group.`,
    ),
  readOnly: (name: string) =>
    refuse(3906, `Failed to update database "${name}" because the database is read-only.`),
  logFull: (name: string, reason: string) =>
    refuse(
      9002,
      `The transaction log for database '${name}' is full due to '${reason}'.`,
      17,
      reason === 'LOG_BACKUP' ? 2 : 9,
    ),
  restoring: (name: string) =>
    refuse(927, `Database '${name}' cannot be opened. It is in the middle of a restore.`, 14),
  offline: (name: string) => refuse(942, `Database '${name}' cannot be opened because it is offline.`, 14, 4),
  suspect: (name: string) =>
    refuse(
      926,
      `Database '${name}' cannot be opened. It has been marked SUSPECT by recovery. See the SQL Server errorlog for more information.`,
      14,
    ),
  recovering: (name: string) =>
    refuse(922, `Database '${name}' is being recovered. Waiting until recovery is finished.`, 14),
  notReadable: (name: string) =>
    refuse(
      976,
      `The target database, '${name}', is participating in an availability group and is currently not accessible for queries. Either data movement is suspended or the availability replica is not enabled for read access.`,
      14,
    ),
  readIntentNeeded: (name: string) =>
    refuse(
      978,
      `The target database ('${name}') is in an availability group and is currently accessible for connections when the application intent is set to read only.`,
      14,
    ),
  resolving: (name: string) =>
    refuse(
      983,
      `Unable to access availability database '${name}' because the database replica is not in the PRIMARY or SECONDARY role. Connections to an availability database is permitted only when the database replica is in the PRIMARY or SECONDARY role. Try the operation again later.`,
      14,
    ),
  backupFailed: (verb: 'DATABASE' | 'LOG', cause: SqlError) =>
    new SqlErrors([cause, refuse(3013, `BACKUP ${verb} is terminating abnormally.`)]),
  noLogBackupInSimple: () =>
    refuse(
      4208,
      'The statement BACKUP LOG is not allowed while the recovery model is SIMPLE. Use BACKUP DATABASE or change the recovery model using ALTER DATABASE.',
    ),
  noCurrentBackup: () =>
    refuse(4214, 'BACKUP LOG cannot be performed because there is no current database backup.'),
  backupOnSecondary: () =>
    refuse(
      3059,
      'This BACKUP or RESTORE command is not supported on a database mirror or secondary replica.',
    ),
  copyOnlyOnManaged: (name: string) =>
    refuse(
      41922,
      `The backup operation for a database with service-managed transparent data encryption is not supported on SQL Database Managed Instance ('${name}'): use COPY_ONLY with a customer-managed key.`,
    ),
  unsupportedOnManaged: (statement: string) =>
    refuse(40510, `Statement '${statement}' is not supported in this version of SQL Server.`),
  serverShutdown: () => refuse(6005, 'SHUTDOWN is in progress.', 21),
  noSuchProcess: (spid: number) => refuse(6106, `Process ID ${spid} is not an active process ID.`),
  noProcedure: (name: string) => refuse(2812, `Could not find stored procedure '${name}'.`),
} as const;

export const groupRefusals = {
  hadrDisabled: () =>
    refuse(
      35221,
      'Could not process the operation. Always On Availability Groups replica manager is disabled on this instance of SQL Server. Enable Always On Availability Groups by using the SQL Server Configuration Manager, then restart the SQL Server service.',
    ),
  noCluster: () =>
    refuse(
      35220,
      'Could not process the operation. Always On Availability Groups replica manager is waiting for the host computer to start a Windows Server Failover Clustering (WSFC) cluster and join it.',
    ),
  feature: (edition: string) =>
    refuse(
      41199,
      `The specified command is invalid because the Always On Availability Groups feature is not supported by this edition of SQL Server (${edition}).`,
    ),
  basicLimit: (name: string) =>
    refuse(
      35200,
      `Cannot add database to basic availability group '${name}': a basic availability group supports one database.`,
    ),
  exists: (name: string) =>
    refuse(
      41042,
      `The availability group '${name}' already exists. This error could be caused by a previous failed CREATE AVAILABILITY GROUP or DROP AVAILABILITY GROUP operation.`,
    ),
  unknown: (name: string) =>
    refuse(
      41044,
      `Availability group name to ID map entry for availability group '${name}' cannot be found in the Windows Server Failover Clustering (WSFC) store or in the local configuration.`,
    ),
  noLocalReplica: (name: string, server: string) =>
    refuse(
      35237,
      `None of the specified replicas for availability group ${name} maps to the instance of SQL Server to which you are connected (${server}).`,
    ),
  badUrl: (url: string) =>
    refuse(
      35232,
      `The specified endpoint URL '${url}' is invalid. Reenter the command specifying the correct URL.`,
    ),
  failoverModeForCluster: (name: string, mode: string) =>
    refuse(
      47102,
      `Cannot create or alter availability group '${name}': failover mode ${mode} is not supported by its cluster type.`,
    ),
  clusterTypeDiffers: (name: string, type: string) =>
    refuse(
      // One of 47100 to 47104, which speak of cluster types that do not fit (which one is inferred).
      47101,
      `Cannot join availability group '${name}': the cluster type does not match the primary's, which is ${type}. Verify that the specified CLUSTER_TYPE is correct.`,
    ),
  replicaExists: (replica: string, name: string) =>
    refuse(
      // Inferred: the number for a replica that is named a second time was not found.
      41188,
      `Cannot add availability replica '${replica}' to availability group '${name}': the group has a replica of that name.`,
    ),
  removesPrimary: (replica: string, name: string) =>
    refuse(
      // Inferred: the number for removing the replica that leads was not found.
      41188,
      `Cannot remove availability replica '${replica}' from availability group '${name}': it is the primary replica.`,
    ),
  externalCluster: (name: string) =>
    refuse(
      47104,
      `This operation cannot be performed on availability group '${name}' because it has EXTERNAL cluster type. Use the cluster management tools to perform the operation.`,
    ),
  notSynchronized: (name: string) =>
    refuse(
      41142,
      `The availability replica for availability group '${name}' on this instance of SQL Server cannot become the primary replica. One or more databases are not synchronized or have not joined the availability group.`,
    ),
  clusterTypeUnsupported: () => refuse(102, "Incorrect syntax near 'CLUSTER_TYPE'.", 15),
  automaticOnDistributed: () =>
    refuse(35277, 'Automatic failover is not supported for a distributed availability group replica.'),
  databaseMissing: (name: string) =>
    refuse(
      35238,
      `Database '${name}' does not exist on this instance of SQL Server and cannot join an availability group.`,
    ),
  systemDatabase: (name: string) =>
    refuse(
      35249,
      `An attempt to add or join a system database, '${name}', to an availability group failed. Specify only user databases for this operation.`,
    ),
  notFull: (name: string) =>
    refuse(
      1465,
      `Database "${name}" database is not in full recovery mode on each of the server instances. The full recovery model is required for a database to participate in database mirroring or in an availability group.`,
    ),
  databaseReadOnly: (name: string) =>
    refuse(
      1466,
      `Database "${name}" is read-only on one of the server instances which is incompatible with participating in database mirroring or in an availability group.`,
    ),
  databaseNotOnline: (name: string) =>
    refuse(
      1467,
      `Database "${name}" is in emergency or suspect mode or offline, which is incompatible with participating in an availability group.`,
    ),
  autoClose: (name: string) =>
    refuse(
      1469,
      `Database "${name}" is an auto-close database on one of the server instances which is incompatible with participating in an availability group.`,
    ),
  singleUser: (name: string) =>
    refuse(
      1488,
      `Database "${name}" database is in single user mode which is incompatible with participating in database mirroring or in an availability group.`,
    ),
  noFullBackup: (name: string) =>
    refuse(
      1475,
      `Database "${name}" might contain bulk logged changes that have not been backed up. Take a log backup on the principal database or primary database, after a full backup that is not copy-only. Then restore this backup either on the mirror database to enable database mirroring or on every secondary availability database to enable you to join it to the availability group.`,
    ),
  otherGroup: (database: string, group: string) =>
    refuse(
      35244,
      `Database "${database}" cannot be added to availability group "${group}". The database is currently joined to another availability group.`,
    ),
  alreadyJoined: (database: string) =>
    refuse(
      41145,
      `Cannot join database '${database}' to availability group. The database has already joined the availability group. This is an informational message.`,
      10,
    ),
  alreadyMember: (database: string, group: string) =>
    refuse(
      35280,
      `Database '${database}' cannot be added to availability group '${group}'. The database is already joined to the specified availability group.`,
    ),
  notMember: (database: string, group: string) =>
    refuse(
      41132,
      `Cannot process the operation. Database '${database}' is not in availability group '${group}'.`,
    ),
  createFailed: (name: string, cause: SqlError) =>
    new SqlErrors([
      cause,
      refuse(
        41152,
        `Failed to create availability group '${name}'. The operation encountered SQL Server error ${cause.number} and has been rolled back. Check the SQL Server error log for more details.`,
      ),
    ]),
  joinFailed: (name: string, cause: SqlError) =>
    new SqlErrors([
      cause,
      refuse(
        41158,
        `Failed to join local availability replica to availability group '${name}'. The operation encountered SQL Server error ${cause.number} and has been rolled back.`,
      ),
    ]),
  joinTimeout: (name: string) =>
    refuse(
      47106,
      `Cannot join availability group '${name}'. Download configuration timeout. Please check primary configuration, network connectivity and firewall setup, then retry the operation.`,
    ),
  onlyForced: (name: string) =>
    refuse(
      47122,
      `Cannot failover an availability group replica for availability group '${name}' since it has CLUSTER_TYPE = NONE. Only force failover is supported in this version of SQL Server.`,
    ),
  notPrimary: (name: string) =>
    refuse(
      41140,
      `Availability group '${name}' cannot process the command: the local availability replica is not the primary. Run it on the primary replica.`,
    ),
  alreadySecondary: (name: string) =>
    refuse(
      41195,
      `Availability group '${name}' cannot process the command: the local replica already has the secondary role.`,
    ),
  alreadyPrimary: (name: string) =>
    refuse(
      41122,
      `Cannot failover availability group '${name}' to this instance of SQL Server. The local availability replica is already the primary replica of the availability group. To failover this availability group to another instance of SQL Server, run the failover command on that instance of SQL Server.`,
    ),
} as const;

export const linkRefusals = {
  versionUnsupported: () =>
    refuse(
      35104,
      'The Managed Instance link is not supported on this version of SQL Server. Apply the update that brings it.',
    ),
  seedingManual: () =>
    refuse(
      47500,
      'Manual seeding is not supported when the secondary of the distributed availability group is an Azure SQL Managed Instance. Use SEEDING_MODE = AUTOMATIC.',
    ),
  syncInitial: () =>
    refuse(
      47501,
      'Synchronous commit is not supported for the initial secondary of a distributed availability group with Azure SQL Managed Instance. Use ASYNCHRONOUS_COMMIT.',
    ),
  tooManyDatabases: (group: string) =>
    refuse(
      47502,
      `Cannot create a distributed availability group with Azure SQL Managed Instance when the local availability group '${group}' contains more than one database.`,
    ),
  cannotAddDatabase: (group: string) =>
    refuse(
      47503,
      `Cannot add a database to availability group '${group}': it takes part in a distributed availability group with Azure SQL Managed Instance, which holds one database.`,
    ),
  generic: (name: string, why: string) =>
    refuse(
      47504,
      `Operation on distributed availability group '${name}' with Azure SQL Managed Instance failed: ${why}.`,
    ),
  unsupportedObject: (number: 47507 | 47508 | 47509 | 47510, what: string) =>
    refuse(
      number,
      `Adding ${what} is not supported for a database that is replicated to Azure SQL Managed Instance.`,
    ),
  notALink: (name: string) =>
    refuse(
      47511,
      `Distributed availability group '${name}' is not part of an Azure SQL Managed Instance link.`,
    ),
  failoverRunning: (name: string) =>
    refuse(47512, `A failover of distributed availability group '${name}' is already in progress.`),
  notCatchingUp: (name: string) =>
    refuse(
      47514,
      `Planned failover of distributed availability group '${name}' is refused: the secondary is not synchronizing and cannot catch up.`,
    ),
  sendQueue: (name: string, kb: number) =>
    refuse(
      47515,
      `Planned failover of distributed availability group '${name}' is refused: the log send queue of the secondary is too large (${kb} KB).`,
    ),
  redoQueue: (name: string, kb: number) =>
    refuse(
      47516,
      `Planned failover of distributed availability group '${name}' is refused: the redo queue of the secondary is too large (${kb} KB).`,
    ),
  /** The limit is documented, the number of its refusal is not: this one for a failover under way is inferred. */
  tooManyFailovers: (name: string, running: number) =>
    refuse(
      47513,
      `Failover of distributed availability group '${name}' is refused: ${running} failovers of the managed instance are in progress, the most at a time.`,
    ),
  runOnPrimary: (name: string) =>
    refuse(47517, `Failover of distributed availability group '${name}' must be run on the primary.`),
  emptyGroup: (group: string) =>
    refuse(
      47519,
      `Cannot create a distributed availability group with Azure SQL Managed Instance: the local availability group '${group}' contains no database.`,
    ),
  cannotRemoveDatabase: (group: string) =>
    refuse(
      47520,
      `Cannot remove the database from availability group '${group}': it takes part in a distributed availability group with Azure SQL Managed Instance.`,
    ),
  optionUnsupported: (option: string) =>
    refuse(
      47523,
      `Option ${option} of MODIFY AVAILABILITY GROUP is not supported for a distributed availability group with Azure SQL Managed Instance.`,
    ),
  forcedUnsupported: () =>
    refuse(41985, 'Forced failover is not supported on this link. For a migration, delete the link.'),
  endpointCertificateMissing: () => refuse(47505, 'The endpoint certificate is not available.'),
} as const;
