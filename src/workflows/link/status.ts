/** What a run of a link shows of itself. */
import type { LinkHealth } from '../../activities/link/api';
import type { DivergedLog, EqualLsnEvidence, LogLossReport } from '../../activities/sql-server/api';
import type { CutoverRoute } from '../../model/link/facts';
import { instanceIsFirst } from '../../model/link/initial-primary';
import type { FailoverRecord } from '../run/failover-record';
import type { RunOutcome, RunStatus } from '../run/messages';
import type { StandingStatus } from '../run/standing-messages';
import { statusOf } from '../run/status';
import type { ObjectsState } from '../sql-server/objects-state';
import { equalLsnOf } from './equal-lsn';
import { fullBackupAt, type LinkRun } from './state';

export interface LinkStatus extends Omit<RunStatus, 'health' | 'pointOfNoReturn' | 'protection'> {
  readonly server: string;
  readonly instance: string;
  /** Replica that leads the availability group, where it has several. */
  readonly groupLeader?: string;
  readonly route: CutoverRoute | null;
  /** Present where the instance leads first: SQL Server and instance say where the servers are, not where the database goes. */
  readonly initialPrimary?: 'instance';
  readonly seedingDeadline: string | null;
  readonly seedingRestarts: number;
  readonly logBackups: { readonly count: number; readonly lastAt: string | null };
  readonly health: LinkHealth | null;
  readonly pointOfNoReturn: EqualLsnEvidence | null;
  readonly protection: LinkStandingStatus | null;
  /** Logins and jobs as they were compared last; absent where the spec has no instanceObjects. */
  readonly instanceObjects?: ObjectsState;
}

/** One failover of a link: both ends have a log. */
export interface LinkFailoverRecord extends FailoverRecord {
  readonly evidence: EqualLsnEvidence | null;
  readonly loss: LogLossReport | null;
  readonly diverged?: DivergedLog | null;
}

export interface LinkStandingStatus extends StandingStatus {
  readonly failovers: readonly LinkFailoverRecord[];
  /** Azure's first full backup since the instance leads: ISO 8601, null until it is seen; absent while SQL Server leads. */
  readonly fullBackupAt?: string | null;
}

/** @param now when it is looked at, milliseconds since 1970-01-01 UTC */
export function linkStatusOf(run: LinkRun, outcome: RunOutcome, now: number): LinkStatus {
  const { state, spec } = run;
  const { server, instance } = spec.settings;
  const { pointOfNoReturn, health, protection, ...common } = statusOf(run, outcome, now);
  return {
    ...common,
    server,
    instance,
    ...(state.groupLeader === undefined ? {} : { groupLeader: state.groupLeader }),
    route: state.route,
    ...(instanceIsFirst(spec) ? { initialPrimary: 'instance' as const } : {}),
    seedingDeadline: deadlineView(run),
    seedingRestarts: state.seedingRestarts,
    logBackups: state.logBackups,
    // The watch of a link alone writes it.
    health: health as LinkHealth | null,
    pointOfNoReturn: equalLsnOf(pointOfNoReturn),
    protection: protection === null ? null : standingView(run, protection),
    ...(state.instanceObjects === undefined ? {} : { instanceObjects: state.instanceObjects }),
  };
}

function standingView({ state }: LinkRun, standing: StandingStatus): LinkStandingStatus {
  // The failovers of a link alone write them.
  const failovers = standing.failovers as readonly LinkFailoverRecord[];
  if (standing.primary === 'server' || state.failedOverAt === null) return { ...standing, failovers };
  return { ...standing, failovers, fullBackupAt: fullBackupAt(state) };
}

function deadlineView({ state, spec }: LinkRun): string | null {
  const { linkRequestedAt, seedingCompletedAt } = state;
  if (linkRequestedAt === null || seedingCompletedAt !== null) return null;
  return new Date(Date.parse(linkRequestedAt) + spec.settings.seeding.deadline).toISOString();
}
