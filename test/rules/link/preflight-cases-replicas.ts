import type { LinkPreflightFacts } from '../../../src/model/link/facts';
import type { GroupFacts, GroupMemberFacts } from '../../../src/model/sql-server/group-facts';
import type { AvailabilityGroupFacts } from '../../../src/model/sql-server/observation';
import { database, endpoint, facts, spec } from './facts';
import type { Case } from './preflight-cases';

const LISTENER = '10.0.1.50';

const localGroup = (changes: Partial<AvailabilityGroupFacts> = {}): AvailabilityGroupFacts => ({
  name: 'AG_Orders',
  isDistributed: false,
  clusterTypeDesc: 'WSFC',
  databases: ['Orders'],
  replicas: ['SQL01', 'SQL02'].map((name) => ({
    name,
    endpointUrl: `TCP://${name}:5022`,
    availabilityModeDesc: 'SYNCHRONOUS_COMMIT',
  })),
  localRoleDesc: 'PRIMARY',
  ...changes,
});

type Server = NonNullable<GroupMemberFacts['server']>;

const member = (name: string, serverName: string, changes: Partial<Server> = {}): GroupMemberFacts => ({
  name,
  server: {
    serverName,
    productVersion: '16.0.4165.4',
    isSysadmin: true,
    hasMasterKey: true,
    canTrustCertificateIssuers: true,
    multiDatabase: null,
    endpoint: endpoint(),
    roleDesc: serverName === 'SQL01' ? 'PRIMARY' : 'SECONDARY',
    lastFullBackupAt: null,
    ...changes,
  },
  problem: null,
});

const silent: GroupMemberFacts = { name: 'sql-02', server: null, problem: 'connection refused' };
const both = (changes: Partial<Server> = {}) => [
  member('sql-01', 'SQL01'),
  member('sql-02', 'SQL02', changes),
];

export const groupFacts = (changes: Partial<GroupFacts> = {}): GroupFacts => ({
  multiDatabase: null,
  listeners: [{ group: 'AG_Orders', dnsName: 'ag-orders', addresses: [LISTENER] }],
  members: both(),
  isMultiDatabase: false,
  ...changes,
});

const over = (
  group: Partial<GroupFacts> = {},
  local: Partial<AvailabilityGroupFacts> = {},
  changes: Partial<LinkPreflightFacts> = {},
): LinkPreflightFacts =>
  facts({
    availabilityGroups: [localGroup(local)],
    database: database({ availabilityGroupName: 'AG_Orders' }),
    group: groupFacts(group),
    ...changes,
  });

const listening = (listener: Record<string, unknown> | undefined = { address: LISTENER }) =>
  spec({ link: { replicas: ['sql-02'], ...(listener === undefined ? {} : { listener }) } });
const one = (changes: Record<string, unknown> = {}) => spec({ link: changes });
const alone = { replicas: localGroup().replicas.slice(0, 1) };

