/** The plan of a failover, a drill, a repair or a removal: the steps of its run, only asked what they would do. */
import { type Change, changeSteps, type Procedure, type StepRef } from '../../model/run/procedure';
import type { RunSpec } from '../../model/run/run-spec';
import { otherSiteOf, type SiteRoles } from '../../model/run/site';
import type { StandingFacts } from '../../model/run/standing';
import { factsOfRoles } from '../../rules/run/facts-of-roles';
import { requestFor } from '../../rules/run/request-of-change';
import { refusalsOf } from '../../rules/run/standing-table';
import type { LossReport } from './api';
import type { EffectPorts } from './apply-effect';
import type { LookCall } from './call';
import { NeedsPerson, NotYet } from './failures';
import { type PlanContext, type PlannedStep, planStep, stepHead, withoutSecrets } from './plan-step';
import type { Snapshots } from './snapshots';
import type { Topology } from './topology';

/** What is asked to be planned: where a drill goes follows from who leads. */
export type WantedChange = Exclude<Change, { readonly kind: 'drill' }> | { readonly kind: 'drill' };

/** What only a topology knows of its changes. */
export interface ChangePlanning<Spec extends RunSpec, Ports extends EffectPorts> {
  /** Why no failover is possible at all, for example the versions; null where it is, or where nobody can tell. */
  cannotFailOver(call: LookCall<Spec, Ports>): Promise<string | null>;
  /** What the run knows of a step and a plan does not, one sentence. */
  noteOf?(step: StepRef, change: Change, spec: Spec): string | undefined;
}

export interface ChangePlan {
  readonly change: Change;
  readonly roles: SiteRoles;
  /** Why a run would be refused now; empty when it would not. What only the run itself knows is not among them. */
  readonly refusals: readonly string[];
  /** Forced only: what would be lost now, as far as both ends can be read. */
  readonly loss: LossReport | null;
  readonly steps: readonly PlannedStep[];
}

/**
 * Reads the sites; changes nothing.
 * @throws SqlServerFailure, AzureFailure when a site does not answer that the change cannot do without
 */
export async function planChange<Spec extends RunSpec, Ports extends EffectPorts, Known extends object>(
  topology: Topology<Spec, Ports, Known>,
  planning: ChangePlanning<Spec, Ports>,
  given: PlanContext<Ports, Spec>,
  snapshots: Snapshots,
  wanted: WantedChange,
): Promise<ChangePlan> {
  const { procedure } = topology;
  const { spec } = given;
  const context = withoutSecrets(given);
  const call = { context, snapshots };
  const [roles, cannotFailOver] = await Promise.all([topology.roles(call), planning.cannotFailOver(call)]);
  const sites = procedure.sites(spec);
  const facts = factsOfRoles(
    { name: spec.settings.name, thing: procedure.thing, sites },
    roles,
    cannotFailOver,
  );
  const change = wanted.kind === 'drill' ? drillFrom(facts) : wanted;
  const isForced = change.kind === 'failover' && change.type === 'forced';
  const loss = isForced ? await lossNow(spec, () => topology.loss(call, change.to, null)) : null;
  const open = openFence(procedure, spec, change, loss);
  const steps: PlannedStep[] = [];
  const before: string[] = [];
  for (const step of changeSteps(procedure, spec, change)) {
    const isOpen = open?.steps.some(({ id }) => id === step.id) === true;
    const note = planning.noteOf?.(step, change, spec);
    const plan = () => planStep(topology, step, context, { before, note });
    const told = isForced ? () => withoutOld(procedure, spec, change, step, plan) : plan;
    const untold = isOpen ? outOfReach(step, open.silent) : copiedBack(procedure, spec, change, step);
    steps.push(untold ?? (await orStop(step, told)));
    before.push(step.id);
  }
  return { change, roles, refusals: refusalsOf(facts, requestFor(change)), loss, steps };
}

/** It begins where the primary is; where nobody can tell, at the first site: its steps are shown, too. */
function drillFrom({ primary, sites }: StandingFacts): Change {
  const from = primary ?? sites[0]?.id;
  if (from === undefined) throw new RangeError('there is no site that a drill could begin at');
  return { kind: 'drill', from, to: otherSiteOf(sites, from).id };
}

