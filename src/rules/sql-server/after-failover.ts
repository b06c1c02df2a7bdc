/** What a look at a new primary finds. Nothing of it holds the applications back: they are admitted already. */
import type {
  AfterFailoverFacts,
  DatabaseProperties,
  FailoverCheck,
  GroupMode,
  OrphanedUser,
} from '../../model/run/failover-facts';

/** Texts of statements that mend what was found; made where T-SQL is made. */
export interface Repairs {
  readonly user: (orphan: { readonly user: string; readonly login: string }) => string;
  readonly compatibilityLevel: (level: number) => string;
  readonly owner: (login: string) => string;
  readonly broker: string;
  readonly asynchronous: (members: readonly string[]) => string;
}

const UNKNOWN_BEFORE = 'nobody could look before the failover';

export function afterFailoverChecks(facts: AfterFailoverFacts, repairs: Repairs): readonly FailoverCheck[] {
  const { now, before, orphans, modes, firstWriteAt } = facts;
  return [
    firstWrite(firstWriteAt),
    state(now),
    orphanedUsers(orphans, repairs),
    compatibility(now, before, repairs),
    owner(now, before, repairs),
    broker(now, before, repairs),
    ...recovery(now, before),
    ...(modes === null ? [] : [commitMode(modes, repairs)]),
  ];
}

const passed = (id: string, evidence: string): FailoverCheck => ({ id, outcome: 'passed', evidence });
const warning = (id: string, evidence: string, remedy: string): FailoverCheck => ({
  id,
  outcome: 'warning',
  evidence,
  remedy,
});

const firstWrite = (at: string | null): FailoverCheck =>
  at === null
    ? warning('after.first-write', 'no time of a first write is known', 'write to the database')
    : passed('after.first-write', `the first write succeeded at ${at}`);

function state({ stateDesc, updateability }: DatabaseProperties): FailoverCheck {
  const seen = `the database is ${stateDesc ?? 'absent'}, ${updateability ?? 'of unknown updateability'}`;
  if (stateDesc === 'ONLINE' && updateability === 'READ_WRITE') return passed('after.state', seen);
  return warning('after.state', seen, 'read the error log of the instance (sp_readerrorlog)');
}

/** Users are found by SID: one whose login has another SID cannot log in ("Troubleshoot orphaned users"). */
function orphanedUsers(orphans: readonly OrphanedUser[], repairs: Repairs): FailoverCheck {
  if (orphans.length === 0) return passed('after.orphaned-users', 'every user has its login');
  const names = orphans.map(({ user }) => user).join(', ');
  const statements = orphans.map(({ user, login }) =>
    login === null
      ? `for ${user} there is no login of that name: create it with the SID of the user`
      : repairs.user({ user, login }),
  );
  return warning(
    'after.orphaned-users',
    `users without a login of their SID: ${names}`,
    statements.join(' '),
  );
}

function compatibility(
  { compatibilityLevel: now }: DatabaseProperties,
  before: DatabaseProperties | null,
  repairs: Repairs,
): FailoverCheck {
  const id = 'after.compatibility-level';
  const was = before?.compatibilityLevel ?? null;
  if (was === null) return passed(id, `${now ?? 'unknown'}; ${UNKNOWN_BEFORE}`);
  if (was === now) return passed(id, `${now}, as before`);
  return warning(id, `${now ?? 'unknown'}, before the failover ${was}`, repairs.compatibilityLevel(was));
}

function owner(
  { owner: now, ownerSid }: DatabaseProperties,
  before: DatabaseProperties | null,
  repairs: Repairs,
): FailoverCheck {
  const id = 'after.owner';
  if (now === null) {
    const evidence = 'the SID of the owner belongs to no login here';
    return warning(id, evidence, repairs.owner(before?.owner ?? 'sa'));
  }
  const was = before?.owner ?? null;
  if (was === null || was === now || before?.ownerSid === ownerSid) return passed(id, now);
  return warning(id, `${now}, before the failover ${was}`, repairs.owner(was));
}

function broker(
  { isBrokerEnabled: now }: DatabaseProperties,
  before: DatabaseProperties | null,
  repairs: Repairs,
): FailoverCheck {
  const id = 'after.service-broker';
  const said = now === true ? 'enabled' : 'disabled';
  if (before?.isBrokerEnabled === true && now !== true) {
    return warning(id, `${said}, before the failover enabled`, repairs.broker);
  }
  return passed(id, said);
}

/** Does not exist before SQL Server 2019. */
function recovery(
  { isAcceleratedDatabaseRecoveryOn: now }: DatabaseProperties,
  before: DatabaseProperties | null,
): readonly FailoverCheck[] {
  const id = 'after.accelerated-recovery';
  const was = before?.isAcceleratedDatabaseRecoveryOn ?? null;
  if (now === null || was === null) return [];
  const said = now ? 'on' : 'off';
  if (now === was) return [passed(id, `${said}, as before`)];
  return [warning(id, `${said}, before the failover ${was ? 'on' : 'off'}`, 'look whether that is meant')];
}

/** "Always check after a planned failover that replication is asynchronous" (failover how-to). */
function commitMode(modes: readonly GroupMode[], repairs: Repairs): FailoverCheck {
  const id = 'after.commit-mode';
  const others = modes.filter(({ mode }) => mode !== 'ASYNCHRONOUS_COMMIT');
  if (others.length === 0) return passed(id, 'the distributed availability group commits asynchronously');
  const seen = others.map(({ member, mode, label }) => `${member} on the ${label} is ${mode}`).join(', ');
  const members = [...new Set(modes.map(({ member }) => member))];
  return warning(id, seen, repairs.asynchronous(members));
}
