import type { SessionFacts } from '../../model/sql-server/observation';
import type { Query } from '../../model/statement';
import { listParameter, query } from '../query';
import { readBoolean, readInteger, readNullableText, readText } from '../rows';

export interface LoginRow {
  readonly name: string;
  readonly isDisabled: boolean;
}

/** Those of the names that exist as logins (SQL, Windows, Entra). */
export function readLogins(names: readonly string[]): Query<LoginRow> {
  const list = listParameter('login', names);
  return query(
    'read-logins',
    `
SELECT name, is_disabled
FROM sys.server_principals
WHERE type IN ('S', 'U', 'G', 'E', 'X') AND name IN ${list.text}
ORDER BY name;
`,
    (row) => ({ name: readText(row, 'name'), isDisabled: readBoolean(row, 'is_disabled') }),
    { parameters: list.parameters },
  );
}

/** Sessions of these logins, whatever their database: what `terminateSessions` would end. */
export function readSessions(options: { readonly logins: readonly string[] }): Query<SessionFacts> {
  const list = listParameter('login', options.logins);
  return query(
    'read-sessions',
    `
SELECT session_id, original_login_name, program_name
FROM sys.dm_exec_sessions
WHERE is_user_process = 1 AND session_id <> @@SPID
    AND original_login_name IN ${list.text}
ORDER BY session_id;
`,
    (row) => ({
      sessionId: readInteger(row, 'session_id'),
      loginName: readText(row, 'original_login_name'),
      programName: readNullableText(row, 'program_name') ?? '',
    }),
    { parameters: list.parameters },
  );
}
