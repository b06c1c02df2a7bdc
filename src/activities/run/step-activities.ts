/** The activities of one step: looked at, performed, undone. */
import { boundedEffects, onReplica } from '../../model/run/journal';
import type { RunSpec } from '../../model/run/run-spec';
import type { ObservedStep, StepInput, UndoInput } from './api';
import type { EffectPorts } from './apply-effect';
import type { RunCall } from './call';
import {
  leaveUncertain,
  runStep,
  type StepOutcome,
  toJournalEffect,
  type UndoneStep,
  undoStep as undoStepNow,
} from './run-step';
import { contextFor, stepOf, type Topology } from './topology';

/** Shown where a secret would stand; a look at a step must not read it. */
const UNREAD_SECRET = 'secret';

/** What a step would do now, with the facts that undoing it needs. */
export async function observeStep<Spec extends RunSpec, Ports extends EffectPorts, Known extends object>(
  topology: Topology<Spec, Ports, Known>,
  { context }: RunCall<Spec, Ports>,
  { stepId, server }: StepInput,
): Promise<ObservedStep> {
  const step = stepOf(topology, stepId);
  const seen = await step.look(
    contextFor(topology, { ...context, secret: async () => UNREAD_SECRET }, server),
  );
  const before = seen.kept;
  if (seen.settled !== undefined) {
    const unreached = seen.unreached.length === 0 ? {} : { unreached: seen.unreached };
    return { before, settled: seen.settled, planned: [], ...unreached };
  }
  const effects = (await seen.effects()).map((effect) =>
    onReplica(toJournalEffect(effect), server, topology.procedure.hasReplicas),
  );
  return { before, planned: boundedEffects(effects), ...(step.asksAfter ? { asksAfter: true } : {}) };
}

/** Performs a step, unless it is settled. @returns what was done, with the replica that it was done to */
export async function performStep<Spec extends RunSpec, Ports extends EffectPorts, Known extends object>(
  topology: Topology<Spec, Ports, Known>,
  { context, apply }: RunCall<Spec, Ports>,
  { stepId, server }: StepInput,
): Promise<StepOutcome> {
  const on = contextFor(topology, context, server);
  const outcome = await runStep(stepOf(topology, stepId), on, { ...apply, ports: on.ports });
  return {
    ...outcome,
    effects: outcome.effects.map((effect) => onReplica(effect, server, topology.procedure.hasReplicas)),
  };
}

/** Gives back what was made; where nobody knows what that was, it is left to a person. */
export async function undoStep<Spec extends RunSpec, Ports extends EffectPorts, Known extends object>(
  topology: Topology<Spec, Ports, Known>,
  { context, apply }: RunCall<Spec, Ports>,
  { stepId, server, before, after }: UndoInput,
): Promise<UndoneStep> {
  const step = stepOf(topology, stepId);
  const on = contextFor(topology, context, server);
  if (after === null) return { effects: await leaveUncertain(step, before, on), unreached: [] };
  const made = after === undefined ? before : step.made(before, after);
  const { effects, unreached } = await undoStepNow(step, made, on, { ...apply, ports: on.ports });
  return {
    effects: effects.map((effect) => onReplica(effect, server, topology.procedure.hasReplicas)),
    unreached,
  };
}
