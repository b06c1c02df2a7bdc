/**
 * failure_state of sys.dm_hadr_automatic_seeding. Three digits name the side as well: 1xx the SQL Server, 2xx the
 * instance (documentation of the view).
 */
const STATES: readonly string[] = [
  'Internal error',
  'User cancellation',
  'SQL error',
  'Request denied',
  'Thread abort',
  'Primary failure',
  'Transport',
  'Transport replica',
  'Check if seeding needed',
  'Send database file info',
  'Create callback',
  'Create operation',
  'Create VDI client',
  'Open VDI client',
  'Create USC session',
  'Seeding',
  'Restore string creation',
  'Database ID lookup',
  'Create async task',
  'Create timeout task',
  'Async task failure',
  'Seeding check message timeout',
  'File message timeout',
  'Database with this name exists already',
  'Secondary catch-up timeout',
  'Secondary restore stream ready timeout',
];

/** @returns for example `Database with this name exists already (on the instance, failure state 223)` */
export function describeSeedingFailure(failureState: number): string {
  const name = STATES[failureState % 100] ?? 'Unknown failure';
  const side =
    failureState >= 200 && failureState < 300
      ? 'on the instance, '
      : failureState >= 100 && failureState < 200
        ? 'on the SQL Server, '
        : '';
  return `${name} (${side}failure state ${failureState})`;
}
