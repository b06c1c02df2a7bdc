import type { LinkStepId } from '../../../model/link/procedure';
import type { LinkStep } from '../context';
import {
  agentJobsOnSource,
  agentJobsOnTarget,
  disableJobsOnSource,
  disableJobsOnTarget,
  enableJobsAfterLossOnSource,
  enableJobsAfterLossOnTarget,
  enableJobsOnSource,
  enableJobsOnTarget,
  jobChangesOnSource,
  jobChangesOnTarget,
} from './agent-jobs';
import {
  endpointCertificate,
  masterKey,
  trustAzureAuthorities,
  trustSourceCertificate,
  trustTargetCertificate,
  validateChain,
} from './certificates';
import { mirroringEndpoint } from './endpoint';
import {
  demoteInstance,
  demoteSource,
  forcedFailoverToInstance,
  forcedFailoverToSource,
  plannedFailover,
  plannedFailoverFromInstance,
  synchronousCommit,
  verifySourceWritable,
  verifyWritable,
} from './failover';
import { admitToInstance, admitToSource, fence, fenceInstance } from './fence';
import {
  createLinkFromInstance,
  emptyAvailabilityGroup,
  grantCreateDatabase,
  joinDistributedGroup,
  readableSecondary,
} from './from-instance';
import {
  availabilityGroup,
  distributedAvailabilityGroup,
  dropDistributedAvailabilityGroup,
  dropLocalAvailabilityGroup,
} from './groups';
import { keepLog, releaseLog } from './keep-log';
import { createLink, deleteLinkToCutOver, removeLink } from './link';
import { logBackup } from './log-backup';
import { loginPasswordsOnSource, loginPasswordsOnTarget, loginsOnSource, loginsOnTarget } from './logins';
import { repairOnInstance, repairOnSource } from './orphans';

/** Every step of a link by its id. */
export const LINK_STEPS: Readonly<Record<LinkStepId, LinkStep>> = {
  'source.master-key': masterKey,
  'source.endpoint-certificate': endpointCertificate,
  'target.trust-source-certificate': trustSourceCertificate,
  'source.trust-target-certificate': trustTargetCertificate,
  'source.trust-azure-authorities': trustAzureAuthorities,
  'source.validate-certificate-chain': validateChain,
  'source.mirroring-endpoint': mirroringEndpoint,
  'source.availability-group': availabilityGroup,
  'source.distributed-availability-group': distributedAvailabilityGroup,
  'source.keep-log': keepLog,
  'target.link': createLink,
  'source.release-log': releaseLog,
  'source.log-backup': logBackup,
  'source.fence': fence,
  'source.synchronous-commit': synchronousCommit,
  'source.planned-failover': plannedFailover,
  'target.delete-link-to-cut-over': deleteLinkToCutOver,
  'target.verify-writable': verifyWritable,
  'target.remove-link': removeLink,
  'source.drop-distributed-availability-group': dropDistributedAvailabilityGroup,
  'source.drop-availability-group': dropLocalAvailabilityGroup,
  'target.fence': fenceInstance,
  'source.admit-applications': admitToSource,
  'target.admit-applications': admitToInstance,
  'target.planned-failover': plannedFailoverFromInstance,
  'target.forced-failover': forcedFailoverToInstance,
  'source.forced-failover': forcedFailoverToSource,
  'source.verify-writable': verifySourceWritable,
  'source.become-secondary': demoteSource,
  'target.become-secondary': demoteInstance,
  'source.repair-orphaned-users': repairOnSource,
  'target.repair-orphaned-users': repairOnInstance,
  'target.logins': loginsOnTarget,
  'target.login-passwords': loginPasswordsOnTarget,
  'target.agent-jobs': agentJobsOnTarget,
  'target.agent-job-changes': jobChangesOnTarget,
  'target.enable-jobs': enableJobsOnTarget,
  'target.enable-jobs-after-loss': enableJobsAfterLossOnTarget,
  'target.disable-jobs': disableJobsOnTarget,
  'source.logins': loginsOnSource,
  'source.login-passwords': loginPasswordsOnSource,
  'source.agent-jobs': agentJobsOnSource,
  'source.agent-job-changes': jobChangesOnSource,
  'source.enable-jobs': enableJobsOnSource,
  'source.enable-jobs-after-loss': enableJobsAfterLossOnSource,
  'source.disable-jobs': disableJobsOnSource,
  'source.empty-availability-group': emptyAvailabilityGroup,
  'source.grant-create-database': grantCreateDatabase,
  'source.readable-secondary': readableSecondary,
  'target.link-from-instance': createLinkFromInstance,
  'source.join-distributed-availability-group': joinDistributedGroup,
};
