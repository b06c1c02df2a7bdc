/**
 * A new certificate for the endpoint of a SQL Server, without a gap in the trust: the instance knows the new key before
 * the endpoint uses it, and forgets the old one only when all connections came back. If they do not, the old one returns.
 */
import { CancellationScope, isCancellation, setHandler, workflowInfo } from '@temporalio/workflow';
import type { ConnectionProof, RotationVerdict } from '../../activities/sql-server/certificate-api';
import type { CertificateSpec } from '../../activities/sql-server/certificate-spec';
import { pacingOf } from '../../model/run/pacing';
import type {
  RotatedCertificate,
  RotationPlan,
  RotationRefusal,
} from '../../rules/sql-server/certificate-rotation';
import { checkInput, refuseOtherUpdates } from '../run/incoming';
import { AbortRequested, CONTROL_UPDATES, problemOf } from '../run/run-control';
import type { Shape } from '../run/shapes';
import { isForPerson, leftSentence, Undo, type UndoItem } from '../run/undo-items';
import { rotationShape } from './certificate-input-shapes';
import {
  type CertificateRotationInput,
  type CertificateRotationResult,
  type RotationOutcome,
  rotationJournalQuery,
  rotationStatusQuery,
} from './certificate-messages';
import { CertificateRun } from './certificate-run';

/** What a rotation found out so far; the result is made of it. */
interface Findings {
  readonly startedAt: string;
  plan: RotationPlan | null;
  refusals: readonly RotationRefusal[];
  newCertificate: RotatedCertificate | null;
  proof: ConnectionProof | null;
  reimport: string | null;
  leftovers: string[];
}

/** Type of the workflow that rotates a certificate. */
export const ROTATION_WORKFLOW = 'certificateRotation';
export type RotationWorkflow = (input: CertificateRotationInput) => Promise<CertificateRotationResult>;

/** @param spec shape of the specs whose endpoints it serves */
export const certificateRotationOf = (spec: Shape<CertificateSpec>): RotationWorkflow => {
  const shape = rotationShape(spec);
  return async (input) => {
    checkInput(ROTATION_WORKFLOW, shape, input);
    return rotate(input);
  };
};

async function rotate(input: CertificateRotationInput): Promise<CertificateRotationResult> {
  const run = new CertificateRun(input, workflowInfo().workflowId);
  refuseOtherUpdates({
    run: 'a rotation of a certificate',
    updates: CONTROL_UPDATES,
    nextStep: 'sqlferry certificates resume or abort',
  });
  setHandler(rotationStatusQuery, () => ({
    waitingFor: run.waitingFor,
    blockedBy: run.blockedBy,
    paused: run.paused,
    forwardOnly: run.forwardOnly,
  }));
  setHandler(rotationJournalQuery, () => run.journal);
  const found: Findings = {
    startedAt: run.now(),
    plan: null,
    refusals: [],
    newCertificate: null,
    proof: null,
    reimport: null,
    leftovers: [],
  };
  const [outcome, summary] = await carryOut(run, found);
  const severity = outcome === 'done' ? 'info' : outcome === 'rolled-back' ? 'critical' : 'warning';
  await CancellationScope.nonCancellable(() =>
    run.notify(severity, `certificate.${outcome}`, summary, 'look at sqlferry certificates'),
  );
  return result(run, found, outcome, summary);
}

type Ending = readonly [RotationOutcome, string];

async function carryOut(run: CertificateRun, found: Findings): Promise<Ending> {
  try {
    const verdict = await run.control.abortable(() => approach(run, found));
    if (verdict !== null) return verdict;
  } catch (error) {
    const ending = await CancellationScope.nonCancellable(() => giveUp(run, found, error));
    if (ending !== null) return ending;
    throw error;
  }
  const rotated = found.plan;
  if (rotated !== null) await CancellationScope.nonCancellable(() => forgetOld(run, found, rotated));
  const done = [
    ...(found.reimport === null ? [] : ['the certificate of the instance is imported anew']),
    ...(rotated === null ? [] : [`${rotated.nextName} took the place of ${rotated.old.name}`]),
  ];
  return ['done', done.length === 0 ? 'nothing was to be done' : done.join('; ')];
}

