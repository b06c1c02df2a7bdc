/** The activities of any run: the kind of the spec chooses the topology that does the work. */
import type { RunSpec } from '../../model/run/run-spec';
import type { HooksPort } from '../../ports/hooks';
import type { NotifierPort } from '../../ports/notifier';
import { asActivity } from './activity-boundary';
import type { CommonNews, Health, OwnNews, RunActivities, WatchInput } from './api';
import type { EffectPorts } from './apply-effect';
import { inPlatformTime, type RunCall, type Shared } from './call';
import { callHook } from './call-hook';
import type { Carried } from './carried';
import type { AroundFailoverActivities } from './failover-api';
import { observeStep, performStep, undoStep } from './step-activities';
import {
  type BoundTopology,
  type Topology,
  type TopologyWork,
  topologiesByKind,
  type WatchRequest,
} from './topology';

export interface RunActivityDependencies extends Shared {
  readonly topologies: readonly BoundTopology[];
  readonly notifier: NotifierPort;
  readonly hooks: HooksPort;
}

/** One set for all topologies of a worker. */
export function createRunActivities(
  dependencies: RunActivityDependencies,
): RunActivities & AroundFailoverActivities {
  const { notifier, temporalClock } = dependencies;
  const topologyOf = topologiesByKind(dependencies.topologies);
  const on = <T>(spec: RunSpec, work: TopologyWork<T>, carried?: Carried): Promise<T> =>
    asActivity(
      async (reporter) => topologyOf(spec).open(spec, dependencies, reporter, work),
      temporalClock,
      carried,
    );

  return {
    preflight: ({ spec }) => on(spec, (topology, call) => topology.preflight(call)),

    observeStep: (input) => on(input.spec, (topology, call) => observeStep(topology, call, input)),

    performStep: (input) =>
      on(input.spec, (topology, call) => performStep(topology, call, input), input.carried),

    undoStep: (input) => on(input.spec, (topology, call) => undoStep(topology, call, input), input.carried),

    liftRemainingFences: ({ spec, fences }) =>
      on(spec, async (topology, call) => (await topology.liftRemainingFences?.(call, fences)) ?? []),

    readRoles: ({ spec, lost }) => on(spec, (topology, call) => topology.roles(call, lost)),

    awaitReadiness: ({ spec, primary }) => on(spec, (topology, call) => topology.readiness(call, primary)),

    awaitCatchUp: ({ spec, primary, fencedAt }) =>
      on(spec, (topology, call) => topology.catchUp(call, primary, fencedAt)),

    confirmPointOfNoReturn: ({ spec, primary, evidence }) =>
      on(spec, (topology, call) => topology.confirm(call, primary, evidence)),

    measureLoss: ({ spec, to, lastHealth }) =>
      on(spec, (topology, call) => topology.loss(call, to, byOwnClock(call, lastHealth))),

    watch: (input) => on(input.spec, (topology, call) => watch(topology, call, input)),

    awaitHealthy: ({ spec, primary }) => on(spec, (topology, call) => topology.healthy(call, primary)),

    notifyPerson: (notification) => asActivity(() => notifier.notify(notification), temporalClock),

    runHook: (input) =>
      asActivity(
        async (reporter) => callHook(dependencies, topologyOf(input.spec), reporter, input),
        temporalClock,
      ),

    readDatabaseProperties: ({ spec, on: site }) =>
      on(spec, async (topology, call) => (await topology.newPrimary?.properties(call, site)) ?? null),

    checkAfterFailover: ({ spec, ...input }) =>
      on(spec, async (topology, call) => (await topology.newPrimary?.checks(call, input)) ?? []),
  };
}

const byOwnClock = <Spec extends RunSpec, Ports extends EffectPorts>(
  { platform }: RunCall<Spec, Ports>,
  health: Health | null,
): Health | null =>
  health === null ? null : { ...health, observedAt: platform.fromPlatform(health.observedAt) };

async function watch<Spec extends RunSpec, Ports extends EffectPorts, Known extends object>(
  topology: Topology<Spec, Ports, Known>,
  call: RunCall<Spec, Ports>,
  { spec: _spec, ...input }: WatchInput,
): Promise<CommonNews | OwnNews> {
  // What is known was told by the workflow of this very kind of spec.
  const news = await topology.watch(call, input as WatchRequest<Known>);
  const health = inPlatformTime(news.health, call.platform);
  if (!('lastSeen' in news) || news.lastSeen === undefined) return { ...news, health };
  return { ...news, health, lastSeen: inPlatformTime(news.lastSeen, call.platform) };
}
