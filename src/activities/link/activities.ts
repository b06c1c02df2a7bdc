/** The activities of a link, wired to whatever stands behind the ports. */
import type { LinkStepId } from '../../model/link/procedure';
import { runStep, toJournalEffect, undoStep } from '../steps/run-step';
import { atTheEdge } from '../temporal/edge';
import type { LinkActivities } from './api';
import { type LinkActivityDependencies, linkCalls } from './call';
import { awaitConnected } from './connecting';
import type { LinkContext } from './context';
import {
  awaitAzureFullBackup,
  awaitCatchUp,
  awaitCutoverReadiness,
  confirmPointOfNoReturn,
} from './cutting-over';
import { takeFirstLogBackup } from './first-log-backup';
import { guardReplication } from './guarding';
import { joinFromInstance } from './joining';
import { linkFacts } from './observing';
import { preflightLink } from './preflight';
import { awaitLinkHealthy, measureLoss, watchReversedLink } from './reversed';
import { LINK_STEPS } from './steps/registry';
import { watchSeeding } from './watching-seeding';

export type { LinkActivityDependencies } from './call';

/** Shown where a secret would stand; a look at a step must not read it. */
const UNREAD_SECRET = 'secret';

export function createLinkActivities(dependencies: LinkActivityDependencies): LinkActivities {
  const { notifier } = dependencies;
  const call = linkCalls(dependencies);

  return {
    preflightLink: ({ spec }) => call(spec, ({ context }) => preflightLink(context)),

    observeLinkStep: ({ spec, stepId }) =>
      call(spec, async ({ context }) => {
        const looking: LinkContext = { ...context, secret: async () => UNREAD_SECRET };
        const seen = await stepOf(stepId).look(looking);
        const before = seen.facts;
        if (seen.settled !== undefined) return { before, settled: seen.settled, planned: [] };
        return { before, planned: (await seen.effects()).map(toJournalEffect) };
      }),

    performLinkStep: ({ spec, stepId }) =>
      call(spec, ({ context, apply }) => runStep(stepOf(stepId), context, apply)),

    undoLinkStep: ({ spec, stepId, before }) =>
      call(spec, ({ context, apply }) => undoStep(stepOf(stepId), before, context, apply)),

    joinFromInstance: ({ spec }) =>
      call(spec, ({ context, apply, reporter }) => joinFromInstance(context, apply, reporter)),

    awaitLinkConnected: ({ spec }) =>
      call(spec, ({ observing, reporter }) => awaitConnected(observing, reporter)),

    watchSeeding: ({ spec, mark }) =>
      call(spec, ({ observing, reporter }) => watchSeeding(observing, reporter, mark)),

    takeFirstLogBackup: ({ spec, seedingCompletedAt }) =>
      call(spec, ({ observing, apply }) => takeFirstLogBackup(observing, apply, seedingCompletedAt)),

    guardReplication: (input) =>
      call(input.spec, ({ observing, reporter }) => guardReplication(observing, reporter, input)),

    awaitCutoverReadiness: ({ spec, primary }) =>
      call(spec, ({ observing, reporter }) => awaitCutoverReadiness(observing, reporter, primary)),

    awaitCatchUp: ({ spec, primary, fencedAt }) =>
      call(spec, ({ observing, reporter }) => awaitCatchUp(observing, reporter, primary, fencedAt)),

    confirmPointOfNoReturn: ({ spec, primary, evidence }) =>
      call(spec, ({ observing, reporter }) => confirmPointOfNoReturn(observing, reporter, primary, evidence)),

    watchReversedLink: (input) =>
      call(input.spec, ({ observing, reporter }) => watchReversedLink(observing, reporter, input)),

    measureLoss: ({ spec, to, lastHealth }) =>
      call(spec, ({ observing, reporter }) => measureLoss(observing, reporter.signal, to, lastHealth)),

    awaitLinkHealthy: ({ spec, primary }) =>
      call(spec, ({ observing, reporter }) => awaitLinkHealthy(observing, reporter, primary)),

    readEndOfLog: ({ spec }) =>
      call(spec, async ({ observing }) => ({
        lsn: (await linkFacts(observing, 0))?.endOfLogLsn ?? null,
      })),

    awaitAzureFullBackup: ({ spec, since }) =>
      call(spec, ({ observing, reporter }) => awaitAzureFullBackup(observing, reporter, since)),

    notifyPerson: (notification) => atTheEdge(() => notifier.notify(notification)),
  };
}

const stepOf = (stepId: LinkStepId) => LINK_STEPS[stepId];