/** All that can be given back. @returns an ending when it did not get through, null when all is proved */
async function approach(run: CertificateRun, found: Findings): Promise<Ending | null> {
  const { input } = run;
  const first = await gate(run);
  if (input.reimportInstance) {
    const standing = first.refusals.filter(({ ruleId }) => HOLDS_REIMPORT.includes(ruleId));
    if (standing.length > 0) return refuse(found, standing);
    found.reimport = await reimport(run);
  }
  if (!input.rotateEndpoint) return null;
  const { plan, refusals } = input.reimportInstance ? await gate(run) : first;
  if (plan === null) return refuse(found, refusals);

  found.plan = plan;
  await run.perform(plan, 'rotation.create-certificate');
  found.newCertificate = await run.untilItSucceeds.readCertificate({ spec: input.spec, name: plan.nextName });
  for (const end of run.ends) await run.perform(plan, 'rotation.trust-certificate', end);
  await run.control.quietPoint();
  // The uploads took their time: a seeding or a failover may have begun since the first look.
  const late = await gate(run);
  if (late.refusals.length > 0) {
    await CancellationScope.nonCancellable(() => takeBack(run, found, plan));
    return refuse(found, late.refusals);
  }
  const since = await run.perform(plan, 'rotation.switch-endpoint');
  await run.perform(plan, 'rotation.force-reconnect');
  found.proof = await prove(run, plan, since);
  if (!found.proof.connected) {
    if (!plan.old.expired) {
      const why = found.proof.evidence;
      return CancellationScope.nonCancellable(() => rollBack(run, found, plan, why));
    }
    await awaitPerson(run, found, plan, since);
  }
  run.forwardOnly = 'the new certificate is proved; only the old one is still to be dropped';
  return null;
}

/** Reasons that also hold a fresh import, which leaves the endpoint alone. */
const HOLDS_REIMPORT: readonly string[] = ['rotation.seeding', 'rotation.failover', 'rotation.fence'];

function refuse(found: Findings, refusals: readonly RotationRefusal[]): Ending {
  found.refusals = refusals;
  return ['refused', refusals.map(({ reason }) => reason).join('; ')];
}

/** Never while a seeding runs or a failover is under way. */
function gate(run: CertificateRun): Promise<RotationVerdict> {
  const { spec, others } = run.input;
  run.waitingFor = 'a look at the connections of the endpoint';
  return run.control.untilDone('Gate of the rotation', () =>
    run.untilItSucceeds.planCertificateRotation({ spec, others }),
  );
}

/** As the best practices say: drop what is there, import it anew, validate. */
async function reimport(run: CertificateRun): Promise<string> {
  const title = 'Drop the certificates of the instance and of the authorities';
  run.waitingFor = title;
  await run.control.untilDone(title, async () => {
    const done = await run.longPoll.dropInstanceTrust({ spec: run.input.spec });
    run.note(done.stepId, title, done.outcome, done.effects, done.evidence, done.durationMs);
  });
  await run.performStep('server.trust-instance-certificate', 'SQL Server trusts the instance');
  await run.performStep('server.trust-azure-authorities', 'SQL Server trusts the authorities of Azure');
  return run.performStep('server.validate-certificate-chain', 'Certificate chain validates');
}

/** A server that does not answer within the time proves nothing: the connections are not back. */
function prove(run: CertificateRun, plan: RotationPlan, since: string): Promise<ConnectionProof> {
  return run.control.untilDone('Proof of the connection', () => lookForProof(run, plan, since, isForPerson));
}

/** @param isThrown failures that are no answer to whether the connections are back */
async function lookForProof(
  run: CertificateRun,
  plan: RotationPlan,
  since: string,
  isThrown: (error: unknown) => boolean,
): Promise<ConnectionProof> {
  const { spec, others, connectWithinMs: limitMs } = run.input;
  run.waitingFor = 'all connections of the endpoint to come back';
  try {
    return await run.proving.proveConnection({ spec, others, plan, since, limitMs });
  } catch (error) {
    const problem = problemOf(error);
    if (problem === undefined || isThrown(error)) throw error;
    const evidence = `not seen: ${problem.message}`;
    const secondsWithoutConnection = (Date.now() - Date.parse(since)) / 1_000;
    return { connected: false, evidence, secondsWithoutConnection, looks: 0 };
  }
}

/** There is no way back to an expired certificate: a person mends what is wrong, and the proof is tried again. */
async function awaitPerson(
  run: CertificateRun,
  found: Findings,
  plan: RotationPlan,
  since: string,
): Promise<void> {
  while (found.proof?.connected !== true) {
    const problem = {
      code: 'ConnectionNotBackAfterRotation',
      message: `the connections did not come back with ${plan.nextName}: ${found.proof?.evidence ?? ''}`,
      remedy: 'do what the connection error asks for (sqlferry explain NUMBER)',
    };
    await run.control.waitForPerson(problem, 'Proof of the connection');
    found.proof = await prove(run, plan, since);
  }
}

/** The old certificate is put back, the connections are seen to be up, and nothing of the new one stays. */
async function rollBack(
  run: CertificateRun,
  found: Findings,
  plan: RotationPlan,
  why: string,
): Promise<Ending> {
  const after = await takeBack(run, found, plan);
  const end =
    found.leftovers.length === 0
      ? `${plan.old.name} is in use again`
      : `not all could be given back: ${found.leftovers.join('; ')}`;
  const summary = `the connections did not come back with ${plan.nextName} (${why}); ${end}`;
  return ['rolled-back', after === null ? summary : `${summary}; ${after}`];
}

