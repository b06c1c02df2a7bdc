/** Turns refusals of the world into resource manager errors. */
import { SqlError, SqlErrors } from '../sql/errors';
import { ArmRefusal } from '../world/model';
import { ArmError } from './errors';

interface ArmCode {
  readonly status: number;
  readonly code: string;
}

const badRequest = (code: string): ArmCode => ({ status: 400, code });
const conflict = (code: string): ArmCode => ({ status: 409, code });

/**
 * SQL error numbers of the link and the codes of DistributedAvailabilityGroups.json for the same condition.
 * The pairing is read from the two descriptions; Microsoft does not publish it as a table (inferred).
 */
const LINK_CODES: ReadonlyMap<number, ArmCode> = new Map([
  [41923, badRequest('ManagedInstanceLinkTdeCertificateMissing')],
  [41947, badRequest('ManagedInstanceLinkSourceDbHasHekatonFile')],
  [41948, badRequest('ManagedInstanceLinkSourceDbHasMultipleLogFiles')],
  [41949, badRequest('ManagedInstanceLinkUnsupportedNumberOfFilesOnSourceDb')],
  [41950, badRequest('ManagedInstanceLinkSourceDbHasFilestream')],
  [41951, badRequest('ManagedInstanceLinkSourceDbHasDefunctFiles')],
  [41962, badRequest('ManagedInstanceLinkConnectivityIsNotEstablished')],
  [41964, badRequest('OperationCanNotStartDueToMiLink')],
  [41965, conflict('DistributedAvailabilityGroupSetRoleInstanceAlreadyInRequestedRole')],
  [41968, conflict('DistributedAvailabilityGroupSetRoleChangeRoleAlreadyInProgress')],
  [41969, conflict('DistributedAvailabilityGroupSetRoleFailed')],
  [41970, conflict('DistributedAvailabilityGroupSetRolePrimaryPlannedNotSupported')],
  [41973, badRequest('ManagedInstanceLinkCertificateNotFoundOnManagedInstance')],
  [41974, badRequest('ManagedInstanceLinkCertificateNotFoundOnSqlServer')],
  [41976, badRequest('CloudLifterChimeraAvailabilityGroupConnectionCannotBeEstablished')],
  [41977, badRequest('CloudLifterChimeraEstablishDbConnectionNotEstablished')],
  [41979, conflict('DistributedAvailabilityGroupDbEncryptedWithSmk')],
  [41980, conflict('DistributedAvailabilityGroupDbCannotBeEncryptedWhenPrimaryInMiLink')],
  [41981, conflict('DistributedAvailabilityGroupProtectorCannotBeUpdtedToSmk')],
  [41982, conflict('DistributedAvailabilityGroupMiPrimaryWithGeodr')],
  [41984, badRequest('CloudLifterChimeraBoxAndMiOnDifferentDbVersionsFailoverModeManual')],
  [41986, badRequest('ManagedInstanceLinkConnectivityIsNotEstablished')],
  [41987, badRequest('CloudLifterChimeraMIAgNameIsAlreadyUsed')],
  [41988, badRequest('CloudLifterChimeraBoxAndMiOnDifferentDbVersionsFailoverModeManual')],
  [47512, conflict('DistributedAvailabilityGroupSetRoleChangeRoleAlreadyInProgress')],
  [47513, conflict('DistributedAvailabilityGroupSetRoleChangeRoleAlreadyInProgress')],
  [47514, conflict('DistributedAvailabilityGroupFailoverSecondariesNotSynchronizing')],
  [47515, conflict('DistributedAvailabilityGroupFailoverLogSendQueueSizeTooBig')],
  [47516, conflict('DistributedAvailabilityGroupFailoverRedoQueueSizeTooBig')],
  [911, { status: 404, code: 'DatabaseDoesNotExist' }],
  [3701, { status: 404, code: 'DatabaseDoesNotExist' }],
  // A database in a link cannot be dropped (3752).
  [3752, badRequest('OperationCanNotStartDueToMiLink')],
  [1801, badRequest('ManagedDatabaseNameInUse')],
  [15232, badRequest('CertificateAlreadyExists')],
  [15297, badRequest('CertificateAlreadyExists')],
  [15468, badRequest('InvalidPublicBlob')],
]);

/** The resource manager's view of an error thrown by the world; undefined when it is not a refusal. */
export function toArmError(error: unknown): ArmError | undefined {
  if (error instanceof ArmError) return error;
  if (error instanceof ArmRefusal) return new ArmError(error.status, error.code, error.message);
  const cause = error instanceof SqlErrors ? error.errors[0] : error;
  if (!(cause instanceof SqlError)) return undefined;
  const known = LINK_CODES.get(cause.number);
  return new ArmError(known?.status ?? 409, known?.code ?? 'ConflictingServerOperation', cause.message);
}

/** Code of a failed operation: the world may say it as an error number. */
export function operationError(error: { readonly code: string; readonly message: string }): {
  code: string;
  message: string;
  status: number;
} {
  const known = /^\d+$/.test(error.code) ? LINK_CODES.get(Number(error.code)) : undefined;
  if (known !== undefined) return { ...known, message: error.message };
  const listed = [...LINK_CODES.values()].find(({ code }) => code === error.code);
  return { ...error, status: listed?.status ?? 409 };
}
