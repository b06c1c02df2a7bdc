/**
 * The server messages that this simulation raises, as `sys.messages` would list them: number, severity and text.
 * `%s` stands for the next argument. The texts follow the product's own (Database Engine events and errors pages);
 * long "see Books Online" tails are kept where programs are known to show them.
 */
export interface MessageDefinition {
  readonly severity: number;
  readonly text: string;
}

const catalogue = new Map<number, MessageDefinition>();

const define = (severity: number, texts: Readonly<Record<number, string>>): void => {
  for (const [number, text] of Object.entries(texts)) catalogue.set(Number(number), { severity, text });
};

define(0, {
  3014: '%s successfully processed %s pages in %s seconds (%s MB/sec).',
  3211: '%s percent processed.',
  4035: "Processed %s pages for database '%s', file '%s' on file %s.",
  15457: "Configuration option '%s' changed from %s to %s. Run the RECONFIGURE statement to install.",
});
define(0, {
  15472: "The object '%s' does not have any indexes, or you do not have permissions.",
});
define(10, {
  3262: 'The backup set on file %s is valid.',
  5060: 'Nonqualified transactions are being rolled back. Estimated rollback completion: %s%%.',
  6120: 'SPID %s: transaction rollback in progress. Estimated rollback completion: %s%%. Estimated time remaining: %s seconds.',
  2528: 'DBCC execution completed. If DBCC printed error messages, contact your system administrator.',
  7969: 'No active open transactions.',
  8989: "CHECKDB found %s allocation errors and %s consistency errors in database '%s'.",
  35202:
    "A connection for availability group '%s' from availability replica '%s' with id [%s] to '%s' with id [%s] has been successfully established. This is an informational message only. No user action is required.",
});
define(11, {
  3701: "Cannot %s the %s '%s', because it does not exist or you do not have permission.",
  4064: 'Cannot open user default database. Login failed.',
  4060: 'Cannot open database "%s" requested by the login. The login failed.',
});
define(14, {
  229: "The %s permission was denied on the object '%s', database '%s', schema '%s'.",
  300: "%s permission was denied on object '%s', database '%s'.",
  262: "%s permission denied in database '%s'.",
  916: 'The server principal "%s" is not able to access the database "%s" under the current security context.',
  921: "Database '%s' has not been recovered yet. Wait and try again.",
  922: "Database '%s' is being recovered. Waiting until recovery is finished.",
  924: "Database '%s' is already open and can only have one user at a time.",
  927: "Database '%s' cannot be opened. It is in the middle of a restore.",
  942: "Database '%s' cannot be opened because it is offline.",
  946: "Cannot open database '%s' version %s. Upgrade the database to the latest version.",
  976: "The target database, '%s', is participating in an availability group and is currently not accessible for queries. Either data movement is suspended or the availability replica is not enabled for read access. To allow read-only access to this and other databases in the availability group, enable read access to one or more secondary availability replicas in the group.  For more information, see the ALTER AVAILABILITY GROUP statement in SQL Server Books Online.",
  978: "The target database ('%s') is in an availability group and is currently accessible for connections when the application intent is set to read only. For more information about application intent, see SQL Server Books Online.",
  979: "The target database ('%s') is in an availability group and currently does not allow read only connections. For more information about application intent, see SQL Server Books Online.",
  983: "Unable to access availability database '%s' because the database replica is not in the PRIMARY or SECONDARY role. Connections to an availability database is permitted only when the database replica is in the PRIMARY or SECONDARY role. Try the operation again later.",
  5011: "User does not have permission to alter database '%s', the database does not exist, or the database is not in a state that allows access checks.",
  6005: 'SHUTDOWN is in progress.',
  6107: 'Only user processes can be killed.',
  18456: "Login failed for user '%s'.",
  18451: "Login failed for user '%s'. Only administrators may connect at this time.",
  18470: "Login failed for user '%s'. Reason: The account is disabled.",
  18452:
    'Login failed. The login is from an untrusted domain and cannot be used with Integrated authentication.',
  18461:
    "Login failed for user '%s'. Reason: Server is in single user mode. Only one administrator can connect at this time.",
});
define(15, {
  102: "Incorrect syntax near '%s'.",
  153: 'Invalid usage of the option %s in the %s statement.',
  155: "'%s' is not a recognized %s option.",
  1080: 'The integer value %s is out of range.',
});
define(16, {
  201: "Procedure or function '%s' expects parameter '%s', which was not supplied.",
  241: 'Conversion failed when converting date and/or time from character string.',
  3021: 'Cannot perform a backup or restore operation within a transaction.',
  4621: 'Permissions at the server scope can only be granted when the current database is master',
  8985: "Could not locate file '%s' for database in sys.database_files. The file either does not exist, or was dropped.",
  15530: 'The credential with name "%s" already exists.',
  33233: 'You can only create a user with a password in a contained database.',
  208: "Invalid object name '%s'.",
  297: 'The user does not have permission to perform this action.',
  911: "Database '%s' does not exist. Make sure that the name is entered correctly.",
  952: "Database '%s' is in transition. Try the statement later.",
  1801: "Database '%s' already exists. Choose a different database name.",
  1468: 'The operation cannot be performed on database "%s" because it is involved in a database mirroring session or an availability group. Some operations are not allowed on a database that is participating in a database mirroring session or in an availability group.',
  1492: 'Database "%s" is in an availability group and cannot be recovered by RESTORE.',
  2520: "Could not find database '%s'. The database either does not exist, or was dropped before a statement tried to use it. Verify if the database exists by querying the sys.databases catalog view.",
  2571: "User '%s' does not have permission to run DBCC %s.",
  2583: 'An incorrect number of parameters was given to the DBCC statement.',
  2812: "Could not find stored procedure '%s'.",
  1828: "The logical file name '%s' is already in use. Choose a different name.",
  5039: 'MODIFY FILE failed. Specified size is less than or equal to current size.',
  5041: "MODIFY FILE failed. File '%s' does not exist.",
  15048:
    'Valid values of the database compatibility level are 100, 110, 120, 130, 140, 150, 160 or 170, up to %s.',
  33106: 'Cannot change database encryption state because no database encryption key is set.',
  33107: 'Cannot enable database encryption because it is already enabled.',
  41132: "Cannot process the operation. Database '%s' is not in an availability group.",
  5061: "ALTER DATABASE failed because a lock could not be placed on database '%s'. Try again later.",
  5812: 'You do not have permission to run the RECONFIGURE statement.',
  6102: 'User does not have permission to use the KILL statement.',
  6004: 'User does not have permission to perform this action.',
  15407: "'%s' is not a valid Windows NT name. Give the complete name: <domain\\username>.",
  41904:
    'BACKUP DATABASE failed. SQL Database Managed Instance supports only COPY_ONLY full database backups which are initiated by user.',
  3013: '%s is terminating abnormally.',
  3059: 'This BACKUP or RESTORE command is not supported on a database mirror or secondary replica.',
  3101: 'Exclusive access could not be obtained because the database is in use.',
  3104: "RESTORE cannot operate on database '%s' because it is configured for database mirroring or has joined an availability group. If you intend to restore the database, use ALTER DATABASE to remove mirroring or to remove the database from its availability group.",
  3117: 'The log or differential backup cannot be restored because no files are ready to rollforward.',
  3118: 'The database "%s" does not exist. RESTORE can only create a database when restoring either a full backup or a file backup of the primary file.',
  3119: 'Problems were identified while planning for the RESTORE statement. Previous messages provide details.',
  3159: 'The tail of the log for the database "%s" has not been backed up. Use BACKUP LOG WITH NORECOVERY to backup the log if it contains work you do not want to lose. Use the WITH REPLACE or WITH STOPAT clause of the RESTORE statement to just overwrite the contents of the log.',
  3147: 'Backup and restore operations are not allowed on database tempdb.',
  3201: "Cannot open backup device '%s'. Operating system error %s.",
  3202: 'Write on "%s" failed: %s',
  3154: "The backup set holds a backup of a database other than the existing '%s' database.",
  3206: "Backup device '%s' does not exist. To view existing backup devices, use the sys.backup_devices catalog view. To create a new backup device use either sp_addumpdevice or SQL Server Management Studio.",
  3208: 'Unexpected end of file while reading beginning of backup set. Confirm that the media contains a valid SQL Server backup set, and see the console error log for more details.',
  3702: 'Cannot drop database "%s" because it is currently in use.',
  3708: "Cannot %s the %s '%s' because it is a system %s.",
  3752: "The database '%s' is currently joined to an availability group.  Before you can drop the database, you need to remove it from the availability group.",
  3906: 'Failed to update database "%s" because the database is read-only.',
  3908: "Could not run BEGIN TRANSACTION in database '%s' because the database is in emergency mode or is damaged and must be restarted.",
  4208: 'The statement %s is not allowed while the recovery model is SIMPLE. Use BACKUP DATABASE or change the recovery model using ALTER DATABASE.',
  4214: 'BACKUP LOG cannot be performed because there is no current database backup.',
  4305: 'The log in this backup set begins at LSN %s, which is too recent to apply to the database. An earlier log backup that includes LSN %s can be restored.',
  5004: 'To use ALTER DATABASE, the database must be in a writable state in which a checkpoint can be executed.',
  5058: "Option '%s' cannot be set in database '%s'.",
  5063: "Database '%s' is in warm standby. A warm-standby database is read-only.",
  5064: "Changes to the state or options of database '%s' cannot be made at this time. The database is in single-user mode, and a user is currently connected to it.",
  5069: 'ALTER DATABASE statement failed.',
  5070: "Database state cannot be changed while other users are using the database '%s'",
  574: '%s statement cannot be used inside a user transaction.',
  226: '%s statement not allowed within multi-statement transaction.',
  6101: 'Session ID %s is not valid.',
  6104: 'Cannot use KILL to kill your own process.',
  6106: 'Process ID %s is not an active process ID.',
  7862: 'An endpoint of the requested type already exists.  Only one endpoint of this type is supported.  Use ALTER ENDPOINT or DROP the existing endpoint and execute the CREATE ENDPOINT statement.',
  7202: "Could not find server '%s' in sys.servers. Verify that the correct server name was specified. If necessary, execute the stored procedure sp_addlinkedserver to add the server to sys.servers.",
  8144: 'Procedure or function %s has too many arguments specified.',
  8145: '%s is not a parameter for procedure %s.',
  9002: "The transaction log for database '%s' is full due to '%s'.",
  14234: "The specified '%s' is invalid (valid values are returned by %s).",
  14261: "The specified %s ('%s') already exists.",
  14266: "The specified '%s' is invalid (valid values are: %s).",
  14262: "The specified %s ('%s') does not exist.",
  14256:
    'Cannot start the job "%s" (ID %s) because it does not have any job server or servers defined. Associate the job with a job server by calling sp_add_jobserver.',
  14276: "'%s' is a permanent %s category and cannot be deleted.",
  14371:
    "There are two or more schedules named '%s'. Specify @schedule_id instead of @schedule_name to uniquely identify the schedule.",
  14294: 'Supply either %s or %s to identify the job.',
  15007: "'%s' is not a valid login or you do not have permission.",
  15010:
    "The database '%s' does not exist. Supply a valid database name. To see available databases, use sys.databases.",
  15014: "The role '%s' does not exist in the current database.",
  15015: "The server '%s' does not exist. Use sp_helpserver to show available servers.",
  15023: "User, group, or role '%s' already exists in the current database.",
  15025: "The server principal '%s' already exists.",
  15028: "The server '%s' already exists.",
  15063: 'The login already has an account under a different user name.',
  15123: "The configuration option '%s' does not exist, or it may be an advanced option.",
  15124: "The configuration option '%s' is not unique.",
  15128: 'The CHECK_POLICY and CHECK_EXPIRATION options cannot be turned OFF when MUST_CHANGE is ON.',
  15129: "'%s' is not a valid value for configuration option '%s'.",
  15138: 'The database principal owns a %s in the database, and cannot be dropped.',
  15009: "The object '%s' does not exist in database '%s' or is invalid for this operation.",
  15197: "There is no text for object '%s'.",
  15250: 'The database name component of the object qualifier must be the name of the current database.',
  15252: 'The primary or foreign key table name must be given.',
  15325: "The current database does not contain a file named '%s'.",
  15281:
    "SQL Server blocked access to %s '%s' of component '%s' because this component is turned off as part of the security configuration for this server. A system administrator can enable the use of '%s' by using sp_configure. For more information about enabling '%s', search for 'Surface Area Configuration' in SQL Server Books Online.",
  15040: 'User-defined error messages must have an ID greater than 50000.',
  15041: 'User-defined error messages must have a severity level between 1 and 25.',
  15043: "You must specify 'REPLACE' to overwrite an existing message.",
  15144: 'The role has members. It must be empty before it can be dropped.',
  15151: "Cannot %s the %s '%s', because it does not exist or you do not have permission.",
  15413: 'Cannot make a role a member of itself.',
  15170:
    'This login is the owner of %s job(s). You must delete or reassign these jobs before the login can be dropped.',
  15173:
    "Server principal '%s' has granted one or more permission(s). Revoke the permission(s) before dropping the server principal.",
  15205: 'The object or database does not support this operation.',
  15208:
    'The certificate, asymmetric key, or private key file is not valid or does not exist; or you do not have permissions for it.',
  15232:
    "A certificate with name '%s' already exists or this certificate already has been added to the database.",
  15247: 'User does not have permission to perform this action.',
  15297: 'The certificate, asymmetric key, or private key data is invalid.',
  15118:
    'Password validation failed. The password does not meet the operating system policy requirements because it is not complex enough.',
  15313: 'The key is not encrypted using the specified decryptor.',
  15329:
    'The current master key cannot be decrypted. If this is a database master key, you should attempt to open it in the session before performing this operation. The FORCE option can be used to ignore this error and continue the operation but the data encrypted by the old master key will be lost.',
  15352: 'The %s cannot be dropped because one or more entities are either signed or encrypted using it.',
  15401: "Windows NT user or group '%s' not found. Check the name again.",
  15410: "User or role '%s' does not exist in this database.",
  15405: "Cannot use the special principal '%s'.",
  15433: 'Supplied parameter sid is in use.',
  15434: "Could not drop login '%s' as the user is currently logged in.",
  15419: 'Supplied parameter sid should be binary(16).',
  15021: 'Invalid value given for parameter %s. Specify a valid parameter value.',
  15578: 'There is already a master key in the database. Please drop it before performing this statement.',
  15580: "Cannot drop %s because %s '%s' is encrypted by it.",
  15581:
    'Please create a master key in the database or open the master key in the session before performing this operation.',
  15600: "An invalid parameter or option was specified for procedure '%s'.",
  17809:
    "Could not connect because the maximum number of '%s' user connections has already been reached. The system administrator can use sp_configure to increase the maximum value. The connection has been closed.",
  22022:
    'SQLServerAgent Error: Request to run job %s (from %s) refused because the job is already running from a request by %s.',
  33161: 'Database master keys without password are not supported in this version of SQL Server.',
  33171: 'Only Microsoft Entra accounts can create other Microsoft Entra users.',
  33134: "Principal '%s' could not be found at this time. Please try again later.",
  35208:
    'Availability-group DDL operations are permitted only when you are using the master database. Run the USE MASTER statement, and retry your availability-group DDL command.',
  35220:
    'Could not process the operation. Always On Availability Groups replica manager is waiting for the host computer to start a Windows Server Failover Clustering (WSFC) cluster and join it. Either the local computer is not a cluster node, or the local cluster node is not online. If the computer is a cluster node, wait for it to join the cluster. If the computer is not a cluster node, add the computer to a WSFC cluster. Then, retry the operation.',
  35221:
    'Could not process the operation. Always On Availability Groups replica manager is disabled on this instance of SQL Server. Enable Always On Availability Groups, by using the SQL Server Configuration Manager. Then, restart the SQL Server service, and retry the currently operation. For information about how to enable and disable Always On Availability Groups, see SQL Server Books Online.',
  40508:
    'USE statement is not supported to switch between databases. Use a new connection to connect to a different database.',
  40510: "Statement '%s' is not supported in this version of SQL Server.",
  40517: "Keyword or statement option '%s' is not supported in this version of SQL Server.",
  41901:
    'One or more of the options (%s) are not supported for this statement in SQL Database Managed Instance. Review the documentation for supported options.',
  41902:
    'Unsupported device type. SQL Database Managed Instance supports database backup and restore only from URL.',
  41909: 'Modifying logical file name is not supported in SQL Database Managed Instance.',
  41914:
    'SQL Server Agent feature %s is not supported in SQL Database Managed Instance. Review the documentation for supported options.',
  41918:
    'Specifying files and filegroups in CREATE DATABASE statement is not supported on SQL Database Managed Instance.',
  41922:
    'The backup operation for a database with service-managed transparent data encryption is not supported on SQL Database Managed Instance.',
  41924:
    'The BACKUP LOG statement is not supported: log backups are taken by the service on SQL Database Managed Instance.',
  47507:
    'Adding a memory-optimized filegroup is not supported for a database that is replicated to Azure SQL Managed Instance.',
  47508:
    'Adding more than one log file is not supported for a database that is replicated to Azure SQL Managed Instance.',
  47509:
    'Adding a FILESTREAM filegroup is not supported for a database that is replicated to Azure SQL Managed Instance.',
  41906: "Statement '%s' is not supported in SQL Database Managed Instance.",
  41199:
    'The specified command is invalid because the Always On Availability Groups %s feature is not supported by this edition of SQL Server.  For information about features supported by the editions of SQL Server, see SQL Server Books Online.',
});
define(20, {
  596: 'Cannot continue the execution because the session is in the kill state.',
});
define(21, {});

/** Looks a message up. @returns undefined when the simulation never raises that number by itself. */
export const messageDefinition = (number: number): MessageDefinition | undefined => catalogue.get(number);

/** All messages known, by number: the rows of sys.messages. */
export const allMessages = (): readonly (readonly [number, MessageDefinition])[] =>
  [...catalogue.entries()].sort(([left], [right]) => left - right);

/** Fills the `%s` places of a text, in order; `%%` is a per cent sign. */
export const formatMessage = (text: string, args: readonly (string | number | bigint)[]): string => {
  let next = 0;
  return text.replace(/%s|%%/g, (place) => (place === '%%' ? '%' : String(args[next++] ?? '')));
};
