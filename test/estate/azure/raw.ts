/** Plain HTTPS requests, for what SDKs hide: header shapes, malformed input. */

import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';

export interface RawResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

export interface RawOptions {
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

/** @param target path and query, or an absolute URL of the same server */
export function rawRequest(
  server: { readonly port: number; readonly caPem: string },
  method: string,
  target: string,
  options: RawOptions = {},
): Promise<RawResponse> {
  const path = target.startsWith('https:') ? target.slice(new URL(target).origin.length) : target;
  // Node sends the body of a DELETE without any framing unless its length is given.
  const length =
    options.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(options.body)) };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: server.port,
        ca: server.caPem,
        method,
        path,
        headers: { ...options.headers, ...length },
        agent: false,
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const body: unknown = text === '' ? undefined : JSON.parse(text);
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(options.body);
  });
}
