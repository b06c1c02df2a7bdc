/** One of every statement and query, with names that try to break out. */
import type { Job, LoginSettings } from '../../src/model/sql-server/instance-objects';
import type { Query, Statement } from '../../src/model/statement';
import {
  changeDatabaseOwner,
  enableServiceBroker,
  mapUserToLogin,
  setCompatibilityLevel,
} from '../../src/tsql/after-failover';
import {
  addJobCategory,
  createJob,
  deleteJob,
  deleteJobCategory,
  enableJob,
  replaceJob,
} from '../../src/tsql/agent-jobs';
import { AZURE_AUTHORITIES } from '../../src/tsql/azure-authorities';
import { trustAzureAuthority } from '../../src/tsql/azure-trust';
import { backupLog } from '../../src/tsql/backup';
import {
  addCertificateIssuer,
  createCertificate,
  createCertificateFromBinary,
  dropCertificate,
  validateCertificateChain,
} from '../../src/tsql/certificates';
import {
  changeLogin,
  createCopiedLogin,
  createServerRole,
  dropLogin,
  dropServerRole,
  setPasswordHash,
} from '../../src/tsql/copied-logins';
import { dropDatabase, writeProbe } from '../../src/tsql/databases';
import {
  alterMirroringEndpoint,
  createMirroringEndpoint,
  dropEndpoint,
  restoreMirroringEndpoint,
  startEndpoint,
  stopEndpoint,
  switchEndpointCertificate,
} from '../../src/tsql/endpoints';
import {
  createAvailabilityGroup,
  createDistributedAvailabilityGroup,
  createEmptyAvailabilityGroup,
  dropAvailabilityGroup,
  failoverDistributedAvailabilityGroup,
  forceFailoverDistributedAvailabilityGroup,
  grantCreateAnyDatabase,
  joinDistributedAvailabilityGroup,
  leadingInstanceListenerUrl,
  setDistributedAvailabilityMode,
  setRoleSecondary,
  setSecondaryConnections,
} from '../../src/tsql/link/availability-groups';
import { disableLogin, enableLogin } from '../../src/tsql/logins';
import { createMasterKey, dropMasterKey } from '../../src/tsql/master-key';
import {
  readDatabaseProperties,
  readInstanceUsers,
  readLoginSids,
} from '../../src/tsql/queries/after-failover';
import {
  readJobCategories,
  readJobSchedules,
  readJobSteps,
  readJobs,
} from '../../src/tsql/queries/agent-jobs';
import {
  readAvailabilityGroups,
  readGroupListeners,
  readGroupRole,
} from '../../src/tsql/queries/availability-groups';
import { readBackups, readFullBackup } from '../../src/tsql/queries/backups';
import { readCertificatePublicKey, readCertificates } from '../../src/tsql/queries/certificates';
import { readDatabase, readDatabaseFeatures, readDatabaseFiles } from '../../src/tsql/queries/database';
import { readEndpoints } from '../../src/tsql/queries/endpoints';
import { readInstanceDatabase } from '../../src/tsql/queries/instance-database';
import {
  readDatabaseNames,
  readDatabaseUsers,
  readInstanceLogins,
  readPasswordHashes,
  readServerPermissions,
  readServerRoleMembers,
  readServerRoles,
} from '../../src/tsql/queries/instance-logins';
import { readFollowingCopy } from '../../src/tsql/queries/link/following-copy';
import { readLinkReplicas } from '../../src/tsql/queries/link/replicas';
import { readSecondaryRole } from '../../src/tsql/queries/link/secondary-role';
import { readSeeding } from '../../src/tsql/queries/link/seeding';
import { readLogins, readSessions } from '../../src/tsql/queries/logins';
import { readReportedObjects } from '../../src/tsql/queries/reported-objects';
import { readLinkMode, readServer, readTraceFlags } from '../../src/tsql/queries/server';
import { terminateSessions } from '../../src/tsql/sessions';
import { clearTraceFlag, setTraceFlag } from '../../src/tsql/trace-flags';

const settings = (name: string): LoginSettings => ({
  isDisabled: true,
  defaultDatabase: name,
  defaultLanguage: name,
  isPolicyChecked: true,
  isExpirationChecked: false,
  connect: 'denied',
  roles: [name],
  permissions: [{ name: 'VIEW SERVER STATE', state: 'GRANT_WITH_GRANT_OPTION' }],
});

const otherSettings = (name: string): LoginSettings => ({
  ...settings(name),
  isDisabled: false,
  isPolicyChecked: false,
  connect: 'granted',
  roles: [`${name}2`.slice(-100)],
  permissions: [{ name: 'ALTER ANY LOGIN', state: 'DENY' }],
});

const job = (name: string): Job => ({
  name,
  isEnabled: true,
  description: name,
  category: name,
  owner: name,
  isOwnedBySa: false,
  startStep: 1,
  notifyEventLog: 0,
  deleteLevel: 0,
  notifiesOperator: false,
  hasTarget: false,
  steps: [
    {
      id: 1,
      name,
      subsystem: 'TSQL',
      command: name,
      additionalParameters: name,
      flags: 0,
      successCode: 0,
      onSuccessAction: 1,
      onSuccessStep: 0,
      onFailAction: 2,
      onFailStep: 0,
      database: name,
      databaseUser: name,
      retryAttempts: 0,
      retryInterval: 0,
      priority: 0,
      outputFile: null,
      usesProxy: false,
    },
  ],
  schedules: [
    {
      id: 1,
      name,
      isEnabled: true,
      freqType: 4,
      freqInterval: 1,
      freqSubdayType: 1,
      freqSubdayInterval: 0,
      freqRelativeInterval: 0,
      freqRecurrenceFactor: 0,
      activeStartDate: 20260101,
      activeEndDate: 99991231,
      activeStartTime: 0,
      activeEndTime: 235959,
    },
  ],
});

