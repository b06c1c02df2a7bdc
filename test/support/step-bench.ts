/**
 * Steps of a link without Temporal: real ports against the estate, and attempts that die where a test wants it. An
 * attempt leaves behind what a heartbeat would have carried, and nothing else.
 */
import type { LinkContext, LinkStep } from '../../src/activities/link/context';
import { LINK_STEPS } from '../../src/activities/link/steps/registry';
import type { ApplyContext } from '../../src/activities/run/apply-effect';
import {
  leaveUncertain,
  runStep,
  type StepOutcome,
  type UndoneStep,
  undoStep,
} from '../../src/activities/run/run-step';
import { stateKeyFrom } from '../../src/adapters/azure';
import { systemClock } from '../../src/adapters/clock';
import { createSecrets } from '../../src/adapters/secrets';
import type { ResolvedLink } from '../../src/model/link/spec';
import type { LinkStepId } from '../../src/model/link/step';
import type { JournalEffect } from '../../src/model/run/journal';
import type { Effect } from '../../src/model/statement';
import type { LinkPorts } from '../../src/ports/link-ports';
import type { SealedOperation } from '../../src/ports/managed-instance';
import { LinkPortsPool } from '../../src/worker/link-ports';
import type { EstateStage } from './scenario';

const POLL_MS = 20;

/** What one attempt leaves to the next. */
export interface Left {
  operation: SealedOperation | undefined;
  /** A request of the latest attempt is without an answer, or its worker died. */
  unanswered: boolean;
  state?: unknown;
}

export class StepBench {
  private constructor(
    private readonly pool: LinkPortsPool,
    readonly ports: LinkPorts,
    readonly spec: ResolvedLink,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  static async open(stage: EstateStage, spec: ResolvedLink): Promise<StepBench> {
    const pool = new LinkPortsPool({
      env: stage.env,
      clock: systemClock,
      stateKeys: [stateKeyFrom('bench')],
      warn: () => undefined,
    });
    return new StepBench(pool, await pool.open(spec), spec, stage.env);
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  /** Facts and effects of a step, as it stands. */
  async look(stepId: LinkStepId): Promise<{ before: unknown; effects: readonly Effect[] }> {
    const seen = await LINK_STEPS[stepId].look(this.context(new AbortController().signal));
    return {
      // Through JSON, as facts go through history.
      before: JSON.parse(JSON.stringify(seen.facts)),
      effects: seen.settled === undefined ? await seen.effects() : [],
    };
  }

  /** What a plan shows of it. @param before steps before it in the same plan */
  async plan(stepId: LinkStepId, before: readonly LinkStepId[]): Promise<readonly Effect[]> {
    return (await LINK_STEPS[stepId].plan(this.context(new AbortController().signal), before)).effects;
  }

  /** One attempt. @param left what earlier attempts left; without it this is the first */
  run(stepId: LinkStepId, left: Left = nothingLeft(), signal?: AbortSignal): Promise<StepOutcome> {
    return this.attempt(left, signal, (context, apply) => runStep(LINK_STEPS[stepId], context, apply));
  }

  /** As `run`, for a step that stands in no table. */
  runStep(step: LinkStep, left: Left = nothingLeft()): Promise<StepOutcome> {
    return this.attempt(left, undefined, (context, apply) => runStep(step, context, apply));
  }

  /** Facts of a step that stands in no table, through JSON as they go through history. */
  async factsOf(step: LinkStep): Promise<unknown> {
    const { facts } = await step.look(this.context(new AbortController().signal));
    return JSON.parse(JSON.stringify(facts));
  }

  /** As `undo`, for a step that stands in no table. */
  undoStep(step: LinkStep, before: unknown, left: Left = nothingLeft()): Promise<readonly JournalEffect[]> {
    return this.attempt(left, undefined, (context, apply) =>
      undoStep(step, before, context, apply).then(({ effects }) => effects),
    );
  }

  async undo(
    stepId: LinkStepId,
    before: unknown,
    left: Left = nothingLeft(),
    signal?: AbortSignal,
  ): Promise<readonly JournalEffect[]> {
    return (await this.undoAll(stepId, before, left, signal)).effects;
  }

  /** As `undo`, with what is left to undo on servers that do not answer. */
  undoAll(
    stepId: LinkStepId,
    before: unknown,
    left: Left = nothingLeft(),
    signal?: AbortSignal,
  ): Promise<UndoneStep> {
    return this.attempt(left, signal, (context, apply) =>
      undoStep(LINK_STEPS[stepId], before, context, apply),
    );
  }

  /** In place of `undo`, where nobody knows what was made. */
  leaveUncertain(stepId: LinkStepId, before: unknown): Promise<readonly never[]> {
    return leaveUncertain(LINK_STEPS[stepId], before, this.context(new AbortController().signal));
  }

  /** Attempt after attempt until one succeeds, as Temporal does. @throws the failure of the last of them */
  async untilDone<T>(attempt: (left: Left) => Promise<T>, attempts = 8): Promise<T> {
    const left = nothingLeft();
    for (let made = 1; ; made += 1) {
      try {
        return await attempt(left);
      } catch (error) {
        if (made === attempts) throw error;
      }
    }
  }

  /** Runs an attempt whose worker dies as soon as Azure has accepted a request. */
  async dieOnceAccepted(
    attempt: (left: Left, signal: AbortSignal) => Promise<unknown>,
    left: Left,
  ): Promise<void> {
    const death = new AbortController();
    const watched = new Proxy(left, {
      set(instance, property, value) {
        if (property === 'operation' && value !== undefined) death.abort(new Error('killed'));
        return Reflect.set(instance, property, value);
      },
    });
    await attempt(watched, death.signal).catch(() => undefined);
    // Nobody is left to say that all requests were answered.
    left.unanswered = true;
  }

  private context(signal: AbortSignal): LinkContext {
    const secrets = createSecrets({ env: this.env, clock: systemClock });
    return {
      ports: this.ports,
      spec: this.spec,
      clock: systemClock,
      signal,
      secret: (reference) => secrets.read(reference),
    };
  }

  private async attempt<T>(
    left: Left,
    signal: AbortSignal = new AbortController().signal,
    work: (context: LinkContext, apply: ApplyContext) => Promise<T>,
  ): Promise<T> {
    const apply: ApplyContext = {
      ports: this.ports,
      clock: systemClock,
      signal,
      pollMs: POLL_MS,
      reporter: {
        report: () => undefined,
        resumable: left.operation,
        mayHaveSent: left.unanswered,
        resumeState: left.state,
        saveResumeState: (state) => {
          left.state = JSON.parse(JSON.stringify(state ?? null)) ?? undefined;
        },
        noteUnanswered: (unanswered) => {
          left.unanswered = unanswered;
        },
        saveOperation: (operation) => {
          left.operation = operation;
        },
      },
    };
    return work(this.context(signal), apply);
  }
}

export const nothingLeft = (): Left => ({ operation: undefined, unanswered: false });
