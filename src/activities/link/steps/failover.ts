import { bySite, type LinkSite } from '../../../model/link/side';
import type { Effect } from '../../../model/statement';
import { writeProbe } from '../../../tsql/databases';
import {
  failoverDistributedAvailabilityGroup,
  forceFailoverDistributedAvailabilityGroup,
  setDistributedAvailabilityMode,
  setRoleSecondary,
} from '../../../tsql/link/availability-groups';
import { readInstanceDatabase } from '../../../tsql/queries/instance-database';
import { NeedsPerson, NotYet } from '../../run/failures';
import { defineLinkStep, readOn } from '../context';
import { type LinkRoles, readRoles } from '../roles';
import { findGroup } from './groups';

interface ModeState {
  readonly members: readonly { readonly name: string; readonly mode: string }[];
}

/** Before a cutover by deletion, the SQL Server waits for the instance (failover how-to, "switch to synchronous"). */
export const synchronousCommit = defineLinkStep<ModeState>({
  id: 'server.synchronous-commit',
  async observe(context) {
    const group = await findGroup(context, context.spec.names.distributedGroup);
    return {
      members: (group?.replicas ?? []).map((replica) => ({
        // The names stored in the group are the ones to use: the how-to pages contradict each other.
        name: replica.name,
        mode: replica.availabilityModeDesc,
      })),
    };
  },
  assume: (_facts, { spec }) => ({
    members: [spec.names.availabilityGroup, spec.names.instanceAvailabilityGroup].map((name) => ({
      name,
      mode: 'ASYNCHRONOUS_COMMIT',
    })),
  }),
  settled({ members }) {
    if (members.length === 0 || members.some((member) => member.mode !== 'SYNCHRONOUS_COMMIT'))
      return undefined;
    return 'both groups commit synchronously';
  },
  async effects({ members }, { spec }) {
    if (members.length === 0) {
      throw new NeedsPerson(
        'LinkGroupMissing',
        `${spec.settings.server} has no distributed availability group ${spec.names.distributedGroup}`,
        'find out who dropped it; without it there is no link to cut over by',
      );
    }
    const groups = members.map((member) => member.name);
    return [
      {
        kind: 'tsql',
        on: 'server',
        statement: setDistributedAvailabilityMode({
          name: spec.names.distributedGroup,
          groups,
          mode: 'SYNCHRONOUS_COMMIT',
        }),
        undo: setDistributedAvailabilityMode({
          name: spec.names.distributedGroup,
          groups,
          mode: 'ASYNCHRONOUS_COMMIT',
        }).display,
      },
    ];
  },
  async undo(before, now, { spec }) {
    const wasAsynchronous = before.members.some((member) => member.mode === 'ASYNCHRONOUS_COMMIT');
    const isSynchronous = now.members.some((member) => member.mode === 'SYNCHRONOUS_COMMIT');
    if (!wasAsynchronous || !isSynchronous) return [];
    const groups = now.members.map((member) => member.name);
    const statement = setDistributedAvailabilityMode({
      name: spec.names.distributedGroup,
      groups,
      mode: 'ASYNCHRONOUS_COMMIT',
    });
    return [{ kind: 'tsql', on: 'server', statement }];
  },
});

/** FAILOVER returns once the roles are swapped; a big redo queue makes it long. */
const FAILOVER_DEADLINE_MS = 30 * 60_000;

export const plannedFailover = defineLinkStep<{ readonly serverRole: string | null }>({
  id: 'server.planned-failover',
  async observe(context) {
    return {
      serverRole: (await findGroup(context, context.spec.names.distributedGroup))?.localRoleDesc ?? null,
    };
  },
  // After the set-up, or on the way back of a drill. A link that stands already tells its role itself.
  assume: ({ serverRole }, _context, before) =>
    serverRole === null || before.includes('instance.planned-failover')
      ? { serverRole: 'PRIMARY' }
      : { serverRole },
  settled: ({ serverRole }) =>
    serverRole === 'SECONDARY' ? 'the SQL Server is SECONDARY of the link' : undefined,
  async effects(_facts, { spec }) {
    const statement = failoverDistributedAvailabilityGroup(spec.names.distributedGroup);
    return [{ kind: 'tsql', on: 'server', statement, deadlineMs: FAILOVER_DEADLINE_MS }];
  },
});

