import type { LinkStepId } from '../../../model/link/procedure';
import {
  agentJobsOnInstance,
  agentJobsOnServer,
  disableJobsOnInstance,
  disableJobsOnServer,
  enableJobsAfterLossOnInstance,
  enableJobsAfterLossOnServer,
  enableJobsOnInstance,
  enableJobsOnServer,
  jobChangesOnInstance,
  jobChangesOnServer,
} from '../../sql-server/steps/agent-jobs';
import {
  endpointCertificate,
  masterKey,
  trustAzureAuthorities,
  trustInstanceCertificate,
  trustServerCertificate,
  validateChain,
} from '../../sql-server/steps/certificates';
import { mirroringEndpoint } from '../../sql-server/steps/endpoint';
import { admitToInstance, admitToServer, fence, fenceInstance } from '../../sql-server/steps/fence';
import { logBackup } from '../../sql-server/steps/log-backup';
import {
  loginPasswordsOnInstance,
  loginPasswordsOnServer,
  loginsOnInstance,
  loginsOnServer,
} from '../../sql-server/steps/logins';
import { repairOnInstance, repairOnServer } from '../../sql-server/steps/orphans';
import type { LinkStep } from '../context';
import {
  demoteInstance,
  demoteServer,
  forcedFailoverToInstance,
  forcedFailoverToServer,
  plannedFailover,
  plannedFailoverFromInstance,
  synchronousCommit,
  verifyServerWritable,
  verifyWritable,
} from './failover';
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

/** Every step of a link by its id. */
export const LINK_STEPS: Readonly<Record<LinkStepId, LinkStep>> = {
  'server.master-key': masterKey,
  'server.endpoint-certificate': endpointCertificate,
  'instance.trust-server-certificate': trustServerCertificate,
  'server.trust-instance-certificate': trustInstanceCertificate,
  'server.trust-azure-authorities': trustAzureAuthorities,
  'server.validate-certificate-chain': validateChain,
  'server.mirroring-endpoint': mirroringEndpoint,
  'server.availability-group': availabilityGroup,
  'server.distributed-availability-group': distributedAvailabilityGroup,
  'server.keep-log': keepLog,
  'instance.link': createLink,
  'server.release-log': releaseLog,
  'server.log-backup': logBackup,
  'server.fence': fence,
  'server.synchronous-commit': synchronousCommit,
  'server.planned-failover': plannedFailover,
  'instance.delete-link-to-cut-over': deleteLinkToCutOver,
  'instance.verify-writable': verifyWritable,
  'instance.remove-link': removeLink,
  'server.drop-distributed-availability-group': dropDistributedAvailabilityGroup,
  'server.drop-availability-group': dropLocalAvailabilityGroup,
  'instance.fence': fenceInstance,
  'server.admit-applications': admitToServer,
  'instance.admit-applications': admitToInstance,
  'instance.planned-failover': plannedFailoverFromInstance,
  'instance.forced-failover': forcedFailoverToInstance,
  'server.forced-failover': forcedFailoverToServer,
  'server.verify-writable': verifyServerWritable,
  'server.become-secondary': demoteServer,
  'instance.become-secondary': demoteInstance,
  'server.repair-orphaned-users': repairOnServer,
  'instance.repair-orphaned-users': repairOnInstance,
  'instance.logins': loginsOnInstance,
  'instance.login-passwords': loginPasswordsOnInstance,
  'instance.agent-jobs': agentJobsOnInstance,
  'instance.agent-job-changes': jobChangesOnInstance,
  'instance.enable-jobs': enableJobsOnInstance,
  'instance.enable-jobs-after-loss': enableJobsAfterLossOnInstance,
  'instance.disable-jobs': disableJobsOnInstance,
  'server.logins': loginsOnServer,
  'server.login-passwords': loginPasswordsOnServer,
  'server.agent-jobs': agentJobsOnServer,
  'server.agent-job-changes': jobChangesOnServer,
  'server.enable-jobs': enableJobsOnServer,
  'server.enable-jobs-after-loss': enableJobsAfterLossOnServer,
  'server.disable-jobs': disableJobsOnServer,
  'server.empty-availability-group': emptyAvailabilityGroup,
  'server.grant-create-database': grantCreateDatabase,
  'server.readable-secondary': readableSecondary,
  'instance.link-from-instance': createLinkFromInstance,
  'server.join-distributed-availability-group': joinDistributedGroup,
};
