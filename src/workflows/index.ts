/** Every workflow type that the worker serves. */
export { certificateCheck } from './link/certificate-check';
export { rotateLinkCertificate } from './link/certificate-rotation';
export { disasterRecoveryLink } from './link/disaster-recovery';
export { linkFailover } from './link/failover';
export { instanceFailoverTurns } from './link/failover-turns';
export { linkMigration } from './link/link-migration';
