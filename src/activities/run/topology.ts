/**
 * What a topology brings so that the activities of any run serve it: its steps, and the few looks that only it can take.
 * The kind of a spec chooses one of them; its types are closed over, as a step's facts are.
 */
import { byWord } from '../../model/by-word';
import type { DatabaseProperties, FailoverCheck } from '../../model/run/failover-facts';
import type { HookParty } from '../../model/run/hook-message';
import type { PendingOnServer } from '../../model/run/pending-on-server';
import type { Procedure } from '../../model/run/procedure';
import type { RunSpec } from '../../model/run/run-spec';
import type { Site, SiteId, SiteRoles } from '../../model/run/site';
import type { SecretsPort } from '../../ports/secrets';
import type { ActivityReporter } from './activity-boundary';
import type {
  CatchUpEvidence,
  CommonNews,
  Health,
  LiftedFence,
  LossReport,
  OwnNews,
  PreflightOutcome,
  ReadinessEvidence,
  WatchInput,
} from './api';
import type { EffectPorts } from './apply-effect';
import { type LookCall, type Opening, openCall, type RunCall, type Shared } from './call';
import type { AfterFailoverInput } from './failover-api';
import { NeedsPerson } from './failures';
import type { AnyStep, StepContext } from './step';

/** What a watch is told, with what the topology itself knows. */
export type WatchRequest<Known extends object> = Omit<WatchInput, 'spec' | 'known'> & {
  readonly known: Known;
};

/** The looks at a database that has a new primary. */
export interface NewPrimaryLooks<Spec extends RunSpec, Ports extends EffectPorts> {
  /** The database as it is on one site. */
  properties(call: LookCall<Spec, Ports>, on: SiteId): Promise<DatabaseProperties>;
  checks(
    call: LookCall<Spec, Ports>,
    input: Omit<AfterFailoverInput, 'spec'>,
  ): Promise<readonly FailoverCheck[]>;
}

/** @typeParam Known what its watch is told besides what every watch is told */
export interface Topology<Spec extends RunSpec, Ports extends EffectPorts, Known extends object = object> {
  /** Which steps there are, and in which order; its kind is that of the specs that it serves. */
  readonly procedure: Procedure<Spec>;
  /** Every step by its id. */
  readonly steps: Readonly<Record<string, AnyStep<Ports, Spec>>>;
  /** A site as hooks are told of it. */
  party(spec: Spec, site: SiteId): HookParty;
  /**
   * The context of a step that is about one replica of a site. Absent: no site has several.
   * @throws RangeError when there is no such replica
   */
  contextOn?(context: StepContext<Ports, Spec>, replica: string): StepContext<Ports, Spec>;
  /** Reads all that the checks ask for and judges it. Changes nothing. */
  preflight(call: LookCall<Spec, Ports>): Promise<PreflightOutcome>;
  /** What each site says that it is. @param lost site that may hang: it is not waited for long */
  roles(call: LookCall<Spec, Ports>, lost?: SiteId): Promise<SiteRoles>;
  /** Waits until there is something worth recording. */
  watch(call: RunCall<Spec, Ports>, input: WatchRequest<Known>): Promise<CommonNews | OwnNews>;
  /** Waits until the replication lets a failover begin; tells why it does not. */
  readiness(call: RunCall<Spec, Ports>, primary: SiteId): Promise<ReadinessEvidence>;
  /** Waits behind the fence until the other site has all that was committed on the primary. */
  catchUp(call: RunCall<Spec, Ports>, primary: SiteId, fencedAt: string): Promise<CatchUpEvidence>;
  /**
   * The last look before there is no way back.
   * @throws NeedsPerson when anything moved since the evidence was taken
   */
  confirm(call: RunCall<Spec, Ports>, primary: SiteId, evidence: CatchUpEvidence): Promise<CatchUpEvidence>;
  /** What a forced failover would lose now. @param lastHealth the newest that is known */
  loss(call: LookCall<Spec, Ports>, to: SiteId, lastHealth: Health | null): Promise<LossReport>;
  /** Waits until it replicates again after a repair. */
  healthy(call: RunCall<Spec, Ports>, primary: SiteId): Promise<{ readonly evidence: string }>;
  /** Absent: nothing is looked at before and after a failover. */
  readonly newPrimary?: NewPrimaryLooks<Spec, Ports>;
  /** Asks once each replica that did not answer when the fence was lifted. Absent: no fence is left behind. */
  liftRemainingFences?(
    call: RunCall<Spec, Ports>,
    fences: readonly PendingOnServer[],
  ): Promise<readonly LiftedFence[]>;
}

