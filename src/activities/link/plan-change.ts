/** The plan of a failover, a drill, a repair or a removal: the steps of its run, only asked what they would do. */
import type { CutoverRoute } from '../../model/link/facts';
import {
  LINK_PROCEDURE,
  type LinkChange,
  type LinkSite,
  type LinkStep,
  type LinkStepId,
  TAKE_DOWN,
} from '../../model/link/procedure';
import { bySite, otherSite } from '../../model/link/side';
import type { ResolvedLink } from '../../model/link/spec';
import { changeSteps } from '../../model/run/procedure';
import { cutoverRoute } from '../../rules/link/capability';
import { factsOfRoles, type SideRole } from '../../rules/link/facts-of-roles';
import { requestFor } from '../../rules/run/request-of-change';
import { refusalsOf } from '../../rules/run/standing-table';
import type { LossReport } from '../run/api';
import { NeedsPerson, NotYet } from '../run/failures';
import { toJournalEffect } from '../run/run-step';
import type { Snapshots } from '../run/snapshots';
import { readServerFacts } from '../sql-server/observe/server';
import type { LinkContext } from './context';
import { linkFacts, type Observing } from './link-facts';
import { measureLoss } from './loss';
import { PLANNED_SECRET, type PlannedStep } from './plan';
import { LINK_STEPS } from './steps/registry';

/** What is asked to be planned: a drill goes to the side that does not lead, whichever that is. */
export type WantedChange = Exclude<LinkChange, { readonly kind: 'drill' }> | { readonly kind: 'drill' };

export interface LinkChangePlan {
  readonly migration: string;
  readonly database: string;
  readonly server: string;
  readonly instance: string;
  readonly change: LinkChange;
  /** What each side says that it is, just now; null where it does not answer, `none` where it has no such link. */
  readonly roles: Readonly<Record<LinkSite, SideRole>>;
  /** Why a run would be refused now; empty when it would not. What only the run itself knows is not among them. */
  readonly refusals: readonly string[];
  /** Forced only: what would be lost now, as far as both ends can be read. */
  readonly loss: LossReport | null;
  readonly steps: readonly PlannedStep[];
}

/**
 * Reads both instances and Azure; changes nothing.
 * @throws SqlServerFailure, AzureFailure when a side does not answer that the change cannot do without
 */
export async function planLinkChange(
  context: Omit<LinkContext, 'secret'>,
  snapshots: Snapshots,
  wanted: WantedChange,
): Promise<LinkChangePlan> {
  const { spec, ports, clock, signal } = context;
  const { settings } = spec;
  const observing: Observing = { ports, spec, clock, snapshots };
  const [server, instance, route] = await Promise.all([
    roleOf(observing, 'server'),
    roleOf(observing, 'instance'),
    routeOf(context),
  ]);
  const roles = { server, instance };
  const change = wanted.kind === 'drill' ? drillFrom(instance === 'PRIMARY' ? 'instance' : 'server') : wanted;
  const isForced = change.kind === 'failover' && change.type === 'forced';
  const loss = isForced ? await measureLoss(observing, signal, change.to, null) : null;
  const open = openFence(spec, change, loss);
  const planning: LinkContext = { ...context, secret: async () => PLANNED_SECRET };
  const steps: PlannedStep[] = [];
  const before: LinkStepId[] = [];
  for (const step of changeSteps(LINK_PROCEDURE, spec, change)) {
    const isOpen = open?.steps.some(({ id }) => id === step.id) === true;
    steps.push(isOpen ? outOfReach(step, open.silent) : await planned(step, planning, before, change));
    before.push(step.id);
  }
  return {
    migration: settings.name,
    database: settings.database,
    server: settings.server,
    instance: settings.instance,
    change,
    roles,
    refusals: refusalsOf(factsOfRoles(settings, roles, route), requestFor(change)),
    loss,
    steps,
  };
}

async function planned(
  step: LinkStep,
  context: LinkContext,
  before: readonly LinkStepId[],
  change: LinkChange,
): Promise<PlannedStep> {
  const { id, phase, title, repeats } = step;
  const head = { stepId: id, phase, title, repeats };
  const note = noteOf(step, change, context.spec);
  const noted = note === undefined ? {} : { note };
  try {
    const { settled, effects } = await LINK_STEPS[id].plan(context, before);
    return { ...head, ...noted, effects: effects.map(toJournalEffect), settled: settled ?? null };
  } catch (error) {
    if (!(error instanceof NeedsPerson || error instanceof NotYet)) throw error;
    const remedy = error instanceof NeedsPerson ? `; ${error.remedy}` : '';
    return {
      ...head,
      note: `the run would stop here: ${error.message}${remedy}`,
      effects: [],
      settled: null,
    };
  }
}

const drillFrom = (from: LinkSite): LinkChange => ({ kind: 'drill', from, to: otherSite(from) });

/** The fence of an old primary that a forced failover leaves alone: the run sets it only where both ends answer. */
interface OpenFence {
  readonly silent: string;
  readonly steps: readonly LinkStep[];
}

function openFence(spec: ResolvedLink, change: LinkChange, loss: LossReport | null): OpenFence | null {
  // Without both ends nobody can tell what was lost (measureLoss).
  if (change.kind !== 'failover' || loss === null || loss.method === 'measured') return null;
  const { fence } = LINK_PROCEDURE.failover(spec, 'planned', change.to);
  return { silent: bySite(otherSite(change.to), spec.settings), steps: fence };
}

const outOfReach = ({ id, phase, title, repeats }: LinkStep, silent: string): PlannedStep => ({
  stepId: id,
  phase,
  title,
  repeats,
  effects: [],
  settled: null,
  note: `${silent} does not answer, so it is not fenced`,
});

/** What the run knows and a plan does not. */
function noteOf(step: LinkStep, change: LinkChange, spec: ResolvedLink): string | undefined {
  if (change.kind !== 'removal') return undefined;
  if (step.madeBy !== undefined) return `only if the run of ${spec.settings.name} made the group itself`;
  if (TAKE_DOWN.removeLink.includes(step)) {
    return 'while the instance leads since a failover, after the first full backup by Azure';
  }
  return undefined;
}

async function roleOf(observing: Observing, side: LinkSite): Promise<SideRole> {
  try {
    return (await linkFacts(observing, 0, side))?.localRoleDesc ?? 'none';
  } catch {
    return null;
  }
}

/** Null while a side does not answer: then the versions are not what keeps a failover from going ahead. */
async function routeOf({ ports, clock, signal }: Omit<LinkContext, 'secret'>): Promise<CutoverRoute | null> {
  try {
    const [server, instance] = await Promise.all([
      readServerFacts(ports.server, clock, signal),
      ports.azure.readInstance(signal),
    ]);
    return cutoverRoute(server, instance);
  } catch {
    return null;
  }
}
