/** Runs a parsed administrative statement, as one entry of the effect journal. */
import type { SessionContext } from '../context';
import { serverError } from '../messages/raise';
import type { ParsedStatement } from '../syntax/ast';
import {
  alterAvailabilityGroup,
  createAvailabilityGroup,
  createDistributedAvailabilityGroup,
  dropAvailabilityGroup,
} from './availability-group';
import { backup, inspectBackup, restore } from './backup';
import {
  alterDatabaseFiles,
  alterDatabaseHadr,
  alterDatabaseSet,
  createDatabase,
  dropDatabase,
  refuseFilegroup,
  renameDatabase,
} from './database';
import {
  alterCertificate,
  alterMasterKey,
  backupCertificate,
  createCertificate,
  createMasterKey,
  credential,
  dropCertificate,
  dropMasterKey,
  openMasterKey,
} from './encryption';
import { alterEndpoint, createEndpoint, dropEndpoint } from './endpoint';
import type { StatementIo } from './io';
import { dbcc, kill, reconfigure, shutdown } from './maintenance';
import {
  alterAuthorization,
  alterLogin,
  alterUser,
  createLogin,
  createUser,
  dropLogin,
  dropUser,
  permission,
  role,
} from './principal';

/** Statements that T-SQL refuses inside a transaction (574 or 226). */
const outsideTransactions = new Set<ParsedStatement['kind']>([
  'create-database',
  'drop-database',
  'alter-database-set',
  'restore',
  'reconfigure',
]);

const run = async (context: SessionContext, statement: ParsedStatement, io: StatementIo): Promise<void> => {
  switch (statement.kind) {
    case 'create-availability-group':
      return createAvailabilityGroup(context, statement);
    case 'create-distributed-availability-group':
      return createDistributedAvailabilityGroup(context, statement);
    case 'alter-availability-group':
      return alterAvailabilityGroup(context, statement, io);
    case 'drop-availability-group':
      return dropAvailabilityGroup(context, statement.name);
    case 'alter-database-set':
      return alterDatabaseSet(context, statement, io);
    case 'alter-database-hadr':
      return alterDatabaseHadr(context, statement);
    case 'alter-database-files':
      return alterDatabaseFiles(context, statement);
    case 'alter-database-filegroup':
      return refuseFilegroup(context, statement);
    case 'rename-database':
      return renameDatabase(context, statement);
    case 'create-database':
      return createDatabase(context, statement);
    case 'drop-database':
      return dropDatabase(context, statement);
    case 'backup':
      return backup(context, statement, io);
    case 'restore':
      return restore(context, statement, io);
    case 'inspect-backup':
      return inspectBackup(context, statement, io);
    case 'create-master-key':
      return createMasterKey(context, statement);
    case 'alter-master-key':
      return alterMasterKey(context, statement);
    case 'drop-master-key':
      return dropMasterKey(context);
    case 'open-master-key':
      return openMasterKey(context, statement);
    case 'close-master-key':
      context.masterKeyOpen = false;
      return;
    case 'backup-master-key':
      throw serverError(40510, ['BACKUP MASTER KEY']);
    case 'create-certificate':
      return createCertificate(context, statement);
    case 'alter-certificate':
      return alterCertificate(context, statement);
    case 'drop-certificate':
      return dropCertificate(context, statement);
    case 'backup-certificate':
      return backupCertificate(context, statement);
    case 'create-endpoint':
      return createEndpoint(context, statement);
    case 'alter-endpoint':
      return alterEndpoint(context, statement);
    case 'drop-endpoint':
      return dropEndpoint(context, statement);
    case 'alter-authorization':
      return alterAuthorization(context, statement);
    case 'create-login':
      return createLogin(context, statement);
    case 'alter-login':
      return alterLogin(context, statement);
    case 'drop-login':
      return dropLogin(context, statement);
    case 'create-user':
      return createUser(context, statement);
    case 'alter-user':
      return alterUser(context, statement);
    case 'drop-user':
      return dropUser(context, statement);
    case 'role':
      return role(context, statement);
    case 'permission':
      return permission(context, statement);
    case 'kill':
      return kill(context, statement, io);
    case 'dbcc':
      return dbcc(context, statement, io);
    case 'reconfigure':
      return reconfigure(context);
    case 'checkpoint':
      return;
    case 'shutdown':
      return shutdown(context);
    case 'create-credential':
      return credential(context, statement);
  }
};

/** Passwords, secrets and keys never enter the journal. */
const withoutSecrets = (text: string): string =>
  text
    .replace(/(\b(?:OLD_)?PASSWORD\s*=\s*)(?:N?'(?:[^']|'')*'|0x[0-9a-f]*)/gi, "$1'***'")
    .replace(/(\bSECRET\s*=\s*)N?'(?:[^']|'')*'/gi, "$1'***'");

/** @throws SqlError and SqlErrors with the server's numbers */
export const executeStatement = async (
  context: SessionContext,
  statement: ParsedStatement,
  io: StatementIo,
): Promise<void> => {
  if (context.openTransactions > 0 && outsideTransactions.has(statement.kind)) {
    throw serverError(226, [statement.kind.replace(/-/g, ' ').toUpperCase()]);
  }
  await context.world.journal.run(
    {
      surface: 'tsql',
      instance: context.instanceName,
      actor: context.loginName,
      session: context.spid,
      text: withoutSecrets(statement.text === '' ? context.text : statement.text),
    },
    () => run(context, statement, io),
  );
  io.output.affected();
};
