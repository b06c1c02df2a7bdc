/** Refusals of links in the Resource Manager's own names. */
import { SqlError } from '../sql/errors';
import type { HandshakeProblem } from './handshake';
import { ArmRefusal } from './model';

const ARM_CODES: Readonly<Record<number, string>> = {
  41122: 'DistributedAvailabilityGroupSetRoleInstanceAlreadyInRequestedRole',
  41195: 'DistributedAvailabilityGroupSetRoleInstanceAlreadyInRequestedRole',
  // The REST name of 41985 is not published (inferred).
  41985: 'DistributedAvailabilityGroupForcedFailoverNotSupported',
  47512: 'DistributedAvailabilityGroupSetRoleChangeRoleAlreadyInProgress',
  47513: 'DistributedAvailabilityGroupSetRoleChangeRoleAlreadyInProgress',
  47514: 'DistributedAvailabilityGroupFailoverSecondariesNotSynchronizing',
  47515: 'DistributedAvailabilityGroupFailoverLogSendQueueSizeTooBig',
  47516: 'DistributedAvailabilityGroupFailoverRedoQueueSizeTooBig',
};

export const alreadyInRole = (): ArmRefusal =>
  new ArmRefusal(
    409,
    'DistributedAvailabilityGroupSetRoleInstanceAlreadyInRequestedRole',
    'The instance already has the requested role (41965).',
  );

export const lost = (number: string, why: string): HandshakeProblem => ({
  number: 41986,
  connectNumber: Number(number),
  description: `An error occurred while receiving data: '${number}' (${why}).`,
  armCode: 'ManagedInstanceLinkConnectivityIsNotEstablished',
});

/** The SQL side's refusals have names of their own in the Resource Manager. @throws ArmRefusal 409 */
export function asArm(check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    throw new ArmRefusal(
      409,
      ARM_CODES[error.number] ?? 'DistributedAvailabilityGroupSetRoleFailed',
      error.message,
    );
  }
}
