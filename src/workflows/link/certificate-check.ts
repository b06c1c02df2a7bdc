/** The regular look at the certificates of a link: people are told in time, and what is due is rotated. */
import { ApplicationFailure, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { executeChild, log, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { LinkActivities } from '../../activities/link/api';
import type { CertificateActivities } from '../../activities/link/certificate-api';
import { rotationWorkflowId } from '../../model/link/certificate-ids';
import {
  type CertificateInventory,
  type CertificateItem,
  reimportDue,
  rotationDue,
} from '../../rules/link/certificate-inventory';
import { notification, quickAndIdempotent } from '../activity-policies';
import { checkInput } from '../incoming';
import type {
  CertificateCheckInput,
  CertificateCheckResult,
  CertificateRotationResult,
} from './certificate-messages';
import { rotateLinkCertificate } from './certificate-rotation';
import { certificateCheckShape } from './input-shapes';

const { notifyPerson } = proxyActivities<LinkActivities>(notification);

export async function certificateCheck(input: CertificateCheckInput): Promise<CertificateCheckResult> {
  checkInput('certificateCheck', certificateCheckShape, input);
  const { spec } = input;
  const { readLinkCertificates } = proxyActivities<CertificateActivities>(
    quickAndIdempotent(spec.migration.polling.heartbeatTimeout),
  );
  const inventory = await readLinkCertificates({ spec });
  const told = await tell(input, inventory, toldBefore());
  const rotation = await rotateWhatIsDue(input, inventory);
  return {
    inventory,
    told,
    rotation,
    summary: rotation?.summary ?? `nothing is due; the worst certificate is ${inventory.worst}`,
  };
}

/** Level per certificate of which the check before this one told people; the server hands its result on. */
function toldBefore(): Readonly<Record<string, string>> {
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
  before: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const told: Record<string, string> = {};
  for (const item of items) {
    const severity = severityOf(item);
    if (severity === null) continue;
    const key = `${item.where}/${item.name}`;
    told[key] = item.level;
    if (before[key] === item.level && severity !== 'critical') continue;
    await notifyPerson({
      severity,
      code: `certificate.${item.level}`,
      workflowId: workflowInfo().workflowId,
      title: `${spec.migration.source}: certificate ${item.name}`,
      message: `${item.name} on the ${item.where}: ${timeLeft(item)}; ${item.note}`,
      nextStep: nextStep(item, rotateBeforeMs),
    }).catch(() => undefined);
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
    case 'instance-on-source':
    case 'authority':
      return 'it is imported anew when the chain does not validate any more';
  }
}

async function rotateWhatIsDue(
  input: CertificateCheckInput,
  inventory: CertificateInventory,
): Promise<CertificateRotationResult | null> {
  const { spec, others, connectWithinMs, rotateBeforeMs } = input;
  if (rotateBeforeMs === null) return null;
  const reasons = [rotationDue(inventory, rotateBeforeMs), reimportDue(inventory)] as const;
  const [rotation, reimport] = reasons;
  if (rotation === null && reimport === null) return null;
  const reason = reasons.filter((one) => one !== null).join('; ');
  const result = await rotateOnce(spec.migration.source, () =>
    executeChild(rotateLinkCertificate, {
      workflowId: rotationWorkflowId(spec.migration.source),
      // Its own way back takes care of what it made.
      parentClosePolicy: 'REQUEST_CANCEL',
      staticSummary: `certificate of ${spec.migration.source}: ${reason}`,
      args: [
        {
          spec,
          others,
          by: 'certificate schedule',
          reason,
          rotateEndpoint: rotation !== null,
          reimportInstance: reimport !== null,
          connectWithinMs,
        },
      ],
    }),
  );
  if (result !== null) throwUnlessSettled(result);
  return result;
}

/** @returns null when a rotation of that source is under way already, started by a person or for another link */
async function rotateOnce(
  source: string,
  rotate: () => Promise<CertificateRotationResult>,
): Promise<CertificateRotationResult | null> {
  try {
    return await rotate();
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    log.info(`a rotation of the certificate of ${source} is under way already`);
    return null;
  }
}

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
