/** The Azure adapter: what the worker wires. */
export {
  createCredential,
  createTokenProvider,
  type TokenCredential,
  type TokenProvider,
} from './credential';
export {
  createManagedInstancePort,
  type ManagedInstanceAddress,
  type ManagedInstanceDependencies,
} from './managed-instance-port';
export { randomStateKey, type StateKey, stateKeyFrom } from './sealing';
