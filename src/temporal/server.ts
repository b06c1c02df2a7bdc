/** A Temporal server for the demo, the scenarios and a first try: the one that is set, else one of our own. */
import { type TemporalTarget, temporalTarget } from './connection';
import { type DevServer, type DevServerOptions, startDevServer } from './dev-server';

export interface TemporalServer {
  readonly target: TemporalTarget;
  /** The server that was started here; undefined when TEMPORAL_ADDRESS names a running one. */
  readonly devServer: DevServer | undefined;
  /** Ends what was started here; a server that was running stays. */
  stop(): Promise<void>;
}

/** @throws TemporalBinaryMissing, DevServerFailure, TemporalConnectionFailure */
export async function openTemporalServer(
  options: DevServerOptions = {},
  env: NodeJS.ProcessEnv = process.env,
): Promise<TemporalServer> {
  const address = env.TEMPORAL_ADDRESS;
  if (address !== undefined && address !== '') {
    return { target: await temporalTarget({}, env), devServer: undefined, stop: async () => undefined };
  }
  const devServer = await startDevServer({ find: { env }, ...options });
  const { address: local, namespace } = devServer;
  // A server of this machine needs no TLS and no key: settings for another server must not leak into it.
  const target = { address: local, namespace, connectionOptions: { address: local } };
  return { target, devServer, stop: () => devServer.stop() };
}
