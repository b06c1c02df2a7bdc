import { CancellationScope, isCancellation, sleep, workflowInfo } from '@temporalio/workflow';
import type { GuardInput, ReplicationNews } from '../../activities/link/api';
import { activityProblem, personProblem } from '../run-control';
import { noteOpened } from './closed-doors';
import { followRoles, noteLinkBack, noteLinkGone, watchOthers } from './others';
import type { LinkRun } from './run';
import { noteSplitBrain } from './split-brain';
import { noteHealth, type Protection } from './state';

/** A quiet link returns this often, so that a new history can begin. */
const CHECKPOINT_MS = 7 * 24 * 3_600_000;
/** After a failure that a person must mend, the guard tries again by itself: the log must not wait for an answer. */
const RETRY_AFTER_PROBLEM_MS = 5 * 60_000;

/**
 * Takes log backups and watches the link's health while it replicates. One activity waits for the next thing worth
 * recording; an idle day costs a handful of events.
 */
export class ReplicationGuard {
  private stopping = false;
  private readonly scope = new CancellationScope();
  private readonly loop: Promise<void>;

  constructor(
    private readonly run: LinkRun,
    /** Of a link that stays: two primaries are looked for as well. */
    private readonly protection?: Protection,
  ) {
    this.loop = this.scope.run(() => this.watch());
    this.loop.catch(() => undefined);
  }

  /** Ends the watch; a backup that runs is waited for, since an interrupted one would only be taken again. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.scope.cancel();
    const { waitingFor } = this.run;
    this.run.waitingFor = 'the watch of the link to end; a log backup that runs just now is not interrupted';
    try {
      await this.loop.catch((error) => {
        if (!isCancellation(error)) throw error;
      });
    } finally {
      this.run.waitingFor = waitingFor;
    }
  }

  /** Resolves with `work`; rejects when the watch ended by itself, which it never may. */
  beside<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.loop.then(() => work)]);
  }

  private async watch(): Promise<void> {
    const { run } = this;
    while (!this.stopping) {
      try {
        const news = await run.watches.guardReplication({
          spec: run.spec,
          knownHealthy: run.state.health?.healthy ?? true,
          logAlarmRaised: run.state.logAlarmRaised,
          ...(this.protection === undefined
            ? {}
            : { splitBrainKnown: this.protection.splitBrain !== null, ...watchOthers(this.protection) }),
          ...foreignBackups(run),
          ...(run.state.lastBackupAt === undefined ? {} : { lastBackupAt: run.state.lastBackupAt }),
          ...(run.spec.replicas === undefined ? {} : { knownLeader: run.state.groupLeader ?? null }),
          ...closedDoors(run),
          // Of a link that stays the first look is news: a forced failover may be asked at any time.
          checkpointAfterMs: this.protection !== undefined && run.state.health === null ? 0 : CHECKPOINT_MS,
        });
        await this.note(news);
      } catch (error) {
        // The roles may have swapped beneath a watch that is being ended: that is no news.
        if (this.stopping) return;
        const problem = personProblem(error) ?? activityProblem(error);
        if (problem === undefined) throw error;
        await run.tell('critical', problem.code, `guarding the log: ${problem.message}`, problem.remedy);
        await sleep(RETRY_AFTER_PROBLEM_MS);
      }
    }
  }

  private async note(news: ReplicationNews): Promise<void> {
    const { run } = this;
    const { state } = run;
    noteHealth(state, news.health);
    switch (news.kind) {
      case 'log-backup-taken': {
        const { backup } = news;
        state.logBackups = { count: state.logBackups.count + 1, lastAt: backup.at };
        if (backup.serverAt !== undefined) state.lastBackupAt = backup.serverAt;
        state.logAlarmRaised = false;
        run.record(
          { id: 'source.log-backup', title: 'Log backup', phase: 'replicating' },
          'done',
          backup.effects,
          `${backup.reason} (${backup.ruleId})`,
          backup.durationMs,
        );
        break;
      }
      case 'split-brain':
        if (this.protection !== undefined) await noteSplitBrain(run, this.protection, news);
        break;
      case 'roles-by-others':
        // The roles of a failover that ends this watch are its own doing.
        if (this.protection !== undefined && !this.stopping) await followRoles(run, this.protection, news);
        break;
      case 'link-gone':
        if (this.protection !== undefined) await noteLinkGone(run, this.protection, news);
        break;
      case 'health-changed':
        if (this.protection !== undefined) noteLinkBack(this.protection, news.health);
        if (news.lastSeen !== undefined) state.lastLag = news.lastSeen;
        await run.tell(
          news.health.healthy ? 'info' : 'warning',
          news.health.healthy ? 'link.healthy' : 'link.unhealthy',
          news.health.summary,
          news.health.healthy
            ? 'nothing'
            : 'check the connection between the endpoints and their certificates',
        );
        break;
      case 'log-alarm':
        state.logAlarmRaised = true;
        await run.tell(
          'critical',
          'log-backup.alarm',
          news.reason,
          'give the log more room, or mend what holds it',
        );
        break;
      case 'group-moved':
        await noteLeader(run, news.leader);
        break;
      case 'doors-opened':
        await noteOpened(run, news.doors);
        break;
      case 'foreign-log-backup':
        state.foreignLogBackups = [...(state.foreignLogBackups ?? []), ...news.jobs];
        await run.tell(
          'warning',
          'log-backup.foreign',
          news.reason,
          'keep the backup files of both for as long as you may have to restore, or stop one of the two',
        );
        break;
      case 'checkpoint':
        break;
    }
    // What the cutover waits for does not depend on this news: waking it would cost two events for each backup.
    if (historyIsLong(run)) run.changes += 1;
  }
}

/** The first leader that is seen is no news; another one is, since the link must have found its way to it. */
async function noteLeader(run: LinkRun, leader: string): Promise<void> {
  const former = run.state.groupLeader;
  run.state.groupLeader = leader;
  const { availabilityGroup } = run.spec.names;
  if (former === undefined) {
    run.event('info', 'group.leader', `${leader} leads the availability group ${availabilityGroup}`);
    return;
  }
  await run.tell(
    'warning',
    'group.failed-over',
    `${leader} leads the availability group ${availabilityGroup} now, in place of ${former}; the run goes on there`,
    `nothing, if somebody failed it over on purpose; else find out why ${former} lost the role`,
  );
}

function closedDoors({ state }: LinkRun): Pick<GuardInput, 'closedDoors'> {
  if (state.closedDoors === undefined) return {};
  const doors = state.closedDoors.map(({ server, logins, statement }) => ({ server, logins, statement }));
  return { closedDoors: doors };
}

/** By the clock of the source, like the backup history itself. */
function foreignBackups({ state }: LinkRun): Pick<GuardInput, 'foreignBackups'> {
  if (state.seedingCompletedAt === null) return {};
  return { foreignBackups: { since: state.seedingCompletedAt, told: state.foreignLogBackups ?? [] } };
}

/** True when a new history should begin: the server says so, or the run's own limit is reached. */
export function historyIsLong(run: LinkRun): boolean {
  const info = workflowInfo();
  return (
    info.continueAsNewSuggested ||
    info.historyLength >= (run.input.maxHistoryEvents ?? Number.MAX_SAFE_INTEGER)
  );
}
