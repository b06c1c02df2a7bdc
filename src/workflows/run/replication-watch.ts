import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import { msLeftToStop } from './preemption';
import type { Run } from './run';
import { activityProblem, type Problem, personProblem } from './run-control';
import { throwIfLeftBadly, until } from './until';

/** After a failure that a person must mend, the watch tries again by itself: the log must not wait for an answer. */
const RETRY_AFTER_PROBLEM_MS = 5 * 60_000;

/** What is watched while one side leads. */
export interface Watched<News> {
  /** For those who ask what the run waits for, once the watch is to end. */
  readonly endsWith: string;
  /** What a failure kept from being done, before its message; may be empty. */
  readonly doing: string;
  /** One activity, which waits for the next thing worth recording: an idle day costs a handful of events. */
  look(): Promise<News>;
  /** @param isStopping a failover ends this watch: the roles it sees are its own doing */
  note(news: News, isStopping: () => boolean): Promise<void>;
}

/** The watch of a link, for those who begin and end it. */
export interface LinkWatch {
  stop(): Promise<void>;
  beside<T>(work: Promise<T>): Promise<T>;
  /** Watch of the new primary that a failover began: it goes on behind it. */
  next?: LinkWatch;
}

/** Watches a link, by what `watched` says of the side that leads. */
export class ReplicationWatch<News> implements LinkWatch {
  next?: LinkWatch;
  private stopping = false;
  /** It did not end in time: whatever it sees from here on is nobody's news. */
  private abandoned = false;
  private readonly scope = new CancellationScope();
  private readonly loop: Promise<void>;

  constructor(
    private readonly run: Run,
    private readonly watched: Watched<News>,
  ) {
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
    await run.waits.for(this.watched.endsWith, async () => {
      const ended = await until(
        () => this.loop.catch(unlessCancelled),
        () => run.forcedAt !== null,
        { graceMs: msLeftToStop(run) },
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
        const news = await this.watched.look();
        if (this.abandoned) return;
        delete this.run.state.watchProblem;
        await this.watched.note(news, () => this.stopping);
      } catch (error) {
        // The roles may have swapped beneath a watch that is being ended: that is no news.
        if (this.stopping) return;
        const problem = personProblem(error) ?? activityProblem(error);
        if (problem === undefined) throw error;
        await this.tellOnce(problem);
        await sleep(RETRY_AFTER_PROBLEM_MS);
      }
    }
  }

  /** Also once for several watches of a run: a failover that is withdrawn mends nothing (promise 15). */
  private async tellOnce({ code, message, remedy }: Problem): Promise<void> {
    const { state } = this.run;
    const what = `${code}: ${message}`;
    if (state.watchProblem === what) return;
    state.watchProblem = what;
    await this.run.notify('critical', code, `${this.watched.doing}${message}`, remedy);
  }
}

function unlessCancelled(error: unknown): void {
  if (!isCancellation(error)) throw error;
}
