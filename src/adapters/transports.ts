import type { Duplex } from 'node:stream';
import type { HttpClient } from '@azure/core-rest-pipeline';

/** How the adapters reach the outside where it is not the network of this machine: a simulation in one process. */
export interface Transports {
  /** @returns a stream that stands for the TCP connection, and has the methods of a socket that the driver calls. */
  connectSql(host: string, port: number, signal: AbortSignal): Promise<Duplex>;
  /** Sends the requests to Azure Resource Manager and to Entra ID. */
  readonly httpClient: HttpClient;
}
