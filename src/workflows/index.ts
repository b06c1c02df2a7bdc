/** Every workflow type that the worker serves. */

export { disasterRecoveryLink } from './link/disaster-recovery';
export { linkMigration } from './link/link-migration';
export { failover } from './run/failover';
export { failoverSlots } from './run/failover-slots';
export { certificateCheck } from './sql-server/certificate-check';
export { certificateRotation } from './sql-server/certificate-rotation';
