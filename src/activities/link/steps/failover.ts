import { writeProbe } from '../../../tsql/databases';
import {
  failoverDistributedAvailabilityGroup,
  setDistributedAvailabilityMode,
} from '../../../tsql/link/availability-groups';
import { readTargetDatabase } from '../../../tsql/queries/target';
import { NotYet } from '../../failures';
import { defineLinkStep, readTarget } from '../context';
import { findGroup } from './groups';

interface ModeState {
  readonly members: readonly { readonly name: string; readonly mode: string }[];
}

/** Before a cutover by deletion, the source waits for the instance (failover how-to, "switch to synchronous"). */
export const synchronousCommit = defineLinkStep<ModeState>({
  id: 'source.synchronous-commit',
  async observe(context) {
    const group = await findGroup(context, context.spec.names.link);
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
    const groups = members.map((member) => member.name);
    return [
      {
        kind: 'tsql',
        on: 'source',
        statement: setDistributedAvailabilityMode({
          name: spec.names.link,
          groups,
          mode: 'SYNCHRONOUS_COMMIT',
        }),
        undo: setDistributedAvailabilityMode({ name: spec.names.link, groups, mode: 'ASYNCHRONOUS_COMMIT' })
          .display,
      },
    ];
  },
  async undo(before, now, { spec }) {
    const wasAsynchronous = before.members.some((member) => member.mode === 'ASYNCHRONOUS_COMMIT');
    const isSynchronous = now.members.some((member) => member.mode === 'SYNCHRONOUS_COMMIT');
    if (!wasAsynchronous || !isSynchronous) return [];
    const groups = now.members.map((member) => member.name);
    const statement = setDistributedAvailabilityMode({
      name: spec.names.link,
      groups,
      mode: 'ASYNCHRONOUS_COMMIT',
    });
    return [{ kind: 'tsql', on: 'source', statement }];
  },
});

/** FAILOVER returns once the roles are swapped; a big redo queue makes it long. */
const FAILOVER_DEADLINE_MS = 30 * 60_000;

export const plannedFailover = defineLinkStep<{ readonly sourceRole: string | null }>({
  id: 'source.planned-failover',
  async observe(context) {
    return { sourceRole: (await findGroup(context, context.spec.names.link))?.localRoleDesc ?? null };
  },
  assume: () => ({ sourceRole: 'PRIMARY' }),
  settled: ({ sourceRole }) =>
    sourceRole === 'SECONDARY' ? 'the source is SECONDARY of the link' : undefined,
  async effects(_facts, { spec }) {
    const statement = failoverDistributedAvailabilityGroup(spec.names.link);
    return [{ kind: 'tsql', on: 'source', statement, deadlineMs: FAILOVER_DEADLINE_MS }];
  },
});

export const verifyWritable = defineLinkStep<{ readonly updateability: string | null }>({
  id: 'target.verify-writable',
  always: true,
  async observe(context) {
    const { database } = context.spec.migration;
    const [row] = await readTarget(context, readTargetDatabase(database, context.spec.names.link));
    return { updateability: row?.updateability ?? null };
  },
  assume: () => ({ updateability: 'READ_WRITE' }),
  settled: () => undefined,
  async effects({ updateability }, { spec }) {
    if (updateability !== 'READ_WRITE') {
      throw new NotYet(
        'TargetNotWritable',
        `${spec.migration.database} on the instance is ${updateability ?? 'absent'}`,
      );
    }
    return [{ kind: 'tsql', on: 'target', statement: writeProbe({ database: spec.migration.database }) }];
  },
});
