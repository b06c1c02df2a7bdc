import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import type { CommonNews, OwnNews } from '../../activities/run/api';
import { pacingOf } from '../../model/run/pacing';
import type { SiteId } from '../../model/run/site';
import { isCommonNews, noteCommonNews, type Watcher } from './common-news';
import { historyIsLong } from './history';
import { msLeftToStop } from './preemption';
import type { Run } from './run';
import { activityProblem, type Problem, personProblem } from './run-control';
import type { Protection } from './state';
import { noteHealth } from './state-entries';
import type { TopologyWatch } from './topology';
import { throwIfLeftBadly, until } from './until';

/** The watch of what replicates, for those who begin and end it. */
export interface Watch {
  stop(): Promise<void>;
  beside<T>(work: Promise<T>): Promise<T>;
  /** Watch of the new primary that a failover began: it goes on behind it. */
  next?: Watch;
}

/** Watches while one site leads: an activity, which waits for the next thing worth recording, again and again. */
export class ReplicationWatch implements Watch {
  next?: Watch;
  private stopping = false;
  /** It did not end in time: whatever it sees from here on is nobody's news. */
  private abandoned = false;
  private readonly scope = new CancellationScope();
  private readonly loop: Promise<void>;
  private readonly watcher: Watcher;

  constructor(
    private readonly run: Run,
    private readonly primary: SiteId,
  ) {
    this.watcher = { primary, isStopping: () => this.stopping, told: new Set() };
    this.loop = this.scope.run(() => this.watch());
    this.loop.catch(() => undefined);
  }

  /**
   * Ends the watch, and waits until it has ended. Once a forced failover is asked for, it is waited for a short while
   * only, and left then: its activity was cancelled, and hears of it when it can (promise 9).
   */
  async stop(): Promise<void> {
    this.stopping = true;
    this.scope.cancel();
    if (this.abandoned) return;
    const { run } = this;
    await run.waits.for(this.watched.endsWith(this.primary, this.stands), async () => {
      const ended = await until(
        () => this.loop.catch(unlessCancelled),
        () => run.forcedAt !== null,
        { graceMs: () => msLeftToStop(run) },
      );
      throwIfLeftBadly(ended);
      this.abandoned = ended.left && !ended.hasEnded;
    });
  }

  /** Resolves with `work`; rejects when the watch ended by itself, which it never may. */
  beside<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.loop.then(() => work)]);
  }

  private async watch(): Promise<void> {
    while (!this.stopping) {
      try {
        const news = await this.look();
        if (this.abandoned) return;
        delete this.run.state.watchProblem;
        await this.note(news);
      } catch (error) {
        // The roles may have swapped beneath a watch that is being ended: that is no news.
        if (this.stopping) return;
        const problem = personProblem(error) ?? activityProblem(error);
        if (problem === undefined) throw error;
        await this.tellOnce(problem);
        await sleep(pacingOf(this.run.spec.settings.polling).watchAfterProblemMs);
      }
    }
  }

  private get watched(): TopologyWatch {
    return this.run.topology.watch;
  }

  /** Of what stands for years more is watched than of what crosses once. */
  private get stands(): boolean {
    return this.run.state.protection !== null;
  }

  private get leads(): boolean {
    const { protection } = this.run.state;
    return protection === null || protection.primary === this.primary;
  }

  private look(): Promise<CommonNews | OwnNews> {
    const { run, primary, watched } = this;
    const { health, protection } = run.state;
    const isKnown = health !== null || protection === null;
    return run.watches.watch({
      spec: run.spec,
      primary,
      knownHealthy: health?.healthy ?? true,
      ...(protection === null ? {} : { standing: standingKnown(protection) }),
      // The first look at what stands is news: a forced failover may be asked at any time.
      checkpointAfterMs: isKnown ? watched.checkpointAfterMs(primary) : 0,
      known: watched.known(run, primary),
    });
  }

  private async note(news: CommonNews | OwnNews): Promise<void> {
    const { run, watched } = this;
    // What is seen from a side that leads no longer says nothing of how the new primary is.
    if (this.leads) noteHealth(run.state, news.health);
    if (isCommonNews(news)) await noteCommonNews(run, news, this.watcher);
    else await watched.note(run, news);
    // What a cutover waits for does not depend on news: waking it would cost two events for each.
    if (historyIsLong(run)) run.revision += 1;
  }

  /** Also once for several watches of a run: a failover that is withdrawn mends nothing (promise 15). */
  private async tellOnce({ code, message, remedy }: Problem): Promise<void> {
    const { state } = this.run;
    const what = `${code}: ${message}`;
    if (state.watchProblem === what) return;
    state.watchProblem = what;
    await this.run.notify('critical', code, `${this.watched.doing(this.primary)}${message}`, remedy);
  }
}

const standingKnown = ({ splitBrain, deletedExternally }: Protection) => ({
  splitBrainKnown: splitBrain !== null,
  deletionKnown: deletedExternally !== undefined,
});

function unlessCancelled(error: unknown): void {
  if (!isCancellation(error)) throw error;
}
