import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import type { ReversedNews } from '../../activities/link/api';
import { activityProblem, personProblem } from '../run-control';
import { followRoles, fullBackupSince, noteLinkBack, noteLinkGone, watchOthers } from './others';
import type { LinkRun } from './run';
import { noteSplitBrain } from './split-brain';
import { noteHealth, type Protection } from './state';

/** The health that is known is at most this old: the loss of a forced failover is estimated from it. */
const CHECKPOINT_MS = 3_600_000;
const RETRY_AFTER_PROBLEM_MS = 5 * 60_000;

/** Watches a link that the instance leads: its health, and whether the SQL Server claims to be the primary as well. */
export class ReversedGuard {
  private stopping = false;
  private readonly scope = new CancellationScope();
  private readonly loop: Promise<void>;

  constructor(
    private readonly run: LinkRun,
    private readonly protection: Protection,
  ) {
    this.loop = this.scope.run(() => this.watch());
    this.loop.catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.scope.cancel();
    const { waitingFor } = this.run;
    this.run.waitingFor = 'the watch of the link to end';
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
        const news = await run.watches.watchReversedLink({
          spec: run.spec,
          knownHealthy: run.state.health?.healthy ?? true,
          splitBrainKnown: this.protection.splitBrain !== null,
          ...watchOthers(this.protection),
          ...fullBackupSince(run, this.protection),
          // After a failover nothing is known of this direction: the first look is news.
          checkpointAfterMs: run.state.health === null ? 0 : CHECKPOINT_MS,
        });
        await this.note(news);
      } catch (error) {
        if (this.stopping) return;
        const problem = personProblem(error) ?? activityProblem(error);
        if (problem === undefined) throw error;
        await run.tell('critical', problem.code, problem.message, problem.remedy);
        await sleep(RETRY_AFTER_PROBLEM_MS);
      }
    }
  }

  private async note(news: ReversedNews): Promise<void> {
    const { run } = this;
    noteHealth(run.state, news.health);
    run.changes += 1;
    switch (news.kind) {
      case 'split-brain':
        return noteSplitBrain(run, this.protection, news);
      case 'roles-by-others':
        // The roles of a failover that ends this watch are its own doing.
        return this.stopping ? undefined : followRoles(run, this.protection, news);
      case 'link-gone':
        return noteLinkGone(run, this.protection, news);
      case 'full-backup':
        this.protection.fullBackupAt = news.at;
        run.event('info', 'after.full-backup', `Azure finished its first full backup at ${news.at}`);
        return undefined;
      case 'health-changed':
        noteLinkBack(this.protection, news.health);
        if (news.lastSeen !== undefined) run.state.lastLag = news.lastSeen;
        return run.tell(
          news.health.healthy ? 'info' : 'warning',
          news.health.healthy ? 'link.healthy' : 'link.unhealthy',
          news.health.summary,
          news.health.healthy ? 'nothing' : 'see whether both sides run and reach each other',
        );
      case 'checkpoint':
        return undefined;
    }
  }
}
