import type { Statement } from '../model/statement';
import { quoteLiteral } from './quote';
import { lines, statement } from './statement';

/**
 * Ends all sessions of these logins, except the own one: also those whose present database is another one, since a
 * session may change its database, or write across databases, at any time. The list of sessions is made by the server
 * at the moment of running, so the text is the same in the plan and in the run. A session that has gone by itself
 * meanwhile (6106) is no error.
 * @param options.logins by the name under which a session logged in, whatever it impersonates now
 */
export function terminateSessions(options: { readonly logins: readonly string[] }): Statement {
  const logins = options.logins.length === 0 ? 'NULL' : options.logins.map(quoteLiteral).join(', ');
  return statement(
    'terminate-sessions',
    lines(
      "DECLARE @kill nvarchar(max) = N'';",
      "SELECT @kill += N'BEGIN TRY KILL ' + CONVERT(nvarchar(11), session_id)",
      "    + N' END TRY BEGIN CATCH IF ERROR_NUMBER() <> 6106 THROW; END CATCH; '",
      'FROM sys.dm_exec_sessions',
      'WHERE is_user_process = 1 AND session_id <> @@SPID',
      `    AND original_login_name IN (${logins});`,
      'EXEC sys.sp_executesql @kill;',
    ),
  );
}
