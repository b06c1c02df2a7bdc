import type { EstateDefinitionInput } from '../../estate/world/definition';
import { type GroupParts, overGroup } from '../support/group-spec';
import type { ServerInput, WireCase, World } from './preflight-wire';
import { LOGINS } from './preflight-wire';

const LISTENER = '10.0.1.50';
const listener = { name: 'ag-sales', address: LISTENER };
const endpoint = {};

/** A second replica that lacks nothing. */
const second = (changes: Partial<ServerInput> = {}): ServerInput => ({
  kind: 'sql-server',
  name: 'SQL2',
  version: '2022',
  traceFlags: [1800, 9567],
  endpoint,
  logins: LOGINS,
  ...changes,
});

type Group = NonNullable<EstateDefinitionInput['groups']>[number];

const over = (group: Partial<Group>, world: World = {}): World => ({
  server: { endpoint, clustered: true, ...world.server },
  moreInstances: [second(), ...(world.moreInstances ?? [])],
  groups: [{ name: 'AG_Sales', replicas: ['SQL1', 'SQL2'], databases: ['Sales'], listener, ...group }],
  ...(world.moreDatabases === undefined ? {} : { moreDatabases: world.moreDatabases }),
});

const named =
  (parts: GroupParts): NonNullable<WireCase['inventory']> =>
  (spec, { estate }) =>
    overGroup(spec, estate, parts);

const BOTH: GroupParts = { replicas: ['SQL2'], listener: { address: LISTENER } };
/** What the run changes of a Windows endpoint, told beforehand. */
const WINDOWS = ['endpoint.authentication', 'endpoint.certificate'];

/** Availability groups that stand already. */
export const REPLICA_WIRE_CASES: readonly WireCase[] = [
  {
    id: 'group.availability-group-role',
    what: 'the SQL Server is a secondary, and no replica is named',
    world: over({}),
    arrange: async ({ stage }) => stage.estate.world.groups.failover('SQL2', 'AG_Sales'),
    evidence: /AG_Sales is SECONDARY here/,
    remedy: /Name all replicas/,
    also: [...WINDOWS, 'database.online', 'group.replicas-named', 'group.listener', 'group.listener-used'],
  },
  {
    id: 'group.one-database',
    world: over(
      { replicas: ['SQL1'], databases: ['Sales', 'Other'] },
      { moreDatabases: [{ name: 'Other', brokerEnabled: true }] },
    ),
    inventory: named({ listener: { address: LISTENER } }),
    evidence: /AG_Sales holds \[Other, Sales\]/,
    remedy: /REMOVE DATABASE/,
    also: [...WINDOWS, 'database.availability-group', 'group.availability-group-name'],
  },
  {
    id: 'group.single-database-mode',
    world: { server: { update: 'CU27' } },
    arrange: ({ onServer }) => onServer('EXEC sys.sp_multidb_milink 1'),
    evidence: /answers 1 on SQL1/,
    remedy: /sp_multidb_milink 0 on every replica/,
  },
  {
    id: 'group.replicas-named',
    world: over({}),
    inventory: named({ listener: { address: LISTENER } }),
    evidence: /link\.replicas names no SQL2/,
    remedy: /sqlServers in the inventory/,
    also: WINDOWS,
  },
  {
    id: 'group.replicas-joined',
    world: over({ replicas: ['SQL1'] }),
    inventory: named(BOTH),
    evidence: /sql2 has no availability group AG_Sales/,
    remedy: /ALTER AVAILABILITY GROUP \[name\] JOIN/,
    also: WINDOWS,
  },
  {
    id: 'group.replicas-reachable',
    world: over({}),
    inventory: named(BOTH),
    arrange: async ({ stage }) => stage.estate.world.instances.stop('SQL2'),
    evidence: /sql2: /,
    remedy: /Start the server/,
    also: [...WINDOWS, 'group.replicas-named'],
  },
  {
    id: 'group.replicas-ready',
    world: over({}),
    inventory: (spec, { estate }) => {
      const both = overGroup(spec, estate, BOTH);
      const replicas = (both.replicas ?? []).map(({ name, server }) => {
        const { masterKeyPassword: _none, ...rest } = server;
        return { name, server: rest };
      });
      return { ...both, replicas };
    },
    evidence: /sql2 has no master key and no masterKeyPassword/,
    remedy: /master key/,
    also: WINDOWS,
  },
  {
    id: 'group.replicas-builds',
    world: {
      server: { endpoint, clustered: true },
      moreInstances: [second({ update: 'CU13' })],
      groups: [{ name: 'AG_Sales', replicas: ['SQL1', 'SQL2'], databases: ['Sales'], listener }],
    },
    inventory: named(BOTH),
    evidence: /sql1: 16\.0\.4165\.4, sql2: 16\.0\.4125\.3/,
    remedy: /Patch all replicas alike/,
    also: WINDOWS,
  },
  {
    id: 'group.listener',
    what: 'another address',
    world: over({}),
    inventory: named({ ...BOTH, listener: { address: '10.0.1.8' } }),
    evidence: /is 10\.0\.1\.8; the listener of AG_Sales has 10\.0\.1\.50, ag-sales/,
    remedy: /link\.listener\.address/,
    also: WINDOWS,
  },
  {
    id: 'group.listener',
    what: 'none',
    world: {
      server: { endpoint, clustered: true },
      moreInstances: [second()],
      groups: [{ name: 'AG_Sales', replicas: ['SQL1', 'SQL2'], databases: ['Sales'] }],
    },
    inventory: named(BOTH),
    evidence: /AG_Sales has no listener/,
    remedy: /ADD LISTENER/,
    also: WINDOWS,
  },
  {
    id: 'group.listener-used',
    world: over({ replicas: ['SQL1'] }),
    evidence: /has the listener ag-sales/,
    remedy: /address of the listener/,
    also: WINDOWS,
  },
  {
    id: 'group.endpoint-ports',
    world: {
      server: { endpoint, clustered: true },
      moreInstances: [second({ endpoint: { port: 5023 } })],
      groups: [{ name: 'AG_Sales', replicas: ['SQL1', 'SQL2'], databases: ['Sales'], listener }],
    },
    inventory: named(BOTH),
    evidence: /sql1: 5022, sql2: 5023/,
    remedy: /same port/,
    also: WINDOWS,
  },
];
