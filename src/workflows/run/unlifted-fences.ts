/**
 * Logins of the fence on replicas that did not answer when it was lifted. Nobody waits for such a replica: it is
 * remembered, people are told what to send there, and the watch opens it as soon as it answers. Without such a replica
 * nothing here makes a command.
 */
import { isCancellation } from '@temporalio/workflow';
import type { LiftedFence } from '../../activities/run/api';
import type { PendingOnServer } from '../../model/run/pending-on-server';
import type { StepRef } from '../../model/run/procedure';
import type { SiteId } from '../../model/run/site';

/** Logins of the fence on a replica that did not answer when they were to be opened. */
export interface UnliftedFence extends PendingOnServer {
  readonly since: string;
  readonly told: boolean;
}

/** The run that remembers them. */
interface FencedRun {
  readonly state: { readonly phase: string; unliftedFences?: readonly UnliftedFence[] };
  now(): string;
  /** The step that lets applications in at a site. */
  admission(site: SiteId): StepRef | undefined;
  /** Asks each replica once. */
  lift(fences: readonly PendingOnServer[]): Promise<readonly LiftedFence[]>;
  journal(
    step: Pick<StepRef, 'id' | 'title' | 'phase' | 'server'>,
    outcome: 'done',
    effects: LiftedFence['effects'],
    evidence: string,
    durationMs: number,
  ): void;
  notify(severity: 'info' | 'critical', code: string, message: string, nextStep: string): Promise<void>;
}

export class UnliftedFences {
  constructor(private readonly run: FencedRun) {}

  private get known(): readonly UnliftedFence[] {
    return this.run.state.unliftedFences ?? [];
  }

  /** Remembers replicas on which logins may be disabled still; `tell` tells people. */
  note(fences: readonly PendingOnServer[] | undefined): void {
    if (fences === undefined || fences.length === 0) return;
    const { known, run } = this;
    run.state.unliftedFences = [
      ...known.filter(({ server }) => !fences.some((fence) => fence.server === server)),
      ...fences.map((fence): UnliftedFence => {
        const earlier = known.find(({ server }) => server === fence.server);
        return { ...fence, since: earlier?.since ?? run.now(), told: earlier?.told ?? false };
      }),
    ];
  }

  /** Told once for each replica, when nobody waits for it any more. */
  async tell(): Promise<void> {
    const untold = this.known.filter(({ told }) => !told);
    if (untold.length === 0) return;
    this.markTold();
    for (const { server, logins, statement } of untold) {
      await this.run.notify(
        'critical',
        'fence.not-lifted',
        `${server} does not answer: ${logins.join(', ')} may be disabled there still, and would be locked out if it led the group`,
        `nothing while it is away: it is opened as soon as it answers; by hand on ${server}: ${statement}`,
      );
    }
  }

  /** The failover told people; from here on the watch looks after them. */
  adopt({ unliftedFences }: { readonly unliftedFences?: readonly UnliftedFence[] }): void {
    this.note(unliftedFences);
    this.markTold();
  }

  /** What the watch, or an abort, opened. */
  async noteLifted(fences: readonly LiftedFence[]): Promise<void> {
    const { run } = this;
    const left = this.known.filter(({ server }) => !fences.some((fence) => fence.server === server));
    if (left.length > 0) run.state.unliftedFences = left;
    else this.forget();
    for (const { server, effects } of fences) {
      const done =
        effects.length === 0 ? 'the logins of the fence are open' : 'the logins of the fence are opened';
      const evidence = `${server} answers again: ${done}`;
      const [first] = effects;
      const step = first === undefined ? undefined : run.admission(first.on);
      if (step !== undefined) {
        const title = `Open the logins of the fence (${server})`;
        run.journal({ id: step.id, title, phase: run.state.phase, server }, 'done', effects, evidence, 0);
      }
      await run.notify('info', 'fence.lifted', evidence, 'nothing');
    }
  }

  /** One more attempt where no watch follows. @returns what is left to people, a sentence for each replica */
  async liftOnceMore(): Promise<readonly string[]> {
    if (this.known.length === 0) return [];
    try {
      await this.noteLifted(await this.run.lift(this.pending));
    } catch (error) {
      // What could not be tried is left to people as well.
      if (isCancellation(error)) throw error;
    }
    return this.known.map(
      ({ server, logins, statement }) =>
        `${server} did not answer when the fence was lifted, ${logins.join(', ')} may be disabled there; send there: ${statement}`,
    );
  }

  /** What is to be done there, as activities take it. */
  get pending(): readonly PendingOnServer[] {
    return this.known.map(({ server, logins, statement }) => ({ server, logins, statement }));
  }

  /** A site that is not the primary is meant to be closed. */
  forget(): void {
    delete this.run.state.unliftedFences;
  }

  /** `the fence is lifted`, with the replicas on which it is not. */
  get sentence(): string {
    if (this.known.length === 0) return 'the fence is lifted';
    const servers = this.known.map(({ server }) => server).join(', ');
    return `the fence is lifted, but for ${servers} (no answer; opened as soon as there is one)`;
  }

  private markTold(): void {
    if (this.run.state.unliftedFences === undefined) return;
    this.run.state.unliftedFences = this.known.map((fence) => ({ ...fence, told: true }));
  }
}
