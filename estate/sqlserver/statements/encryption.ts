/** Runs master key, certificate and credential statements. */
import { type SessionContext, sameName } from '../context';
import { parseServerDate } from '../dates';
import { serverError } from '../messages/raise';
import type { ParsedStatement } from '../syntax/ast';
import { requirePermission } from './io';

type Of<Kind extends ParsedStatement['kind']> = Extract<ParsedStatement, { kind: Kind }>;

/** Keys and certificates of user databases are not modelled: only master's serve endpoints and links. */
const requireMasterDatabase = (context: SessionContext, statement: string): void => {
  if (!sameName(context.database, 'master')) throw serverError(40510, [`${statement} outside master`]);
};

/** At least 8 characters of three kinds, as the operating system's policy asks. */
export const isStrongPassword = (password: string): boolean => {
  if (password.length < 8) return false;
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9]/].filter((kind) => kind.test(password));
  return kinds.length >= 3;
};

export const createMasterKey = (context: SessionContext, statement: Of<'create-master-key'>): void => {
  requireMasterDatabase(context, 'CREATE MASTER KEY');
  requirePermission(context, 'CONTROL SERVER');
  if (statement.password === undefined && !context.managedInstance) throw serverError(33161);
  if (statement.password !== undefined && !isStrongPassword(statement.password)) throw serverError(15118);
  context.world.certificates.createMasterKey(context.instanceName);
  context.state.masterKeyPassword = statement.password;
};

/** Regenerating re-encrypts and changes nothing that is seen from outside. */
export const alterMasterKey = (context: SessionContext, statement: Of<'alter-master-key'>): void => {
  requireMasterDatabase(context, 'ALTER MASTER KEY');
  requirePermission(context, 'CONTROL SERVER');
  if (context.instance.masterKey === undefined) throw serverError(15581);
  if (statement.password === undefined) return;
  if (!isStrongPassword(statement.password)) throw serverError(15118);
  context.state.masterKeyPassword = statement.password;
  context.world.journal.mark(`alter master key on ${context.instanceName}`);
};

export const dropMasterKey = (context: SessionContext): void => {
  requireMasterDatabase(context, 'DROP MASTER KEY');
  requirePermission(context, 'CONTROL SERVER');
  if (context.instance.masterKey === undefined)
    throw serverError(15151, ['drop', 'symmetric key', 'master key']);
  const user = [...context.instance.certificates.values()].find(
    (certificate) => certificate.privateKey === 'MK',
  );
  if (user !== undefined) throw serverError(15580, ['master key', 'certificate', user.name]);
  context.world.certificates.dropMasterKey(context.instanceName);
};

export const openMasterKey = (context: SessionContext, statement: Of<'open-master-key'>): void => {
  if (context.instance.masterKey === undefined) throw serverError(15581);
  const known = context.state.masterKeyPassword;
  if (known !== undefined && known !== statement.password) throw serverError(15313);
  context.masterKeyOpen = true;
};

export const createCertificate = (context: SessionContext, statement: Of<'create-certificate'>): void => {
  requireMasterDatabase(context, 'CREATE CERTIFICATE');
  requirePermission(context, 'CONTROL SERVER');
  const { world, instanceName } = context;
  const { source } = statement;
  switch (source.kind) {
    case 'self-signed': {
      const startDate = source.start === undefined ? undefined : parseServerDate(source.start);
      const expiryDate = source.expiry === undefined ? undefined : parseServerDate(source.expiry);
      world.certificates.create(instanceName, {
        name: statement.name,
        subject: source.subject,
        ...(startDate === undefined ? {} : { startDate }),
        ...(expiryDate === undefined ? {} : { expiryDate }),
      });
      return;
    }
    case 'binary':
      world.certificates.createFromBinary(instanceName, statement.name, source.der);
      return;
    case 'file':
      // No file of the machine is ever read: the answer is that of a path that cannot be opened.
      throw context.managedInstance ? serverError(41901, ['FILE']) : serverError(15208);
  }
};

export const alterCertificate = (context: SessionContext, statement: Of<'alter-certificate'>): void => {
  requirePermission(context, 'CONTROL SERVER');
  if (!context.instance.certificates.has(statement.name.toLowerCase())) {
    throw serverError(15151, ['alter', 'certificate', statement.name]);
  }
  if (statement.activeForDialog === undefined)
    throw serverError(40510, ['ALTER CERTIFICATE ... PRIVATE KEY']);
};

export const dropCertificate = (context: SessionContext, statement: Of<'drop-certificate'>): void => {
  requirePermission(context, 'CONTROL SERVER');
  context.world.certificates.drop(context.instanceName, statement.name);
};

export const backupCertificate = (context: SessionContext, statement: Of<'backup-certificate'>): void => {
  requirePermission(context, 'CONTROL SERVER');
  if (context.managedInstance) throw serverError(41901, ['FILE']);
  const certificate = context.instance.certificates.get(statement.name.toLowerCase());
  if (certificate === undefined) throw serverError(15151, ['find', 'certificate', statement.name]);
  if (statement.privateKeyPath !== undefined && certificate.privateKey === 'NA') {
    // There is no private key to export; the number of that refusal is not documented (inferred).
    throw serverError(15297);
  }
  context.world.journal.mark(
    `backup certificate ${certificate.name} of ${context.instanceName} to ${statement.path}`,
  );
};

export const credential = (context: SessionContext, statement: Of<'create-credential'>): void => {
  requirePermission(context, 'ALTER ANY CREDENTIAL');
  const key = statement.name.toLowerCase();
  const { credentials } = context.state;
  const present = credentials.get(key);
  switch (statement.action) {
    case 'CREATE':
      if (present !== undefined) throw serverError(15530, [statement.name]);
      credentials.set(key, {
        id: context.state.takeId(),
        name: statement.name,
        identity: statement.identity ?? '',
        createdAt: context.now(),
      });
      break;
    case 'ALTER':
      if (present === undefined) throw serverError(15151, ['alter', 'credential', statement.name]);
      credentials.set(key, { ...present, identity: statement.identity ?? present.identity });
      break;
    case 'DROP':
      if (present === undefined) throw serverError(15151, ['drop', 'credential', statement.name]);
      credentials.delete(key);
      break;
  }
  context.world.journal.mark(
    `${statement.action.toLowerCase()} credential ${statement.name} on ${context.instanceName}`,
  );
};
