import type { CatalogueEntry } from '../../model/failure';
import { person, retry } from './entry';

/** Conditions that sqlferry itself finds, without an error of a server. */
export const OWN_ENTRIES: readonly CatalogueEntry[] = [
  person(
    'SecretUnreadable',
    [],
    'A secret cannot be read where the inventory says that it is.',
    'Make the reference readable for the worker.',
    'sqlferry',
  ),
  person(
    'SettingUnusable',
    [],
    'A setting of the inventory cannot be used, for example a file that is not there.',
    'Correct it in the inventory, or the file that it names, on the machine of the worker.',
    'sqlferry',
  ),
  person(
    'NotQuotable',
    [],
    'A name or path cannot be put into a statement.',
    'Correct the name or the path in the specs.',
    'sqlferry',
  ),
  person(
    'RowNotUnderstood',
    [],
    'A server answered a query of its catalog in a way that is not known.',
    'Report it with the version of the server.',
    'sqlferry',
  ),
  person(
    'MasterKeyPasswordMissing',
    [],
    'The master database has no master key, and the inventory gives no password to make one.',
    'Set masterKeyPassword of the SQL Server in the inventory to a secret reference.',
    'sqlferry',
  ),
  person(
    'CertificateExpired',
    [],
    'The certificate of the endpoint has expired.',
    'Create a new one, give it to the endpoint with ALTER ENDPOINT, and drop the old one.',
    'sqlferry',
  ),
  person(
    'AvailabilityGroupNameTaken',
    [],
    'An availability group of this name exists and is not that of this migration.',
    'Set other names under link in the migration, or drop the group if it is a leftover.',
    'sqlferry',
  ),
  retry(
    'PrimaryNotWritable',
    [],
    'The database on the new primary does not take writes yet.',
    'It is looked at again.',
    'sqlferry',
  ),
  retry(
    'StepNotSettled',
    [],
    'A step was done, and its effect does not show yet.',
    'It is looked at again.',
    'sqlferry',
  ),
  retry(
    'FactMissing',
    [],
    'A server did not report a fact that every supported server reports.',
    'Check the permissions of the login: VIEW SERVER STATE; if it stays, report it with the version of the server.',
    'sqlferry',
  ),
  retry(
    'Unexpected',
    [],
    'Something failed that this catalogue does not foresee.',
    'It is tried again; if it stays, report it with the log of the worker.',
    'sqlferry',
  ),
  person(
    'UnknownStateVersion',
    [],
    'The state of the run was written by a version of sqlferry that this worker does not know.',
    'Run workers of that version, and reset the workflow to its first task.',
    'sqlferry',
  ),
  person(
    'UnknownSpecVersion',
    [],
    'The spec of the run was resolved by a version of sqlferry that this worker does not know.',
    'Run workers of that version, and reset the workflow to its first task.',
    'sqlferry',
  ),
  person(
    'UnknownTopology',
    [],
    'A run is of a kind that this worker does not serve.',
    'Run workers of a version that knows it, then resume.',
    'sqlferry',
  ),
  person(
    'UnknownStep',
    [],
    'A run asks for a step that this worker does not know.',
    'Run workers of a version that knows it, then resume.',
    'sqlferry',
  ),
  person(
    'CatchUpNotProved',
    [],
    'The evidence that the new primary has all that was committed is not of the kind that its topology takes.',
    'Resume: the fence is lifted, and the cutover begins again.',
    'sqlferry',
  ),
  person(
    'PreflightBlocked',
    [],
    'Preflight found conditions that must be mended before anything is changed.',
    'Do what the report names, then start or resume the run.',
    'sqlferry',
  ),
];

/** Where no entry fits. */
export const UNKNOWN_SQL = {
  retry: retry(
    'UnknownSqlError',
    [],
    'The server reported an error that is not in this catalogue and ended the connection (severity 20 and above).',
    'It is tried again; if it stays, look at the error log of the server.',
    'inferred from the severity',
  ),
  resource: person(
    'UnknownSqlError',
    [],
    'The server reported an error of its resources that is not in this catalogue (severity 17 to 19).',
    'Look at the error log of the server.',
    'inferred from the severity',
  ),
  person: person(
    'UnknownSqlError',
    [],
    'The server reported an error that is not in this catalogue.',
    'Read the message of the server; when its cause is removed, resume.',
    'inferred from the severity',
  ),
} as const;

export const UNKNOWN_AZURE = {
  retry: retry(
    'UnknownAzureError',
    [],
    'Azure reported a passing error that is not in this catalogue.',
    'It is tried again after the resource was read.',
    'inferred from the HTTP status',
  ),
  throttled: retry(
    'Throttled',
    [],
    'Azure asks for fewer requests.',
    'It is tried again after the time that Azure names.',
    'inferred from the HTTP status',
  ),
  identity: person(
    'Unauthorized',
    [],
    'Azure refused the identity.',
    'Check azure.credential in the inventory and the roles of that identity.',
    'inferred from the HTTP status',
  ),
  person: person(
    'UnknownAzureError',
    [],
    'Azure refused the request with a code that is not in this catalogue.',
    'Read the message of Azure; when its cause is removed, resume.',
    'inferred from the HTTP status',
  ),
} as const;
