/** The hooks of one failover or cutover attempt: called in order, heard where they may still refuse, recorded. */
import { type ActivityInterfaceFor, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { CatchUpEvidence } from '../../activities/run/api';
import type { AroundFailoverActivities } from '../../activities/run/failover-api';
import type { FailoverKind, HookRecord } from '../../model/run/hook-message';
import { type HookPhase, hooksOf, MAY_VETO } from '../../model/run/hook-phases';
import type { Hook } from '../../model/run/hooks';
import type { SiteId } from '../../model/run/site';
import { afterHook } from '../../rules/run/hook-answer';
import { hookCall } from './activity-policies';
import type { Run } from './run';
import { activityProblem, personProblem } from './run-control';
import { throwIfLeftBadly, until } from './until';

export interface FailoverOccasion {
  /** Unique for this attempt, whatever happens to workers: the first part of every idempotency key. */
  readonly attempt: string;
  readonly kind: FailoverKind;
  readonly to: SiteId;
  readonly reason: string | null;
}

/** A hook said no, or was to be heard and could not be. */
export class HookVeto extends Error {
  override readonly name = 'HookVeto';
  constructor({ phase, hook, outcome, reason }: HookRecord) {
    super(
      outcome === 'refused'
        ? `hook ${hook} (${phase}) refused: ${reason}`
        : `hook ${hook} (${phase}) gave no answer and has a veto: ${reason}`,
    );
  }
}

/** The newest calls are kept in a state that may live for years. */
const RECORDS_KEPT = 40;

export class FailoverHooks {
  readonly records: HookRecord[] = [];
  private calledBefore = false;
  /** The hooks that may refuse and are being called: also one that is left goes on until it hears of it. */
  private calling: Promise<void> | undefined;

  constructor(
    private readonly run: Run,
    private readonly occasion: FailoverOccasion,
  ) {}

  has(phase: HookPhase): boolean {
    return hooksOf(this.run.spec.settings, phase).length > 0;
  }

  /**
   * Hooks that may refuse. They are left when `stopIf` holds: what was asked of the run meanwhile does not wait for them.
   * @throws HookVeto
   */
  async mayRefuse(phase: 'beforeFailover' | 'whenFenced', stopIf: () => boolean): Promise<void> {
    if (!this.has(phase)) return;
    const call = (): Promise<void> => {
      const calling = this.callAll(phase);
      const end = () => undefined;
      this.calling = calling.then(end, end);
      return calling;
    };
    throwIfLeftBadly(await until(call, stopIf));
  }

  /** Nobody waits for these, and nothing is undone for them: a failure is told, and stands in the record. */
  async afterwards(): Promise<void> {
    await this.callAll('afterFailover');
  }

  /** Something was called that may have to be given back. */
  get mayGiveBack(): boolean {
    return this.calledBefore && this.has('whenWithdrawn');
  }

  /** What a hook before did is given back, if one was called at all: also one that failed may have done its part. */
  async withdrawn(why: string): Promise<void> {
    // What drains must have ended before it is given back.
    await this.calling;
    if (this.calledBefore) await this.callAll('whenWithdrawn', why);
  }

  /** Somebody else called the first hooks, and cannot say which: giving back twice must do no harm. */
  async withdrawnForOther(why: string): Promise<void> {
    if (this.has('beforeFailover') || this.has('whenFenced')) await this.callAll('whenWithdrawn', why);
  }

  private async callAll(phase: HookPhase, why: string | null = this.occasion.reason): Promise<void> {
    const hooks = hooksOf(this.run.spec.settings, phase);
    for (const [index, hook] of hooks.entries()) {
      // What came before may have completed although it was asked to stop: then nothing more is begun.
      if (MAY_VETO.includes(phase)) this.run.control.throwIfAborted();
      this.calledBefore = true;
      this.run.waitingFor = `hook ${hook.name} (${phase})`;
      const record = await this.call(hook, phase, index, why);
      this.keep(record);
      const next = afterHook({ ...record, onFailure: hook.onFailure, forced: this.isForced });
      if (next === 'withdraw') throw new HookVeto(record);
      if (next === 'tell') await this.tell(record);
    }
  }

  private get isForced(): boolean {
    return this.occasion.kind === 'forced-failover';
  }

  private async call(
    hook: Hook,
    phase: HookPhase,
    index: number,
    reason: string | null,
  ): Promise<HookRecord> {
    const { run, occasion } = this;
    const { state, spec } = run;
    const time = run.now();
    const activities: ActivityInterfaceFor<Pick<AroundFailoverActivities, 'runHook'>> = proxyActivities(
      hookCall(spec.settings.polling, hook.timeout),
    );
    try {
      return await activities.runHook.executeWithOptions({ summary: `Hook ${hook.name} (${phase})` }, [
        {
          spec,
          address: { phase, index },
          occasion: {
            workflowId: run.workflowId,
            kind: occasion.kind,
            to: occasion.to,
            idempotencyKey: `${occasion.attempt}/${phase}/${hook.name}`,
            time,
            reason,
            evidence: {
              lsn: lsnOf(state.pointOfNoReturn),
              fencedAt: state.fencedAt,
              firstWriteAt: state.firstWriteAt ?? null,
              rtoMs: state.rtoMs,
            },
          },
        },
      ]);
    } catch (error) {
      const failed = (why: string): HookRecord => ({
        at: time,
        phase,
        hook: hook.name,
        outcome: 'failed',
        reason: why,
        tries: 0,
        durationMs: Date.now() - Date.parse(time),
      });
      if (isCancellation(error)) {
        // It may have done its part: the record says that it was called.
        this.keep(failed('left while it ran'));
        throw error;
      }
      const problem = personProblem(error) ?? activityProblem(error);
      if (problem === undefined) throw error;
      return failed(problem.message);
    }
  }

  private keep(record: HookRecord): void {
    this.records.push(record);
    this.run.state.hookCalls = [...(this.run.state.hookCalls ?? []), record].slice(-RECORDS_KEPT);
  }

  private tell({ phase, hook, reason }: HookRecord): Promise<void> {
    const isAfter = phase === 'afterFailover' || phase === 'whenWithdrawn';
    return this.run.notify(
      isAfter ? 'critical' : 'warning',
      'hook.failed',
      `hook ${hook} (${phase}) did not succeed: ${reason}`,
      isAfter
        ? `do by hand what ${hook} should have done: the run goes on without it`
        : 'nothing: the hook has no veto, and the failover goes on',
    );
  }
}

/** Where the proof of catch-up names an LSN, hooks are told. */
function lsnOf(evidence: CatchUpEvidence | null): string | null {
  if (evidence === null || !('secondaryHardenedLsn' in evidence)) return null;
  const { secondaryHardenedLsn: lsn } = evidence;
  return typeof lsn === 'string' ? lsn : null;
}
