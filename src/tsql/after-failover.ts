/** What mends a database on its new primary. */
import type { Statement } from '../model/statement';
import { integerLiteral, quoteIdentifier } from './quote';
import { statement } from './statement';

/** Gives a user the login whose SID differs ("Troubleshoot orphaned users"). Needs a writable database. */
export const mapUserToLogin = (options: {
  readonly database: string;
  readonly user: string;
  readonly login: string;
}): Statement =>
  statement(
    'map-user-to-login',
    `ALTER USER ${quoteIdentifier(options.user)} WITH LOGIN = ${quoteIdentifier(options.login)};`,
    { database: options.database },
  );

export const setCompatibilityLevel = (database: string, level: number): Statement =>
  statement(
    'set-compatibility-level',
    `ALTER DATABASE ${quoteIdentifier(database)} SET COMPATIBILITY_LEVEL = ${integerLiteral(level)};`,
  );

export const changeDatabaseOwner = (database: string, login: string): Statement =>
  statement(
    'change-database-owner',
    `ALTER AUTHORIZATION ON DATABASE::${quoteIdentifier(database)} TO ${quoteIdentifier(login)};`,
  );

/** Waits for exclusive access of the database; meant for a person, not for a run. */
export const enableServiceBroker = (database: string): Statement =>
  statement('enable-service-broker', `ALTER DATABASE ${quoteIdentifier(database)} SET ENABLE_BROKER;`);
