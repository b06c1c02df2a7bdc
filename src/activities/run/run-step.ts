import { boundedEffects, type JournalEffect } from '../../model/run/journal';
import type { PendingOnServer } from '../../model/run/pending-on-server';
import { type Effect, effectDisplay } from '../../model/statement';
import { isAlreadyDone } from './already-done';
import { type ApplyContext, applyEffect, type EffectPorts, resumeOperation } from './apply-effect';
import { NeedsPerson } from './failures';
import type { AnyStep, LookedAtStep, StepContext } from './step';
import { awaitUnansweredRequest } from './unanswered-request';

/** How long an effect may take to become visible after the platform said that it is made. */
const VISIBILITY_MS = 120_000;

export interface StepOutcome {
  readonly stepId: string;
  readonly outcome: 'done' | 'already-done';
  readonly effects: readonly JournalEffect[];
  readonly evidence: string;
  readonly startedAt: string;
  readonly durationMs: number;
  /** What is left to do on servers that do not answer; absent where nothing is. */
  readonly unreached?: readonly PendingOnServer[];
}

/** The step was acted upon, but what it wanted cannot be seen. Passes by itself, or the platform undid it. */
export class StepNotSettled extends Error {
  override readonly name = 'StepNotSettled';
  constructor(readonly stepId: string) {
    super(`${stepId}: the change was accepted, but it cannot be seen yet`);
  }
}

/**
 * Looks, acts if need be, and looks again. Can be run any number of times (promise 1): whatever an earlier attempt
 * did is seen by the first look.
 */
export async function runStep<Ports extends EffectPorts, Spec>(
  step: AnyStep<Ports, Spec>,
  context: StepContext<Ports, Spec>,
  calm: ApplyContext,
): Promise<StepOutcome> {
  const apply = step.urgent
    ? { ...calm, probeSettled: async () => (await step.look(context)).settled !== undefined }
    : calm;
  const started = context.clock.now();
  let unreached: readonly PendingOnServer[] = [];
  const lookAtStep = async () => {
    const seen = await step.look(context);
    unreached = seen.unreached;
    return seen;
  };
  const finish = (
    outcome: StepOutcome['outcome'],
    effects: readonly Effect[],
    evidence: string,
  ): StepOutcome => ({
    stepId: step.id,
    outcome,
    effects: boundedEffects(effects.map(toJournalEffect)),
    evidence,
    startedAt: new Date(started).toISOString(),
    durationMs: context.clock.now() - started,
    ...(unreached.length === 0 ? {} : { unreached }),
  });

  const look = async () => {
    const seen = await lookAtStep();
    return { settled: seen.settled, effects: seen.settled === undefined ? await seen.effects() : [] };
  };
  const resumed = await resumeOperation(apply);
  const { settled, effects } = await awaitUnansweredRequest(look, resumed, apply);
  if (settled !== undefined) return finish('already-done', [], settled);

  try {
    for (const effect of effects) await applyUnlessDone(effect, apply);
  } catch (error) {
    const evidence = step.always || apply.signal.aborted ? undefined : await settledAfterAll(lookAtStep);
    if (evidence === undefined) throw error;
    return finish('done', effects, evidence);
  }
  if (step.always) return finish('done', effects, `${effects.length} statement(s) succeeded`);
  return finish('done', effects, await untilSettled(step, lookAtStep, context, apply));
}

/** What giving back a step came to. */
export interface UndoneStep {
  readonly effects: readonly JournalEffect[];
  /** What is left to give back on servers that do not answer. */
  readonly unreached: readonly PendingOnServer[];
}

/** Gives back the state that the step found. @returns what was done for it, and what is left. */
export async function undoStep<Ports extends EffectPorts, Spec>(
  step: AnyStep<Ports, Spec>,
  before: unknown,
  context: StepContext<Ports, Spec>,
  apply: ApplyContext,
): Promise<UndoneStep> {
  const { reporter } = apply;
  let earlier = reporter.resumeState;
  let unreached: readonly PendingOnServer[] = [];
  const look = async () => {
    const { effects, found, unreached: left } = await step.undoTo(before, context, earlier);
    earlier = found;
    unreached = left;
    reporter.saveResumeState(found);
    return { settled: undefined, effects };
  };
  const resumed = await resumeOperation(apply);
  const { effects } = await awaitUnansweredRequest(look, resumed, apply);
  for (const effect of effects) await applyUnlessDone(effect, apply);
  return { effects: boundedEffects(effects.map(toJournalEffect)), unreached };
}

/**
 * In place of an undo, where nobody knows what was made: what is there now may be somebody else's.
 * @throws NeedsPerson with the statements that would take it away
 */
export async function leaveUncertain<Ports extends EffectPorts, Spec>(
  step: AnyStep<Ports, Spec>,
  before: unknown,
  context: StepContext<Ports, Spec>,
): Promise<readonly never[]> {
  const { effects } = await step.undoTo(before, context);
  if (effects.length === 0) return [];
  throw new NeedsPerson(
    'UndoUncertain',
    `nobody knows whether this run made what this would take away: ${effects.map(effectDisplay).join(' ')}`,
    'run the statements that take away what nobody needs',
  );
}

export function toJournalEffect(effect: Effect): JournalEffect {
  return {
    kind: effect.kind,
    on: effect.kind === 'tsql' ? effect.on : 'azure',
    ...(effect.kind === 'tsql' && effect.server !== undefined ? { server: effect.server } : {}),
    display: effectDisplay(effect),
    ...(effect.undo === undefined ? {} : { undo: effect.undo }),
  };
}

async function applyUnlessDone(effect: Effect, apply: ApplyContext): Promise<void> {
  try {
    await applyEffect(effect, apply);
  } catch (error) {
    if (!isAlreadyDone(error)) throw error;
  }
}

/**
 * A statement may fail because another one, sent by an attempt that died, reached the same end first (47517 for a
 * failover, 15232 for a certificate). What is seen counts, not the error.
 */
async function settledAfterAll(look: () => Promise<LookedAtStep>): Promise<string | undefined> {
  try {
    return (await look()).settled;
  } catch {
    // The first failure says more.
    return undefined;
  }
}

async function untilSettled<Ports, Spec>(
  step: AnyStep<Ports, Spec>,
  look: () => Promise<LookedAtStep>,
  context: StepContext<Ports, Spec>,
  apply: ApplyContext,
): Promise<string> {
  const deadline = context.clock.now() + VISIBILITY_MS;
  for (;;) {
    const seen = await look();
    if (seen.settled !== undefined) return seen.settled;
    if (context.clock.now() >= deadline) throw new StepNotSettled(step.id);
    await context.clock.sleep(apply.pollMs, context.signal);
  }
}