/**
 * What prepares the way back of a drill copies what people change while it holds, which nobody knows today. The roles of
 * today are those of the way there: asked now, it would overwrite the primary with its own copies.
 * @returns undefined for every other step
 */
function copiedBack<Spec extends RunSpec>(
  procedure: Procedure<Spec>,
  spec: Spec,
  change: Change,
  step: StepRef,
): PlannedStep | undefined {
  if (change.kind !== 'drill') return undefined;
  const isOfWayBack = procedure
    .failover(spec, 'planned', change.from)
    .prepare.some(({ id }) => id === step.id);
  if (!isOfWayBack) return undefined;
  const { name } = otherSiteOf(procedure.sites(spec), change.from);
  return named(step, `what changed on ${name} meanwhile is copied back`);
}

/** A step whose statements nobody knows yet. */
const named = (step: StepRef, note: string): PlannedStep => ({
  ...stepHead(step),
  note,
  effects: [],
  settled: null,
});

/** A step that stops the run stops no plan: the others are shown, too. */
async function orStop(step: StepRef, plan: () => Promise<PlannedStep>): Promise<PlannedStep> {
  try {
    return await plan();
  } catch (error) {
    if (!(error instanceof NeedsPerson || error instanceof NotYet)) throw error;
    const remedy = error instanceof NeedsPerson ? `; ${error.remedy}` : '';
    return named(step, `the run would stop here: ${error.message}${remedy}`);
  }
}

/** The run knows the lag that was seen last, and a plan does not. */
async function lossNow({ settings }: RunSpec, measure: () => Promise<LossReport>): Promise<LossReport> {
  const loss = await measure();
  if (loss.method !== 'unknown') return loss;
  return { ...loss, summary: `see the RPO in sqlferry status ${settings.name}; here it cannot be measured` };
}

/** A forced failover needs nothing of the old primary: what fails there holds neither its fence nor what follows up. */
async function withoutOld<Spec extends RunSpec>(
  procedure: Procedure<Spec>,
  spec: Spec,
  { type, to }: Extract<Change, { kind: 'failover' }>,
  step: StepRef,
  plan: () => Promise<PlannedStep>,
): Promise<PlannedStep> {
  const isOneOf = (steps: readonly StepRef[]): boolean => steps.some(({ id }) => id === step.id);
  if (isOneOf(procedure.failover(spec, 'planned', to).fence)) return orOpen(step, plan);
  return isOneOf(procedure.failover(spec, type, to).follow) ? orUntold(step, plan) : plan();
}

/** The run tries the fence of an old primary that answers; where that fails it is told, and goes on. */
async function orOpen(step: StepRef, plan: () => Promise<PlannedStep>): Promise<PlannedStep> {
  try {
    return await plan();
  } catch (error) {
    const remedy = error instanceof NeedsPerson ? `; ${error.remedy}` : '';
    return named(step, `the run would leave the old primary open and go on: ${messageOf(error)}${remedy}`);
  }
}

/** A step that asks a site which cannot tell now: what it will do shows only then. */
async function orUntold(step: StepRef, plan: () => Promise<PlannedStep>): Promise<PlannedStep> {
  try {
    return await plan();
  } catch (error) {
    return named(step, `what it does shows only then: ${messageOf(error)}`);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The fence of an old primary that a forced failover leaves alone: the run sets it only where both ends answer. */
interface OpenFence {
  readonly silent: string;
  readonly steps: readonly StepRef[];
}

function openFence<Spec extends RunSpec>(
  procedure: Procedure<Spec>,
  spec: Spec,
  change: Change,
  loss: LossReport | null,
): OpenFence | null {
  // Without both ends nobody can tell what was lost.
  if (change.kind !== 'failover' || loss === null || loss.method === 'measured') return null;
  const { fence } = procedure.failover(spec, 'planned', change.to);
  return { silent: otherSiteOf(procedure.sites(spec), change.to).name, steps: fence };
}

const outOfReach = (step: StepRef, silent: string): PlannedStep =>
  named(step, `${silent} does not answer, so it is not fenced`);
