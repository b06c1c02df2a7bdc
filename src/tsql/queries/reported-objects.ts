/** What lives outside of the database and is shown, not copied: its secrets cannot be read, or it is the server's own. */
import type { ReportedKind, ReportedObject } from '../../model/sql-server/instance-objects';
import type { Query } from '../../model/statement';
import { query } from '../query';
import { readText } from '../rows';

function named(kind: ReportedKind, text: string, database = 'master'): Query<ReportedObject> {
  return query(`read-${kind}s`, text, (row) => ({ kind, name: readText(row, 'name') }), { database });
}

/** One query for each kind; all give names alone. */
export const readReportedObjects = (): readonly Query<ReportedObject>[] => [
  named('linked-server', 'SELECT name FROM sys.servers WHERE is_linked = 1 ORDER BY name;'),
  named('credential', "SELECT name FROM sys.credentials WHERE name NOT LIKE N'##%' ORDER BY name;"),
  named(
    'message',
    `
SELECT CONVERT(nvarchar(11), message_id) AS name
FROM sys.messages
WHERE message_id > 50000
GROUP BY message_id
ORDER BY message_id;
`,
  ),
  named('server-trigger', 'SELECT name FROM sys.server_triggers WHERE is_ms_shipped = 0 ORDER BY name;'),
  named('operator', 'SELECT name FROM dbo.sysoperators ORDER BY name;', 'msdb'),
  named('mail-profile', 'SELECT name FROM dbo.sysmail_profile ORDER BY name;', 'msdb'),
];
