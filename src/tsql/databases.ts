import type { Statement } from '../model/statement';
import { quoteIdentifier } from './quote';
import { lines, statement } from './statement';

/**
 * A real write that leaves nothing: creates and fills a table, then rolls back. Fails where the database cannot be
 * written (3906 read-only, 976 and 983 not the primary, 9002 log full). XACT_ABORT ends the transaction on any error.
 */
export const writeProbe = (options: { readonly database: string }): Statement =>
  statement(
    'write-probe',
    lines(
      'SET XACT_ABORT ON;',
      'BEGIN TRANSACTION;',
      'CREATE TABLE dbo.sqlferry_write_probe (probe int NOT NULL);',
      'INSERT INTO dbo.sqlferry_write_probe (probe) VALUES (1);',
      'ROLLBACK TRANSACTION;',
      'SET XACT_ABORT OFF;',
    ),
    { database: options.database },
  );

/** Only of a half-made copy of this run: a database that nobody ever opened. */
export const dropDatabase = (database: string): Statement =>
  statement('drop-database', `DROP DATABASE ${quoteIdentifier(database)};`);