/** @returns how the connections are afterwards; null when the endpoint was not touched */
async function takeBack(run: CertificateRun, found: Findings, plan: RotationPlan): Promise<string | null> {
  run.forwardOnly = 'the rotation is being undone';
  const wasSwitched = run.hasBegun('rotation.switch-endpoint');
  const since = run.now();
  const { server } = run.input.spec.settings;
  const switchBack = run.undoItems(plan, 'rotation.switch-endpoint').map((item) => ({
    ...item,
    undo: async () => {
      await item.undo();
      await run.performBounded(plan, 'rotation.force-reconnect');
    },
  }));
  if (!(await undoAll(run, found, switchBack))) {
    return `the endpoint of ${server} may use ${plan.nextName} still, so its trust on the instance stays`;
  }
  await undoAll(run, found, [
    ...run.undoItems(plan, 'rotation.trust-certificate'),
    ...run.undoItems(plan, 'rotation.create-certificate'),
  ]);
  if (!wasSwitched) return null;
  // All is given back: nobody is waited for any more.
  const { connected, evidence } = await lookForProof(run, plan, since, () => false);
  return connected
    ? `the connections are back: ${evidence}`
    : `the connections are NOT back yet: ${evidence}`;
}

/** @returns whether all of it was undone; what was left stands in the result */
async function undoAll(run: CertificateRun, found: Findings, items: readonly UndoItem[]): Promise<boolean> {
  const { firstMs, longestMs } = pacingOf(run.input.spec.settings.polling).undo;
  const undoing = new Undo(run.control, items, {
    refused: 'wait',
    firstPauseMs: firstMs,
    longestPauseMs: () => longestMs,
    leaveCommand: `sqlferry certificates leave ${run.input.spec.settings.server}`,
    title: ({ where }) => `Undo on ${where}`,
    onLeft: () => undefined,
  });
  run.control.beginUndo(undoing);
  const left = await undoing.all();
  found.leftovers.push(...left.map(leftSentence));
  return left.length === 0;
}

/** An abort, a cancellation or a failure before the proof. @returns null when the failure is to be thrown on */
async function giveUp(run: CertificateRun, found: Findings, error: unknown): Promise<Ending | null> {
  const { plan } = found;
  const asked = error instanceof AbortRequested;
  const why = asked ? error.message : isCancellation(error) ? 'the rotation was cancelled' : 'it failed';
  if (plan !== null) {
    if (plan.old.expired && run.hasBegun('rotation.switch-endpoint')) {
      found.leftovers.push(
        `the endpoint keeps ${plan.nextName}, since ${plan.old.name} has expired; drop ${plan.old.name} on the SQL Server and its trust on the instance by hand`,
      );
    } else {
      const healthy = await takeBack(run, found, plan);
      if (healthy !== null) found.leftovers.push(healthy);
    }
  }
  return asked
    ? ['aborted', `${why}; ${found.leftovers.join('; ') || 'nothing of the new certificate stays'}`]
    : null;
}

/** Whatever cannot be dropped is named and left: the connections are up with the new certificate. */
async function forgetOld(run: CertificateRun, found: Findings, plan: RotationPlan): Promise<void> {
  const drop = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      const problem = problemOf(error);
      if (problem === undefined) throw error;
      found.leftovers.push(`${what} stays: ${problem.message}; ${problem.remedy}`);
    }
  };
  for (const end of run.ends) {
    await drop(`the trust for ${plan.old.name} on ${end.settings.instance}`, () =>
      run.tryStep(plan, 'rotation.distrust-old-certificate', end),
    );
  }
  await drop(`certificate ${plan.old.name} on ${run.input.spec.settings.server}`, () =>
    run.tryStep(plan, 'rotation.drop-old-certificate'),
  );
}

function result(
  run: CertificateRun,
  found: Findings,
  outcome: RotationOutcome,
  summary: string,
): CertificateRotationResult {
  const { plan, proof } = found;
  return {
    outcome,
    summary,
    by: run.input.by,
    reason: run.input.reason,
    startedAt: found.startedAt,
    endedAt: run.now(),
    refusals: found.refusals,
    oldCertificate:
      plan === null
        ? null
        : { name: plan.old.name, thumbprint: plan.old.thumbprint, expiresAt: plan.old.expiresAt },
    newCertificate: found.newCertificate,
    proof: proof?.evidence ?? null,
    secondsWithoutConnection: proof?.secondsWithoutConnection ?? null,
    reimport: found.reimport,
    leftovers: found.leftovers,
    journal: run.journal,
  };
}