/** Work on a topology and its open ports, whatever their types. */
export type TopologyWork<T> = <Spec extends RunSpec, Ports extends EffectPorts, Known extends object>(
  topology: Topology<Spec, Ports, Known>,
  call: RunCall<Spec, Ports>,
) => Promise<T>;

/** A topology with the way to its ports; what a set of them holds. */
export interface BoundTopology {
  readonly kind: string;
  /** Opens the ports of a spec for one activity. */
  open<T>(spec: RunSpec, shared: Shared, reporter: ActivityReporter, work: TopologyWork<T>): Promise<T>;
  /** Without opening any ports, also while no site answers. */
  secrets(spec: RunSpec): Promise<SecretsPort>;
  sites(spec: RunSpec): readonly Site[];
  party(spec: RunSpec, site: SiteId): HookParty;
}

/** Closes over the types of a topology, so that different ones can stand in one set. */
export function bindTopology<Spec extends RunSpec, Ports extends EffectPorts, Known extends object>(
  topology: Topology<Spec, Ports, Known>,
  opening: Opening<Spec, Ports>,
): BoundTopology {
  const { kind } = topology.procedure;
  const own = (spec: RunSpec): Spec => {
    if (spec.kind !== kind) throw new RangeError(`a spec of kind ${spec.kind} is none of kind ${kind}`);
    // The kind says which topology resolved it; it went through history as JSON.
    return spec as Spec;
  };
  return {
    kind,
    open: async (spec, shared, reporter, work) =>
      work(topology, await openCall(opening, shared, own(spec), reporter)),
    secrets: async (spec) => opening.secrets(own(spec)),
    sites: (spec) => topology.procedure.sites(own(spec)),
    party: (spec, site) => topology.party(own(spec), site),
  };
}

/** Finds the topology of a spec. */
export type TopologyOf = (spec: RunSpec) => BoundTopology;

/** @returns a look-up that throws NeedsPerson for a spec whose kind none of them serves */
export function topologiesByKind(topologies: readonly BoundTopology[]): TopologyOf {
  const byKind = Object.fromEntries(topologies.map((topology) => [topology.kind, topology]));
  return ({ kind }) => known('UnknownTopology', 'kind of a run', kind, byKind);
}

/** @throws NeedsPerson for a step that the topology does not know */
export const stepOf = <Spec extends RunSpec, Ports extends EffectPorts, Known extends object>(
  { procedure, steps }: Topology<Spec, Ports, Known>,
  stepId: string,
): AnyStep<Ports, Spec> => known('UnknownStep', `step of a ${procedure.kind}`, stepId, steps);

/** @throws RangeError for a replica that there is not: nothing is done to another server in its place */
export function contextFor<Spec extends RunSpec, Ports extends EffectPorts, Known extends object>(
  topology: Topology<Spec, Ports, Known>,
  context: StepContext<Ports, Spec>,
  replica: string | undefined,
): StepContext<Ports, Spec> {
  if (replica === undefined) return context;
  if (topology.contextOn !== undefined) return topology.contextOn(context, replica);
  throw new RangeError(`no site of a ${topology.procedure.kind} has replicas; ${replica} is asked for`);
}

/** Another attempt on this worker would know no more. */
function known<Choice>(
  code: string,
  what: string,
  word: string,
  choices: Readonly<Record<string, Choice>>,
): Choice {
  try {
    return byWord(what, word, choices);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new NeedsPerson(code, error.message, 'run workers of a version that knows it, then resume');
  }
}
