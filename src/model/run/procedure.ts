/** A procedure as a table of steps: plan, run and refusals walk the same one (promise 4). */
import { unknownWord } from '../by-word';
import type { RunSpec } from './run-spec';
import type { Site, SiteId } from './site';

/** One step by its id: what it does is the topology's affair. */
export interface StepRef<Id extends string = string, Phase extends string = string> {
  readonly id: Id;
  readonly phase: Phase;
  readonly title: string;
  /** How often a run performs it. */
  readonly repeats: 'once' | 'on-cadence';
  /** Server of a site that the step is about, by its name in the inventory. Absent: the one that leads the site. */
  readonly server?: string;
  /** Takes down what one of these made: only of a run that began one of them. */
  readonly madeBy?: readonly Id[];
}

/** The server that a step is about, for what is asked of it; nothing where it is the one that leads. */
export const serverOf = ({ server }: Pick<StepRef, 'server'>): Pick<StepRef, 'server'> =>
  server === undefined ? {} : { server };

export type FailoverType = 'planned' | 'forced';

/** The steps of a failover by their role, never by their position. */
export interface FailoverPlan<Step extends StepRef = StepRef> {
  /**
   * Before anybody is fenced out: what is not replicated is made the same on the other site. May be empty. Performed by
   * what the topology has around its failovers (`objects` of its workflows).
   */
  readonly prepare: readonly Step[];
  /** Keep the applications out of the old primary. May be empty: catch-up and point of no return are never left out. */
  readonly fence: readonly Step[];
  /** Behind the fence, undone with it. */
  readonly revocable: readonly Step[];
  /** Behind the point of no return. */
  readonly swap: readonly Step[];
  /** Show that the new primary takes writes. */
  readonly proof: readonly Step[];
  /** Let the applications in where the new primary is. */
  readonly admit: readonly Step[];
  /**
   * Once the applications are in. What fails of it is told, and holds nothing up. May be empty. Performed by `repairOfUsers`
   * and by what the topology has around its failovers (`objects` of its workflows).
   */
  readonly follow: readonly Step[];
}

/** Phases that every run enters, whatever its topology calls the others. */
export type RunPhase = 'preflight' | 'replicating' | 'cutover' | 'after';

/** What keeps the applications out, in words. */
export interface FenceInWords {
  /** What is shut where the fence stays: `disabled there: app`; null where a spec has nothing to shut. */
  readonly shut: string | null;
  /** What a person does to open it, a clause: `enable its logins by hand`. */
  readonly byHand: string;
}

/** A resource on which the platform lets only so many failovers run at once. */
export interface SlotGiver {
  /** Resource id; upper and lower case are the same. */
  readonly resource: string;
  readonly name: string;
  /** In sentences, behind "the": `instance`. */
  readonly label: string;
}

export interface Procedure<Spec extends RunSpec = RunSpec, Step extends StepRef = StepRef> {
  readonly kind: Spec['kind'];
  /** What stands once it is set up, in sentences: `link`. */
  readonly thing: string;
  /** A run of what stands for years, with its article: `a DR link`. */
  readonly standing: string;
  /** What a pause does not hold, one clause: `log backups go on`. */
  readonly goesOn: string;
  /** What is left undone while nobody watches it (a clause that follows, or nothing), and what a person does about it. */
  readonly unwatched: { readonly undone: string; readonly nextStep: string };
  /** Every step that a run may begin. An id begins with that of its site: `instance.link`. */
  readonly stepIds: readonly Step['id'][];
  /** Titles of the phases by their ids, in order. */
  readonly phases: Readonly<Record<RunPhase, string>> & Readonly<Record<string, string>>;
  /** What goes from where to where, for the page of the run in Temporal's web interface. */
  describe(spec: Spec): string;
  /** Places that can lead. */
  sites(spec: Spec): readonly Site[];
  /** @param type `forced`: nothing is prepared, fenced or revocable, since the old primary may be out of reach */
  failover(spec: Spec, type: FailoverType, to: SiteId): FailoverPlan<Step>;
  /** Its fence, whichever site it is on. */
  fence(spec: Spec): FenceInWords;
  /** After a split brain. @param survivor whose data stays */
  repair(spec: Spec, survivor: SiteId): readonly Step[];
  /** Taking down what stands. */
  remove(spec: Spec): readonly Step[];
  /** A site may have several servers, of which one may not answer when the fence is lifted there. */
  hasReplicas(site: SiteId): boolean;
  /** What becomes of the copies when it is taken down, one clause. @param primary site that leads then */
  afterRemoval(primary: SiteId): string;
  /** Absent: as many failovers may run at once as are asked for. */
  slotGiver?(spec: Spec): SlotGiver;
  /** Gives orphaned users of the new primary their logins; absent where there are no such. */
  repairOfUsers?(primary: SiteId): Step;
}

/** What can be asked of a run that stands, as data: the same for its plan and for its run. */
export type Change =
  | { readonly kind: 'failover'; readonly type: FailoverType; readonly to: SiteId }
  /** A planned failover there, and one back. */
  | { readonly kind: 'drill'; readonly from: SiteId; readonly to: SiteId }
  | { readonly kind: 'repair'; readonly survivor: SiteId }
  | { readonly kind: 'removal' };

/** What a step behind the point of no return is for. */
export type ForwardRole = 'swap' | 'proof' | 'admit';

/** What is undone when a failover is withdrawn, latest first. */
export const withdrawalSteps = <Step extends StepRef>({
  fence,
  revocable,
}: Pick<FailoverPlan<Step>, 'fence' | 'revocable'>): readonly Step[] => [...fence, ...revocable].toReversed();

/** Behind the point of no return, in order. */
export const forwardSteps = <Step extends StepRef>(plan: FailoverPlan<Step>): readonly Step[] => [
  ...plan.swap,
  ...plan.proof,
  ...plan.admit,
];

/**
 * The steps of a change in the order of its run, also those that only some runs need: which of them a run leaves out
 * stands in the notes of its plan.
 */
export function changeSteps<Spec extends RunSpec, Step extends StepRef>(
  procedure: Procedure<Spec, Step>,
  spec: Spec,
  change: Change,
): readonly Step[] {
  switch (change.kind) {
    case 'failover':
      return failoverSteps(procedure, spec, change.type, change.to);
    case 'drill':
      return [
        ...failoverSteps(procedure, spec, 'planned', change.to),
        ...failoverSteps(procedure, spec, 'planned', change.from),
      ];
    case 'repair':
      return [
        ...procedure.repair(spec, change.survivor),
        ...afterRepair(procedure.failover(spec, 'planned', change.survivor)),
      ];
    case 'removal':
      return procedure.remove(spec);
    default:
      return unknownWord('change of a run', change);
  }
}

/** For the applications it may be a failover: who survives is not always who led. */
const afterRepair = <Step extends StepRef>({ admit, follow }: FailoverPlan<Step>): readonly Step[] => [
  ...admit,
  ...follow,
];

/** An old primary that still answers is fenced by a forced failover as by a planned one. */
function failoverSteps<Spec extends RunSpec, Step extends StepRef>(
  procedure: Procedure<Spec, Step>,
  spec: Spec,
  type: FailoverType,
  to: SiteId,
): readonly Step[] {
  const { fence } = procedure.failover(spec, 'planned', to);
  const plan = procedure.failover(spec, type, to);
  return [...plan.prepare, ...fence, ...plan.revocable, ...forwardSteps(plan), ...plan.follow];
}