export const verifyWritable = defineWritable('instance.verify-writable', 'instance');
export const verifyServerWritable = defineWritable('server.verify-writable', 'server');

/** Azure runs a planned failover only on the primary, and forces one only on the secondary instance. */
export const plannedFailoverFromInstance = defineLinkStep<LinkRoles>({
  id: 'instance.planned-failover',
  endsOutage: true,
  observe: (context) => readRoles(context),
  // The way back of a drill.
  assume: (facts, _context, before) =>
    before.includes('server.planned-failover') ? { server: 'SECONDARY', instance: 'PRIMARY' } : facts,
  settled: ({ instance }) => (instance === 'SECONDARY' ? 'the instance is SECONDARY of the link' : undefined),
  effects: async (_facts, { spec }) => [failOverLink(spec.names.distributedGroup, 'Planned')],
});

export const forcedFailoverToInstance = defineLinkStep<LinkRoles>({
  id: 'instance.forced-failover',
  endsOutage: true,
  observe: (context) => readRoles(context, 'server'),
  settled: ({ instance }) => (instance === 'PRIMARY' ? 'the instance is PRIMARY of the link' : undefined),
  effects: async (_facts, { spec }) => [failOverLink(spec.names.distributedGroup, 'ForcedAllowDataLoss')],
});

export const forcedFailoverToServer = defineLinkStep<LinkRoles>({
  id: 'server.forced-failover',
  observe: (context) => readRoles(context, 'instance'),
  settled: ({ server }) => (server === 'PRIMARY' ? 'the SQL Server is PRIMARY of the link' : undefined),
  effects: async (_facts, { spec }) => [
    {
      kind: 'tsql',
      on: 'server',
      statement: forceFailoverDistributedAvailabilityGroup(spec.names.distributedGroup),
      deadlineMs: FAILOVER_DEADLINE_MS,
    },
  ],
});

/** After a split brain the former primary follows the survivor; what it has alone is rolled away. */
export const demoteServer = defineLinkStep<LinkRoles>({
  id: 'server.become-secondary',
  observe: (context) => readRoles(context),
  settled: ({ server }) => (server === 'SECONDARY' ? 'the SQL Server is SECONDARY of the link' : undefined),
  effects: async (_facts, { spec }) => [
    {
      kind: 'tsql',
      on: 'server',
      statement: setRoleSecondary(spec.names.distributedGroup),
      deadlineMs: FAILOVER_DEADLINE_MS,
    },
  ],
});

export const demoteInstance = defineLinkStep<LinkRoles>({
  id: 'instance.become-secondary',
  observe: (context) => readRoles(context),
  settled: ({ instance }) => (instance === 'SECONDARY' ? 'the instance is SECONDARY of the link' : undefined),
  effects: async (_facts, { spec }) => [
    {
      kind: 'arm',
      request: { operation: 'demote-instance', linkName: spec.names.distributedGroup },
      display: `POST distributedAvailabilityGroups/${spec.names.distributedGroup}/setRole {"instanceRole":"Secondary","roleChangeType":"Forced"}`,
    },
  ],
});

function failOverLink(linkName: string, failoverType: 'Planned' | 'ForcedAllowDataLoss'): Effect {
  return {
    kind: 'arm',
    request: { operation: 'fail-over-link', linkName, failoverType },
    display: `POST distributedAvailabilityGroups/${linkName}/failover {"failoverType":"${failoverType}"}`,
  };
}

function defineWritable(id: string, on: LinkSite) {
  return defineLinkStep<{ readonly updateability: string | null }>({
    id,
    always: true,
    async observe(context) {
      const { database } = context.spec.settings;
      const [row] = await readOn(
        context,
        on,
        readInstanceDatabase(database, context.spec.names.distributedGroup),
      );
      return { updateability: row?.updateability ?? null };
    },
    assume: () => ({ updateability: 'READ_WRITE' }),
    settled: () => undefined,
    async effects({ updateability }, { spec }) {
      if (updateability !== 'READ_WRITE') {
        const side = bySite(on, spec.settings);
        throw new NotYet(
          'PrimaryNotWritable',
          `${spec.settings.database} on ${side} is ${updateability ?? 'absent'}`,
        );
      }
      return [{ kind: 'tsql', on, statement: writeProbe({ database: spec.settings.database }) }];
    },
  });
}
