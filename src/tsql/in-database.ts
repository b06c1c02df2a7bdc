import { quoteIdentifier } from './quote';

/**
 * Text that runs in a database other than the one of its connection. Meant for sp_executesql, where a change of
 * database ends with the call ("sp_executesql", remarks): the connection is never left in another database. USE takes
 * effect when the batch is compiled too, so that nothing of the batch runs when the database cannot be entered.
 */
export const inDatabase = (database: string, text: string): string =>
  `USE ${quoteIdentifier(database)};\n${text}`;
