import type { LinkStepId } from '../../../model/link/step';
import {
  agentJobs,
  disableJobs,
  enableJobs,
  enableJobsAfterLoss,
  jobChanges,
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
import { admission, fence } from '../../sql-server/steps/fence';
import { logBackup } from '../../sql-server/steps/log-backup';
import { loginPasswords, logins } from '../../sql-server/steps/logins';
import { orphanedUsersRepair } from '../../sql-server/steps/orphans';
import { type LinkStep, ofSqlServer, ofTrust } from '../context';
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
  'server.master-key': ofTrust(masterKey),
  'server.endpoint-certificate': ofTrust(endpointCertificate),
  'instance.trust-server-certificate': ofTrust(trustServerCertificate),
  'server.trust-instance-certificate': ofTrust(trustInstanceCertificate),
  'server.trust-azure-authorities': ofTrust(trustAzureAuthorities),
  'server.validate-certificate-chain': ofTrust(validateChain),
  'server.mirroring-endpoint': ofTrust(mirroringEndpoint),
  'server.availability-group': availabilityGroup,
  'server.distributed-availability-group': distributedAvailabilityGroup,
  'server.keep-log': keepLog,
  'instance.link': createLink,
  'server.release-log': releaseLog,
  'server.log-backup': ofSqlServer(logBackup('server')),
  'server.fence': ofSqlServer(fence('server')),
  'server.synchronous-commit': synchronousCommit,
  'server.planned-failover': plannedFailover,
  'instance.delete-link-to-cut-over': deleteLinkToCutOver,
  'instance.verify-writable': verifyWritable,
  'instance.remove-link': removeLink,
  'server.drop-distributed-availability-group': dropDistributedAvailabilityGroup,
  'server.drop-availability-group': dropLocalAvailabilityGroup,
  'instance.fence': ofSqlServer(fence('instance')),
  'server.admit-applications': ofSqlServer(admission('server')),
  'instance.admit-applications': ofSqlServer(admission('instance')),
  'instance.planned-failover': plannedFailoverFromInstance,
  'instance.forced-failover': forcedFailoverToInstance,
  'server.forced-failover': forcedFailoverToServer,
  'server.verify-writable': verifyServerWritable,
  'server.become-secondary': demoteServer,
  'instance.become-secondary': demoteInstance,
  'server.repair-orphaned-users': ofSqlServer(orphanedUsersRepair('server')),
  'instance.repair-orphaned-users': ofSqlServer(orphanedUsersRepair('instance')),
  'instance.logins': ofSqlServer(logins('instance')),
  'instance.login-passwords': ofSqlServer(loginPasswords('instance')),
  'instance.agent-jobs': ofSqlServer(agentJobs('instance')),
  'instance.agent-job-changes': ofSqlServer(jobChanges('instance')),
  'instance.enable-jobs': ofSqlServer(enableJobs('instance')),
  'instance.enable-jobs-after-loss': ofSqlServer(enableJobsAfterLoss('instance')),
  'instance.disable-jobs': ofSqlServer(disableJobs('instance')),
  'server.logins': ofSqlServer(logins('server')),
  'server.login-passwords': ofSqlServer(loginPasswords('server')),
  'server.agent-jobs': ofSqlServer(agentJobs('server')),
  'server.agent-job-changes': ofSqlServer(jobChanges('server')),
  'server.enable-jobs': ofSqlServer(enableJobs('server')),
  'server.enable-jobs-after-loss': ofSqlServer(enableJobsAfterLoss('server')),
  'server.disable-jobs': ofSqlServer(disableJobs('server')),
  'server.empty-availability-group': emptyAvailabilityGroup,
  'server.grant-create-database': grantCreateDatabase,
  'server.readable-secondary': readableSecondary,
  'instance.link-from-instance': createLinkFromInstance,
  'server.join-distributed-availability-group': joinDistributedGroup,
};
