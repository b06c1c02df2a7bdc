/** What one activity of a run gets: its ports, its context, and its edge to Temporal. */
import { pacingOf } from '../../model/run/pacing';
import type { RunSpec } from '../../model/run/run-spec';
import type { Clock } from '../../ports/clock';
import type { SecretsPort } from '../../ports/secrets';
import { type ActivityReporter, asActivity } from './activity-boundary';
import type { ApplyContext, EffectPorts } from './apply-effect';
import type { Carried } from './carried';
import { ownTime, type PlatformTime, platformTime } from './platform-time';
import type { Snapshots } from './snapshots';
import type { StepContext } from './step';

/** How the worker reaches what a spec names. */
export interface Opening<Spec extends RunSpec, Ports extends EffectPorts> {
  openPorts(spec: Spec): Promise<Ports>;
  secrets(spec: Spec): Promise<SecretsPort>;
}

/** Shared by all activities of a worker. */
export interface Shared {
  /** Time of what is changed and watched: pauses, deadlines and ages of an activity are all of it. */
  readonly clock: Clock;
  /** Time of the Temporal server. Heartbeats alone keep to it: a worker whose heartbeats stay away is given up. */
  readonly temporalClock: Clock;
  readonly snapshots: Snapshots;
}

/** What a look needs that is over at once. */
export interface LookCall<Spec extends RunSpec, Ports extends EffectPorts> {
  readonly context: StepContext<Ports, Spec>;
  readonly snapshots: Snapshots;
}

export interface RunCall<Spec extends RunSpec, Ports extends EffectPorts> extends LookCall<Spec, Ports> {
  /** For times that a workflow, or who looks at it, compares with times of its own. */
  readonly platform: PlatformTime;
  readonly apply: ApplyContext;
  readonly reporter: ActivityReporter;
}

/** Opens the ports of a spec for one activity. */
export async function openCall<Spec extends RunSpec, Ports extends EffectPorts>(
  opening: Opening<Spec, Ports>,
  { clock, snapshots }: Shared,
  spec: Spec,
  reporter: ActivityReporter,
): Promise<RunCall<Spec, Ports>> {
  const platform = reporter.scheduledAt === undefined ? ownTime : platformTime(clock, reporter.scheduledAt);
  const told: ActivityReporter = {
    ...reporter,
    report: (progress) => reporter.report(inPlatformTime(progress, platform)),
  };
  const ports = await opening.openPorts(spec);
  const { signal } = reporter;
  const pollMs = pacingOf(spec.settings.polling).effectMs;
  return {
    context: {
      ports,
      spec,
      clock,
      signal,
      secret: async (reference) => (await opening.secrets(spec)).read(reference),
    },
    apply: { ports, clock, signal, reporter: told, pollMs },
    reporter: told,
    snapshots,
    platform,
  };
}

/** What is seen is compared with Temporal's time by those who read it (status, the bound of a loss). */
export const inPlatformTime = <Seen extends { readonly observedAt: string }>(
  seen: Seen,
  { toPlatform }: PlatformTime,
): Seen => ({ ...seen, observedAt: toPlatform(seen.observedAt) });

/** @param carried what an activity that gave up left to this one */
export type CallWith<Spec extends RunSpec, Ports extends EffectPorts> = <T>(
  spec: Spec,
  work: (call: RunCall<Spec, Ports>) => Promise<T>,
  carried?: Carried,
) => Promise<T>;

/** Opens the ports of a spec for one activity, and runs it at the edge: for activities that only one topology has. */
export const callsOf =
  <Spec extends RunSpec, Ports extends EffectPorts>(
    dependencies: Opening<Spec, Ports> & Shared,
  ): CallWith<Spec, Ports> =>
  (spec, work, carried) =>
    asActivity(
      async (reporter) => work(await openCall(dependencies, dependencies, spec, reporter)),
      dependencies.temporalClock,
      carried,
    );
