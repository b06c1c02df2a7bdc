/** Every workflow type that the worker serves. */
export { linkMigration } from './link/link-migration';
