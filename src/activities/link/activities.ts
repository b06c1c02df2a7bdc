/** The activities of a link, wired to whatever stands behind the ports. */

import { byWord } from '../../model/by-word';
import { boundedEffects, type JournalEffect, onReplica } from '../../model/run/journal';
import type { Effect } from '../../model/statement';
import { asActivity } from '../run/activity-boundary';
import { leaveUncertain, runStep, toJournalEffect, undoStep } from '../run/run-step';
import { takeFirstLogBackup } from '../sql-server/first-log-backup';
import { liftRemainingFences } from '../sql-server/unlifted-fences';
import type { LinkActivities } from './api';
import { awaitHealthy } from './await-healthy';
import { type LinkActivityDependencies, linkCalls } from './call';
import { awaitAzureFullBackup, awaitCatchUp, awaitReadiness, confirmPointOfNoReturn } from './catch-up';
import { awaitConnected } from './connection';
import { contextOn, type LinkContext, type LinkStep } from './context';
import { watchInstancePrimary } from './instance-led-watch';
import { joinFromInstance } from './join';
import { linkFacts } from './link-facts';
import { watchLogSpace } from './log-space-watch';
import { measureLoss } from './loss';
import { preflight } from './preflight';
import { watchSeeding } from './seeding-watch';
import { watchReplication } from './server-led-watch';
import { LINK_STEPS } from './steps/registry';

export type { LinkActivityDependencies } from './call';

/** Shown where a secret would stand; a look at a step must not read it. */
const UNREAD_SECRET = 'secret';

export function createLinkActivities(dependencies: LinkActivityDependencies): LinkActivities {
  const { notifier } = dependencies;
  const call = linkCalls(dependencies);

  return {
    preflight: ({ spec }) => call(spec, ({ context }) => preflight(context)),

    observeStep: ({ spec, stepId, server }) =>
      call(spec, async ({ context }) => {
        const looking: LinkContext = contextOn({ ...context, secret: async () => UNREAD_SECRET }, server);
        const seen = await stepOf(stepId).look(looking);
        const before = seen.kept;
        if (seen.settled !== undefined) {
          const unreached = seen.unreached.length === 0 ? {} : { unreached: seen.unreached };
          return { before, settled: seen.settled, planned: [], ...unreached };
        }
        const planned = boundedEffects(
          (await seen.effects()).map((effect) => journalEffectOn(effect, server)),
        );
        return { before, planned, ...(stepOf(stepId).asksAfter ? { asksAfter: true } : {}) };
      }),

    performStep: ({ spec, stepId, server, carried }) =>
      call(
        spec,
        async ({ context, apply }) => {
          const on = contextOn(context, server);
          const outcome = await runStep(stepOf(stepId), on, { ...apply, ports: on.ports });
          return { ...outcome, effects: outcome.effects.map((effect) => onReplica(effect, server)) };
        },
        carried,
      ),

    undoStep: ({ spec, stepId, server, before, after, carried }) =>
      call(
        spec,
        async ({ context, apply }) => {
          const step = stepOf(stepId);
          const on = contextOn(context, server);
          if (after === null) return leaveUncertain(step, before, on);
          const made = after === undefined ? before : step.made(before, after);
          const undone = await undoStep(step, made, on, { ...apply, ports: on.ports });
          const effects = undone.effects.map((effect) => onReplica(effect, server));
          return undone.unreached.length === 0 ? effects : { ...undone, effects };
        },
        carried,
      ),

    liftRemainingFences: ({ spec, fences }) =>
      call(spec, ({ context }) => liftRemainingFences(context, fences)),

    joinFromInstance: ({ spec }) =>
      call(spec, ({ context, apply, reporter }) => joinFromInstance(context, apply, reporter)),

    awaitLinkConnected: ({ spec }) =>
      call(spec, ({ observing, reporter }) => awaitConnected(observing, reporter)),

    watchSeeding: ({ spec, mark }) =>
      call(spec, ({ observing, reporter }) => watchSeeding(observing, reporter, mark)),

    watchLogSpace: ({ spec, alarmRaised }) =>
      call(spec, ({ observing, reporter }) => watchLogSpace(observing, reporter, alarmRaised)),

    takeFirstLogBackup: ({ spec, seedingCompletedAt }) =>
      call(spec, ({ observing, apply }) =>
        takeFirstLogBackup({ on: 'server', ...observing }, apply, seedingCompletedAt),
      ),

    watchReplication: (input) =>
      call(input.spec, ({ observing, reporter }) => watchReplication(observing, reporter, input)),

    awaitReadiness: ({ spec, primary }) =>
      call(spec, ({ observing, reporter }) => awaitReadiness(observing, reporter, primary)),

    awaitCatchUp: ({ spec, primary, fencedAt }) =>
      call(spec, ({ observing, reporter }) => awaitCatchUp(observing, reporter, primary, fencedAt)),

    confirmPointOfNoReturn: ({ spec, primary, evidence }) =>
      call(spec, ({ observing, reporter }) => confirmPointOfNoReturn(observing, reporter, primary, evidence)),

    watchInstancePrimary: (input) =>
      call(input.spec, ({ observing, reporter }) => watchInstancePrimary(observing, reporter, input)),

    measureLoss: ({ spec, to, lastHealth }) =>
      call(spec, ({ observing, reporter }) => measureLoss(observing, reporter.signal, to, lastHealth)),

    awaitHealthy: ({ spec, primary }) =>
      call(spec, ({ observing, reporter }) => awaitHealthy(observing, reporter, primary)),

    readEndOfLog: ({ spec }) =>
      call(spec, async ({ observing }) => ({
        lsn: (await linkFacts(observing, 0))?.endOfLogLsn ?? null,
      })),

    awaitAzureFullBackup: ({ spec, since }) =>
      call(spec, ({ observing, reporter }) => awaitAzureFullBackup(observing, reporter, since)),

    notifyPerson: (notification) => asActivity(() => notifier.notify(notification)),
  };
}

const journalEffectOn = (effect: Effect, server: string | undefined): JournalEffect =>
  onReplica(toJournalEffect(effect), server);

const stepOf = (stepId: string): LinkStep => byWord<string, LinkStep>('step of a link', stepId, LINK_STEPS);
