/** When the batch of a log backup refuses itself: run by the estate's engine over a catalog written by hand. */
import { backupLog } from '../../../src/tsql/backup';
import { query } from '../../../src/tsql/query';
import { type Catalog, type CatalogRow, runQuery, time } from '../catalog-host';

const id = (n: number): string => `00000000-0000-0000-0000-${String(n).padStart(12, '0')}`;
const OWN = 100;
const OTHER = 200;
const HEALTHY = { synchronization_state_desc: 'SYNCHRONIZING', synchronization_health_desc: 'HEALTHY' };
const NOT_YET = {
  synchronization_state_desc: 'NOT SYNCHRONIZING',
  synchronization_health_desc: 'NOT_HEALTHY',
};

const seeding = (group: number, currentState: string | null, more: CatalogRow = {}): CatalogRow => ({
  ag_id: id(group),
  ag_db_id: id(1),
  start_time: time('2026-11-22T02:00:00'),
  current_state: currentState,
  ...more,
});
const remote = (group: number, health: CatalogRow): CatalogRow => ({
  group_id: id(group),
  is_local: false,
  database_id: 5,
  ...health,
});

interface Case {
  readonly seedings?: readonly CatalogRow[];
  readonly remotes?: readonly CatalogRow[];
  readonly wait?: string;
  readonly isRead?: boolean;
  readonly otherConnected?: string;
}

/** @returns what the batch refuses with, undefined when the backup would begin */
async function refusal(given: Case): Promise<string | undefined> {
  const catalog: Catalog = {
    databases: [
      {
        name: 'Sales',
        database_id: 5,
        group_database_id: id(1),
        log_reuse_wait_desc: given.wait ?? 'NOTHING',
      },
      { name: 'Stock', database_id: 6, group_database_id: id(2), log_reuse_wait_desc: 'NOTHING' },
    ],
    availability_groups: [
      { group_id: id(10), name: 'AG_Sales', is_distributed: false },
      { group_id: id(OWN), name: 'DAG_Sales', is_distributed: true },
      { group_id: id(OTHER), name: 'DAG_Other', is_distributed: true },
    ],
    dm_hadr_availability_replica_states: [
      { group_id: id(OWN), is_local: false, connected_state_desc: 'CONNECTED' },
      { group_id: id(OTHER), is_local: false, connected_state_desc: given.otherConnected ?? 'CONNECTED' },
    ],
    dm_hadr_database_replica_states: given.remotes ?? [],
    dm_hadr_automatic_seeding: given.seedings ?? [],
    dm_exec_requests: given.isRead ? [{ database_id: 5, command: 'VDI_CLIENT_WORKER' }] : [],
  };
  const { text } = backupLog({
    database: 'Sales',
    path: '/backup/Sales.trn',
    displayPath: '',
    name: 'sales',
    compression: true,
    heldForSeeding: { ownGroup: 'DAG_Sales' },
  });
  const upToBackup = text.slice(0, text.indexOf('BACKUP LOG'));
  return runQuery(
    query('refusal', upToBackup, () => undefined),
    catalog,
  ).then(
    () => undefined,
    (error: Error) => error.message,
  );
}

test.each<[string, Case]>([
  ['nothing was ever seeded', {}],
  ['the own copy is complete', { seedings: [seeding(OWN, 'COMPLETED')], remotes: [remote(OWN, HEALTHY)] }],
  [
    'the own link is down after its seeding',
    { seedings: [seeding(OWN, 'COMPLETED')], remotes: [remote(OWN, NOT_YET)] },
  ],
  ['another copy waits for its turn', { seedings: [seeding(OTHER, 'LIMIT_CONCURRENT_BACKUPS')] }],
  ['another copy failed', { seedings: [seeding(OTHER, 'FAILED')] }],
  ['another copy is healthy', { seedings: [seeding(OTHER, 'COMPLETED')], remotes: [remote(OTHER, HEALTHY)] }],
  [
    'another link is down: nobody knows until when',
    { seedings: [seeding(OTHER, 'SEEDING')], otherConnected: 'DISCONNECTED' },
  ],
  [
    'another copy is read, and the log waits for a log backup alone',
    { seedings: [seeding(OTHER, 'SEEDING')], isRead: true, wait: 'LOG_BACKUP' },
  ],
  ['a copy of another database is made', { seedings: [seeding(OTHER, 'SEEDING', { ag_db_id: id(2) })] }],
  ['a replica of the local group is seeded', { seedings: [seeding(10, 'SEEDING')] }],
  [
    'an earlier attempt of another copy never ended',
    {
      seedings: [
        seeding(OTHER, 'SEEDING', { start_time: time('2026-11-22T01:00:00') }),
        seeding(OTHER, 'COMPLETED'),
      ],
      remotes: [remote(OTHER, HEALTHY)],
    },
  ],
])('the backup begins: %s', async (_, given) => {
  expect(await refusal(given)).toBeUndefined();
});

test.each<[string, string, Case]>([
  ['another copy catches up', 'DAG_Other', { seedings: [seeding(OTHER, 'SEEDING')] }],
  ['another copy is in a state that is not known', 'DAG_Other', { seedings: [seeding(OTHER, 'NOVEL')] }],
  ['another copy is in no state', 'DAG_Other', { seedings: [seeding(OTHER, null)] }],
  [
    'another copy is read, which holds the log itself',
    'DAG_Other',
    { seedings: [seeding(OTHER, 'SEEDING')], isRead: true, wait: 'ACTIVE_BACKUP_OR_RESTORE' },
  ],
  [
    'another copy is over and not healthy',
    'DAG_Other',
    {
      seedings: [seeding(OTHER, 'COMPLETED')],
      remotes: [remote(OTHER, NOT_YET)],
      isRead: true,
      wait: 'LOG_BACKUP',
    },
  ],
  ['another copy is over and not seen', 'DAG_Other', { seedings: [seeding(OTHER, 'COMPLETED')] }],
  ['the own copy is made again', 'DAG_Sales', { seedings: [seeding(OWN, 'SEEDING')] }],
  [
    'of two copies one is read: nobody knows which',
    'DAG_Other',
    {
      seedings: [seeding(OWN, 'SEEDING'), seeding(OTHER, 'SEEDING')],
      isRead: true,
      wait: 'LOG_BACKUP',
    },
  ],
])('the server refuses: %s', async (_, group, given) => {
  expect(await refusal(given)).toBe(
    `No log backup of Sales: it could free log that the copy of ${group} needs until it is healthy (errors 1408, 1412).`,
  );
});