/** @param name put wherever a statement takes a name, a text or a password */
export const everyStatement = (name: string): readonly Statement[] => [
  createMasterKey({ password: name }),
  dropMasterKey(),
  createCertificate({ name, subject: name, startDate: '2026-01-01', expiryDate: '2027-01-31' }),
  createCertificateFromBinary({ name, binaryHex: '3082', label: 'key' }),
  dropCertificate(name),
  addCertificateIssuer({ certificateName: name, dnsName: name }),
  validateCertificateChain({ certificateName: name }),
  ...AZURE_AUTHORITIES.map((authority) => trustAzureAuthority({ authority })),
  createMirroringEndpoint({ name, port: 5022, certificateName: name }),
  alterMirroringEndpoint({ name, port: 5022, certificateName: name, authentication: 'certificate' }),
  alterMirroringEndpoint({
    name,
    port: 5022,
    certificateName: name,
    authentication: 'negotiate-and-certificate',
  }),
  restoreMirroringEndpoint({
    name,
    stateDesc: 'STARTED',
    roleDesc: 'ALL',
    connectionAuthDesc: 'NEGOTIATE, CERTIFICATE',
    isEncryptionEnabled: true,
    encryptionAlgorithmDesc: 'NONE, RC4, AES',
    certificateName: name,
    port: 5022,
  }),
  switchEndpointCertificate(
    {
      name,
      stateDesc: 'STARTED',
      roleDesc: 'ALL',
      connectionAuthDesc: 'CERTIFICATE, KERBEROS',
      isEncryptionEnabled: true,
      encryptionAlgorithmDesc: 'AES',
      certificateName: 'old',
      port: 5022,
    },
    name,
  ),
  stopEndpoint(name),
  startEndpoint(name),
  dropEndpoint(name),
  ...(['NONE', 'omit'] as const).map((clusterType) =>
    createAvailabilityGroup({
      name,
      database: name,
      serverName: name,
      endpointUrl: "TCP://o'hara:5022",
      clusterType,
    }),
  ),
  createDistributedAvailabilityGroup({
    name,
    availabilityGroup: name,
    serverUrl: 'TCP://10.0.0.1:5022',
    instanceAvailabilityGroup: name,
    instanceUrl: 'tcp://mi.example:5022;Server=[mi]',
  }),
  createEmptyAvailabilityGroup({ name, serverName: name, endpointUrl: 'TCP://10.0.0.1:5022' }),
  grantCreateAnyDatabase(name),
  setSecondaryConnections({ name, serverName: name, connections: 'ALL' }),
  joinDistributedAvailabilityGroup({
    name,
    availabilityGroup: name,
    serverUrl: 'TCP://10.0.0.1:5022',
    instanceAvailabilityGroup: name,
    instanceUrl: leadingInstanceListenerUrl('mi.example', 'mi', name),
  }),
  dropDatabase(name),
  dropAvailabilityGroup(name),
  setDistributedAvailabilityMode({ name, groups: [name, name], mode: 'SYNCHRONOUS_COMMIT' }),
  failoverDistributedAvailabilityGroup(name),
  forceFailoverDistributedAvailabilityGroup(name),
  setRoleSecondary(name),
  backupLog({ database: name, path: `/backup/${name}`, displayPath: '', name, compression: true }),
  backupLog({
    database: name,
    path: `/backup/${name}`,
    displayPath: '',
    name,
    compression: true,
    heldForSeeding: { ownGroup: name },
  }),
  backupLog({ database: name, path: `https://x/${name}`, displayPath: '', name, compression: false }),
  disableLogin(name),
  enableLogin(name),
  terminateSessions({ logins: [name, 'b'] }),
  writeProbe({ database: name }),
  setTraceFlag(12381),
  clearTraceFlag(12381),
  mapUserToLogin({ database: name, user: name, login: name }),
  setCompatibilityLevel(name, 160),
  changeDatabaseOwner(name, name),
  enableServiceBroker(name),
  createCopiedLogin({ name, sid: 'a1', passwordHash: '0200', settings: settings(name) }),
  setPasswordHash(name, '0200'),
  dropLogin(name),
  ...changeLogin(name, settings(name), otherSettings(name)),
  createServerRole(name),
  dropServerRole(name),
  createJob(job(name)),
  replaceJob(job(name), job(name)),
  deleteJob(name),
  enableJob(name, true),
  enableJob(name, false),
  addJobCategory(name),
  deleteJobCategory(name),
];

export const everyQuery = (name: string): readonly Query<unknown>[] => [
  readServer(),
  readTraceFlags(),
  readDatabase(name),
  readDatabaseFiles(name),
  readDatabaseFeatures(name),
  readFullBackup(name),
  readBackups(name),
  readCertificates(),
  readCertificatePublicKey(name),
  readEndpoints(),
  readAvailabilityGroups(),
  readGroupListeners(),
  readGroupRole(name),
  readLinkMode(),
  readLogins([name, 'b']),
  readSessions({ logins: [name] }),
  readLinkReplicas(),
  readSeeding(),
  readInstanceDatabase(name, name),
  readDatabaseProperties(name),
  readInstanceUsers(name),
  readLoginSids(),
  readInstanceLogins(),
  readPasswordHashes([name, 'b']),
  readServerRoleMembers(),
  readServerRoles(),
  readServerPermissions(),
  readDatabaseUsers(name),
  readDatabaseNames(),
  readJobs([name]),
  readJobSteps([name]),
  readJobSchedules([name]),
  readJobCategories(),
  ...readReportedObjects(),
  readSecondaryRole(name),
  readFollowingCopy(name),
];
