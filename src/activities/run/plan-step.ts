/** One step of a plan: what a run would do now. */
import { type JournalEffect, onReplica } from '../../model/run/journal';
import { type StepRef, serverOf } from '../../model/run/procedure';
import type { RunSpec } from '../../model/run/run-spec';
import type { EffectPorts } from './apply-effect';
import { toJournalEffect } from './run-step';
import type { StepContext } from './step';
import { contextFor, stepOf, type Topology } from './topology';

export interface PlannedStep<Step extends StepRef = StepRef> {
  readonly stepId: Step['id'];
  /** Replica of a site that the step is about; absent where there is one server only. */
  readonly server?: string;
  readonly phase: Step['phase'];
  readonly title: string;
  readonly repeats: Step['repeats'];
  readonly effects: readonly JournalEffect[];
  /** Why nothing is to be done, where nothing is. */
  readonly settled: string | null;
  /** What only the run knows about it, one sentence. */
  readonly note?: string;
}

/** What a plan has to look with: no secrets. */
export type PlanContext<Ports extends EffectPorts, Spec extends RunSpec> = Omit<
  StepContext<Ports, Spec>,
  'secret'
>;

/** Stands for every secret in a plan: none is read. */
const PLANNED_SECRET = 'secret';

/** The step by its names, without anything to do. */
export const stepHead = <Step extends StepRef>(step: Step) => ({
  stepId: step.id,
  ...serverOf(step),
  phase: step.phase,
  title: step.title,
  repeats: step.repeats,
});

export interface StepPlanning {
  /** Ids of the steps before it in the same plan, for what they will have changed. */
  readonly before?: readonly string[];
  readonly note?: string | undefined;
}

/** Asks the step that a run performs what it would do (promise 4). */
export async function planStep<
  Spec extends RunSpec,
  Ports extends EffectPorts,
  Known extends object,
  Step extends StepRef,
>(
  topology: Topology<Spec, Ports, Known>,
  step: Step,
  context: PlanContext<Ports, Spec>,
  { before, note }: StepPlanning = {},
): Promise<PlannedStep<Step>> {
  const planning = withoutSecrets(context);
  const on = contextFor(topology, planning, step.server);
  const { settled, effects } = await stepOf(topology, step.id).plan(on, before);
  return {
    ...stepHead(step),
    ...(note === undefined ? {} : { note }),
    effects: effects.map((effect) =>
      onReplica(toJournalEffect(effect), step.server, topology.procedure.hasReplicas),
    ),
    settled: settled ?? null,
  };
}

/** A context whose secrets all read the same. */
export const withoutSecrets = <Ports extends EffectPorts, Spec extends RunSpec>(
  context: PlanContext<Ports, Spec>,
): StepContext<Ports, Spec> => ({ ...context, secret: async () => PLANNED_SECRET });
