import type { Lsn } from '../../../src/model/sql-server/lsn';
import type { DistributedReplicaFacts, SeedingFacts } from '../../../src/model/sql-server/observation';
import { NOW_TEXT } from './facts';

const GB = 1024 ** 3;

export const seeding = (changes: Partial<SeedingFacts> = {}): SeedingFacts => ({
  operationId: 'op-1',
  currentState: 'COMPLETED',
  failureState: null,
  failureStateDesc: null,
  errorCode: null,
  numberOfAttempts: 1,
  transferredBytes: 40 * GB,
  databaseBytes: 40 * GB,
  transferRateBytesPerSecond: null,
  isStreaming: false,
  ...changes,
});

export const replica = (changes: Partial<DistributedReplicaFacts> = {}): DistributedReplicaFacts => ({
  observedAt: NOW_TEXT,
  serverTime: NOW_TEXT,
  groupName: 'DAG_Orders',
  database: 'Orders',
  localRoleDesc: 'PRIMARY',
  connectedStateDesc: 'CONNECTED',
  lastConnectErrorNumber: null,
  lastConnectErrorDescription: null,
  synchronizationStateDesc: 'SYNCHRONIZING',
  synchronizationHealthDesc: 'HEALTHY',
  availabilityModeDesc: 'ASYNCHRONOUS_COMMIT',
  endOfLogLsn: '43000000062400001' as Lsn,
  remoteHardenedLsn: '43000000062400001' as Lsn,
  logSendQueueKb: 0,
  logSendRateKbPerSecond: 1000,
  redoQueueKb: 0,
  redoRateKbPerSecond: 1000,
  secondaryLagSeconds: 0,
  isSuspended: false,
  suspendReasonDesc: null,
  logReuseWaitDesc: 'NOTHING',
  logSizeBytes: 10 * GB,
  logUsedBytes: GB,
  seeding: seeding(),
  ...changes,
});
