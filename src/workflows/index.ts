/** Every workflow type that the worker serves. */
export { certificateCheck } from './link/certificate-check';
export { certificateRotation } from './link/certificate-rotation';
export { disasterRecoveryLink } from './link/disaster-recovery';
export { failover } from './link/failover';
export { failoverSlots } from './link/failover-turns';
export { linkMigration } from './link/link-migration';
