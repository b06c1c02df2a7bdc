/** The regular look at the certificates of an endpoint: people are told in time, and what is due is rotated. */
import { ApplicationFailure, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  CancellationScope,
  type ChildWorkflowHandle,
  isCancellation,
  log,
  proxyActivities,
  sleep,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { RunSteps } from '../../activities/run/api';
import type { CertificateActivities } from '../../activities/sql-server/certificate-api';
import type { CertificateSpec } from '../../activities/sql-server/certificate-spec';
import { rotationWorkflowId } from '../../model/sql-server/certificate-ids';
import {
  type CertificateInventory,
  type CertificateItem,
  reimportDue,
  rotationDue,
} from '../../rules/sql-server/certificate-inventory';
import { bounded, briefNotification, notification } from '../run/activity-policies';
import { checkInput } from '../run/incoming';
import type { Notice } from '../run/notices';
import { type Problem, problemOf } from '../run/run-control';
import type { Shape } from '../run/shapes';
import { certificateCheckShape } from './certificate-input-shapes';
import type {
  CertificateCheckInput,
  CertificateCheckResult,
  CertificateRotationResult,
} from './certificate-messages';
import { ROTATION_WORKFLOW, type RotationWorkflow } from './certificate-rotation';

/**
 * A rotation that takes longer waits for a person, and goes on without the check: the next checks must not be held up.
 * Beside it there is the time in which the connections have to come back.
 */
const ROTATION_WATCHED_MS = 60 * 60_000;
/** Key of a failure among what people were told; certificates have a place and a name. */
const FAILURE = 'check';

/** What is not delivered by then is told by the next check. */
const { notifyPerson } = proxyActivities<RunSteps>(briefNotification);
/** There is no next check: its schedule pauses. */
const { notifyPerson: notifyLast } = proxyActivities<RunSteps>(notification);

type Told = Readonly<Record<string, string>>;

/** @param spec shape of the specs whose certificates it looks at */
export const certificateCheckOf = (spec: Shape<CertificateSpec>) => {
  const shape = certificateCheckShape(spec);
  return async (input: CertificateCheckInput): Promise<CertificateCheckResult> => {
    checkInput('certificateCheck', shape, input);
    return checkCertificates(input);
  };
};

/**
 * It always completes: what it could not look at is told, and the next check looks again. Only a rotation that failed
 * fails it, which pauses its schedule.
 */
async function checkCertificates(input: CertificateCheckInput): Promise<CertificateCheckResult> {
  const { spec } = input;
  const checkedAt = new Date(Date.now()).toISOString();
  const { readCertificateInventory } = proxyActivities<CertificateActivities>(bounded(spec.settings.polling));
  let inventory: CertificateInventory;
  try {
    inventory = await readCertificateInventory({ spec });
  } catch (error) {
    const failure = problemOf(error);
    if (failure === undefined) throw error;
    return couldNotLook(input, failure, checkedAt);
  }
  const told = await tell(input, inventory, toldBefore());
  const { rotation, note } = await rotateWhatIsDue(input, inventory);
  const summary = rotation?.summary ?? note ?? `nothing is due; the worst certificate is ${inventory.worst}`;
  return { inventory, failure: null, checkedAt, told, rotation, summary };
}

/** Told once for each reason. What was told of certificates is told of them still. */
async function couldNotLook(
  input: CertificateCheckInput,
  failure: Problem,
  checkedAt: string,
): Promise<CertificateCheckResult> {
  const { code, message, remedy } = failure;
  const before = toldBefore();
  const reason = `${code}: ${message}`;
  const summary = `the certificates could not be looked at: ${message} [${code}]`;
  const { [FAILURE]: reasonBefore, ...others } = before;
  const tellIt = () => isDelivered(notifyPerson(ofAll(input, 'warning', 'check-failed', summary, remedy)));
  const isTold = reasonBefore === reason || (await tellIt());
  const told = isTold ? { ...before, [FAILURE]: reason } : others;
  return { inventory: null, failure, checkedAt, told, rotation: null, summary };
}

/** About all certificates of a spec. */
const ofAll = (
  { spec }: CertificateCheckInput,
  severity: 'warning' | 'critical',
  what: string,
  message: string,
  nextStep: string,
): Notice => ({
  severity,
  code: `certificate.${what}`,
  workflowId: workflowInfo().workflowId,
  title: `${spec.settings.server}: the certificates of ${spec.settings.name}`,
  message,
  nextStep,
});

/** A notifier that fails never fails a check. */
const isDelivered = (delivery: Promise<void>): Promise<boolean> =>
  delivery.then(
    () => true,
    () => false,
  );

/** What the check before this one told people; the server hands its result on. */
function toldBefore(): Told {
  const last = workflowInfo().lastResult;
  const isOurs = typeof last === 'object' && last !== null && 'told' in last;
  if (!isOurs || typeof last.told !== 'object' || last.told === null) return {};
  return Object.fromEntries(
    Object.entries(last.told).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** Each level is told once; critical and worse are told at every check. */
async function tell(
  { spec, rotateBeforeMs }: CertificateCheckInput,
  { items }: CertificateInventory,
  before: Told,
): Promise<Told> {
  const told: Record<string, string> = {};
  for (const item of items) {
    const severity = severityOf(item);
    if (severity === null) continue;
    const key = `${item.where}/${item.name}`;
    if (before[key] === item.level && severity !== 'critical') {
      told[key] = item.level;
      continue;
    }
    const delivery = notifyPerson({
      severity,
      code: `certificate.${item.level}`,
      workflowId: workflowInfo().workflowId,
      title: `${spec.settings.server}: certificate ${item.name}`,
      message: `${item.name} on the ${item.where}: ${timeLeft(item)}; ${item.note}`,
      nextStep: nextStep(item, rotateBeforeMs),
    });
    if (await isDelivered(delivery)) told[key] = item.level;
  }
  return told;
}

function severityOf({ level }: CertificateItem): 'info' | 'warning' | 'critical' | null {
  switch (level) {
    case 'ok':
    case 'unknown':
      return null;
    case 'info':
    case 'warning':
    case 'critical':
      return level;
    case 'missing':
    case 'expired':
      return 'critical';
  }
}

const timeLeft = ({ level, expiresAt, daysLeft }: CertificateItem): string =>
  level === 'missing' ? 'missing' : level === 'expired' ? `expired on ${expiresAt}` : `${daysLeft} days left`;

function nextStep({ use }: CertificateItem, rotateBeforeMs: number | null): string {
  switch (use) {
    case 'endpoint':
    case 'trust-on-instance':
      return rotateBeforeMs === null
        ? 'sqlferry certificates rotate MIGRATION-FILE'
        : 'nothing: it is rotated in time';
    case 'instance':
      return 'nothing: Azure renews it by itself';
    case 'instance-on-server':
    case 'authority':
      return 'it is imported anew when the chain does not validate any more';
  }
}

interface Rotated {
  /** Null when none was due, or it is not over. */
  readonly rotation: CertificateRotationResult | null;
  /** Why there is no result of a rotation that is due. */
  readonly note?: string;
}

async function rotateWhatIsDue(
  input: CertificateCheckInput,
  inventory: CertificateInventory,
): Promise<Rotated> {
  const { rotateBeforeMs, spec } = input;
  if (rotateBeforeMs === null) return { rotation: null };
  const isDue = rotationDue(inventory, rotateBeforeMs);
  const reimport = reimportDue(inventory);
  if (isDue === null && reimport === null) return { rotation: null };
  const reason = [isDue, reimport].filter((one) => one !== null).join('; ');
  const { server } = spec.settings;
  const due = { reason, rotateEndpoint: isDue !== null, reimportInstance: reimport !== null };
  try {
    const rotation = await rotateOnce(input, due);
    if (rotation === null) {
      const note = `a rotation of the certificate of ${server} is under way, or waits for a person: sqlferry certificates resume ${server}, or abort`;
      log.info(note);
      return { rotation: null, note };
    }
    throwUnlessSettled(rotation);
    return { rotation };
  } catch (error) {
    if (isCancellation(error)) throw error;
    const message = `the rotation of the certificate of ${server} failed: ${messageOf(error)}; its schedule pauses, nobody looks at the certificates`;
    const nextStep = 'look at sqlferry certificates; when the cause is gone: sqlferry certificates schedule';
    await isDelivered(notifyLast(ofAll(input, 'critical', 'rotation-failed', message, nextStep)));
    throw error;
  }
}

/** @returns null when a rotation of that SQL Server is not over: started before by somebody, or waiting for a person */
async function rotateOnce(
  { spec, others, connectWithinMs }: CertificateCheckInput,
  due: { readonly reason: string; readonly rotateEndpoint: boolean; readonly reimportInstance: boolean },
): Promise<CertificateRotationResult | null> {
  const { server } = spec.settings;
  try {
    const rotation = await startChild<RotationWorkflow>(ROTATION_WORKFLOW, {
      workflowId: rotationWorkflowId(server),
      // Its own way back takes care of what it made, also after the end of this check.
      parentClosePolicy: 'ABANDON',
      staticSummary: `certificate of ${server}: ${due.reason}`,
      args: [{ spec, others, by: 'certificate schedule', ...due, connectWithinMs }],
    });
    return await resultWithin(rotation, ROTATION_WATCHED_MS + connectWithinMs);
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return null;
    throw error;
  }
}

async function resultWithin(
  rotation: ChildWorkflowHandle<RotationWorkflow>,
  withinMs: number,
): Promise<CertificateRotationResult | null> {
  const timer = new CancellationScope();
  try {
    const late = timer.run(() => sleep(withinMs)).then(() => null);
    return await Promise.race([rotation.result(), late]);
  } finally {
    timer.cancel();
  }
}

const messageOf = (error: unknown): string => {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
};

/** What did not succeed must not repeat at every check: the schedule pauses on a failure. */
function throwUnlessSettled({ outcome, summary }: CertificateRotationResult): void {
  if (outcome === 'done' || outcome === 'refused') return;
  throw ApplicationFailure.create({
    type: 'CertificateRotationFailed',
    nonRetryable: true,
    message: `the rotation ended as ${outcome}: ${summary}`,
    details: [{ remedy: 'look at the result of the rotation; create the schedule again to let it go on' }],
  });
}
