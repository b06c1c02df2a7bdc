import type { PendingOnServer } from '../../model/run/pending-on-server';
import type { SecretReference } from '../../model/secret-reference';
import type { Effect } from '../../model/statement';
import type { Clock } from '../../ports/clock';

/** What a step may use. `Ports` and `Spec` belong to the topology. */
export interface StepContext<Ports, Spec> {
  readonly ports: Ports;
  readonly spec: Spec;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Reads a secret; a plan gets a placeholder instead and reads none. */
  readonly secret: (reference: SecretReference) => Promise<string>;
}

/**
 * One step of a procedure: look, decide, act, look again. `observe` reads, `effects` decides purely from what was
 * read, and only the step runner acts, so that plan and run cannot drift apart (promise 4).
 *
 * @typeParam Facts serialisable: they are kept in history as the state before the step, for undoing it
 */
export interface Step<Ports, Spec, Facts> {
  readonly id: string;
  observe(context: StepContext<Ports, Spec>): Promise<Facts>;
  /** @returns the evidence that all is as wanted, as one sentence; undefined when something is to be done. */
  settled(facts: Facts, context: StepContext<Ports, Spec>): string | undefined;
  /** What to do, in order. Called only when not settled. */
  effects(facts: Facts, context: StepContext<Ports, Spec>): Promise<readonly Effect[]>;
  /** Applications wait for it: what shows its end first counts, the servers or Azure. */
  readonly endsOutage?: true;
  /** True for steps that prove something by doing it (a validation, a write probe): they run whenever asked. */
  readonly always?: true;
  /**
   * Facts as they will be once the steps before this one are done; only a plan asks.
   * @param before ids of the steps before this one in the same plan, in order
   */
  assume?(facts: Facts, context: StepContext<Ports, Spec>, before: readonly string[]): Facts;
  /** What of the facts an undo asks for, where that is not all: no more is kept in the state of a run. */
  kept?(facts: Facts): unknown;
  /**
   * What of a beginning that failed halfway was made, as facts for `undo`. Where it is present, facts are taken once more
   * as soon as the step failed: what stands there later may be made by a person, and is not taken away.
   * @param before facts when the step began; @param after facts when it had failed
   */
  made?(before: Facts, after: Facts): unknown;
  /**
   * What gives back the state before the step, latest effect first. Absent: nothing can or need be undone.
   * @param before facts when the step began; @param now facts as they are; @param found facts when the undoing began,
   * in its first attempt: what differs from `now` was done by it
   */
  undo?(
    before: Facts,
    now: Facts,
    context: StepContext<Ports, Spec>,
    found: Facts,
  ): Promise<readonly Effect[]>;
  /** Of a step that counts as settled while a server does not answer: what it has still to do there. */
  unreached?(facts: Facts, context: StepContext<Ports, Spec>): readonly PendingOnServer[];
  /** The same of its undoing. */
  undoUnreached?(before: Facts, now: Facts, context: StepContext<Ports, Spec>): readonly PendingOnServer[];
}

/** A step whose facts are its own affair; what registries hold. */
export interface AnyStep<Ports, Spec> {
  readonly id: string;
  look(context: StepContext<Ports, Spec>): Promise<LookedAtStep>;
  /** @param found what an earlier attempt of the same undoing found first; undefined in the first attempt */
  undoTo(before: unknown, context: StepContext<Ports, Spec>, found?: unknown): Promise<Undoing>;
  /** `before`, narrowed to what was made. @param after facts when the step had failed */
  made(before: unknown, after: unknown): unknown;
  /** Whether `made` tells anything. */
  readonly asksAfter: boolean;
  readonly always: boolean;
  readonly urgent: boolean;
  readonly undoable: boolean;
  plan(
    context: StepContext<Ports, Spec>,
    before?: readonly string[],
  ): Promise<{ settled: string | undefined; effects: readonly Effect[] }>;
}

interface Undoing {
  readonly effects: readonly Effect[];
  /** Serialisable facts, to be given to later attempts as `found`. */
  readonly found: unknown;
  readonly unreached: readonly PendingOnServer[];
}

export interface LookedAtStep {
  readonly facts: unknown;
  /** What is kept of them to be given back to `undoTo`; serialisable. */
  readonly kept: unknown;
  readonly settled: string | undefined;
  readonly unreached: readonly PendingOnServer[];
  effects(): Promise<readonly Effect[]>;
}

/** Closes over the type of a step's facts, so that steps of different facts can stand in one registry. */
export function defineStep<Ports, Spec, Facts>(step: Step<Ports, Spec, Facts>): AnyStep<Ports, Spec> {
  const kept = (facts: Facts): unknown => step.kept?.(facts) ?? facts;
  return {
    id: step.id,
    always: step.always ?? false,
    urgent: step.endsOutage ?? false,
    undoable: step.undo !== undefined,
    asksAfter: step.made !== undefined,
    // Both are what this very step observed; they went through history as JSON.
    made: (before, after) => step.made?.(before as Facts, after as Facts) ?? before,
    async look(context) {
      const facts = await step.observe(context);
      return {
        facts,
        kept: kept(facts),
        settled: step.settled(facts, context),
        unreached: step.unreached?.(facts, context) ?? [],
        effects: () => step.effects(facts, context),
      };
    },
    async undoTo(before, context, earlier) {
      if (step.undo === undefined) return { effects: [], found: undefined, unreached: [] };
      const now = await step.observe(context);
      // Both are what this very step observed earlier; they went through history or a heartbeat as JSON.
      const found = (earlier ?? now) as Facts;
      const unreached = step.undoUnreached?.(before as Facts, now, context) ?? [];
      return {
        effects: await step.undo(before as Facts, now, context, found),
        found: kept(found),
        unreached,
      };
    },
    async plan(context, before = []) {
      const seen = await step.observe(context);
      const facts = step.assume?.(seen, context, before) ?? seen;
      const settled = step.settled(facts, context);
      return { settled, effects: settled === undefined ? await step.effects(facts, context) : [] };
    },
  };
}
