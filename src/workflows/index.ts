/** Every workflow type that the worker serves. */
export { disasterRecoveryLink } from './link/disaster-recovery';
export { linkFailover } from './link/failover';
export { linkMigration } from './link/link-migration';