export const REPLICA_CASES: readonly Case[] = [
  ['group.one-database', 'not-applicable', 'no group yet', facts(), /no such group/],
  ['group.one-database', 'passed', 'it alone', over(), /\[Orders\]/],
  [
    'group.one-database',
    'failed',
    'two databases',
    over({}, { databases: ['Orders', 'Stock'] }),
    /AG_Orders holds \[Orders, Stock\]/,
  ],

  ['group.single-database-mode', 'not-applicable', 'facts of an older version', facts(), /not read/],
  ['group.single-database-mode', 'passed', 'a build without the mode', over(), /no sys.sp_multidb_milink/],
  ['group.single-database-mode', 'passed', 'switched off', over({ multiDatabase: false }), /answers 0/],
  [
    'group.single-database-mode',
    'failed',
    'switched on',
    over({ multiDatabase: true }),
    /answers 1 on SQL01\./,
  ],
  [
    'group.single-database-mode',
    'failed',
    'on another replica',
    over({ members: both({ multiDatabase: true }) }),
    /answers 1 on SQL02\./,
  ],

  ['group.single-database-link', 'not-applicable', 'facts of an older version', facts(), /not read/],
  ['group.single-database-link', 'passed', 'none', over(), /No link DAG_Orders/],
  [
    'group.single-database-link',
    'failed',
    'a link of several databases',
    over({ isMultiDatabase: true }),
    /linkMode MultiDatabase/,
  ],

  ['group.replicas-named', 'not-applicable', 'no group yet', facts(), /no such group/],
  ['group.replicas-named', 'passed', 'both', over(), /SQL01, SQL02/, listening()],
  ['group.replicas-named', 'failed', 'one is missing', over({ members: [] }), /names no SQL02/],
  [
    'group.replicas-named',
    'unknown',
    'one does not answer',
    over({ members: [member('sql-01', 'SQL01'), silent] }),
    /SQL02 may be sql-02/,
    listening(),
  ],

  ['group.replicas-joined', 'not-applicable', 'none named', facts(), /names no other/],
  ['group.replicas-joined', 'passed', 'both', over(), /sql-01 PRIMARY, sql-02 SECONDARY/, listening()],
  [
    'group.replicas-joined',
    'failed',
    'a stranger',
    over({ members: both({ roleDesc: null }) }),
    /sql-02 has no availability group AG_Orders/,
    listening(),
  ],

  ['group.replicas-reachable', 'not-applicable', 'none named', facts(), /names none/],
  ['group.replicas-reachable', 'passed', 'both', over(), /sql-01, sql-02 answer/, listening()],
  [
    'group.replicas-reachable',
    'failed',
    'one is down',
    over({ members: [member('sql-01', 'SQL01'), silent] }),
    /sql-02: connection refused/,
    listening(),
  ],

  ['group.replicas-ready', 'passed', 'both', over(), /are ready/, listening()],
  [
    'group.replicas-ready',
    'failed',
    'an old build without a key',
    over({
      members: both({ hasMasterKey: false, canTrustCertificateIssuers: false, isSysadmin: false }),
    }),
    /sql-02 \(16\.0\.4165\.4\) knows no link; the login on sql-02 is not sysadmin; sql-02 has no master key/,
    listening(),
  ],

  ['group.replicas-builds', 'passed', 'one', over(), /sql-01: 16\.0\.4165\.4, sql-02: 16/, listening()],
  [
    'group.replicas-builds',
    'failed',
    'two',
    over({ members: both({ productVersion: '16.0.4125.3' }) }),
    /sql-02: 16\.0\.4125\.3/,
    listening(),
  ],

  ['group.listener', 'not-applicable', 'one replica', over({}, alone), /one replica/],
  ['group.listener', 'passed', 'its address', over(), /listener of AG_Orders has 10\.0\.1\.50/, listening()],
  ['group.listener', 'passed', 'its name', over(), /ag-orders/, listening({ address: 'AG-Orders' })],
  ['group.listener', 'failed', 'none given', over(), /gives no link\.listener/],
  ['group.listener', 'failed', 'there is none', over({ listeners: [] }), /has no listener/, listening()],
  [
    'group.listener',
    'failed',
    'another address',
    over(),
    /is 10\.0\.1\.8; the listener of AG_Orders has 10\.0\.1\.50, ag-orders/,
    listening({ address: '10.0.1.8' }),
  ],
  [
    'group.listener',
    'failed',
    'no group that could have one',
    facts({ group: groupFacts({ members: [] }) }),
    /there is no group AG_Orders/,
    one({ listener: { address: LISTENER } }),
  ],

  ['group.listener-used', 'not-applicable', 'no listener', over({ listeners: [] }, alone), /has no listener/],
  [
    'group.listener-used',
    'passed',
    'given',
    over({}, alone),
    /listener ag-orders/,
    one({ listener: { address: LISTENER } }),
  ],
  ['group.listener-used', 'failed', 'not given', over({}, alone), /gives no link\.listener/],

  ['group.endpoint-ports', 'not-applicable', 'none named', facts(), /names no other/],
  ['group.endpoint-ports', 'passed', 'the same', over(), /sql-01: 5022, sql-02: 5022/, listening()],
  [
    'group.endpoint-ports',
    'failed',
    'different ones',
    over({ members: both({ endpoint: endpoint({ port: 5023 }) }) }),
    /port 5022\. sql-01: 5022, sql-02: 5023/,
    listening(),
  ],
  [
    'group.endpoint-ports',
    'failed',
    'not the one of the link',
    over(),
    /uses port 7022/,
    listening({ address: LISTENER, port: 7022 }),
  ],

  [
    'database.full-backup',
    'passed',
    'another replica took it',
    over(
      { members: both({ lastFullBackupAt: '2027-02-28T22:00:00.000Z' }) },
      {},
      { database: database({ availabilityGroupName: 'AG_Orders', lastFullBackupAt: null }) },
    ),
    /2027-02-28T22/,
    listening(),
  ],
];
