/**
 * The simulated Azure on one HTTPS port: Entra ID's token endpoints and the resource manager. Clients are the real
 * Azure SDKs with their endpoint, authority host and trusted authority changed, nothing else.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { EstateParts } from '../world/world';
import { cloudMetadata } from './cloud-metadata';
import { type Drop, type FaultSource, type Outcome, throughFaults } from './faults';
import { BadRequest, type HttpRequest, type HttpResponse, parseTarget, readBody } from './http';
import { IdentityProvider, newIdentityHeader } from './identity';
import { Directory, type Principal, ROLES } from './principals';
import { ResourceManager } from './resource-manager';
import { Throttle, type ThrottleLimits } from './throttle';
import { makeTlsMaterial, type TlsMaterial } from './tls';
import { TokenIssuer, type TokenRequest, type TokenVerdict } from './tokens';

export interface AzureServerOptions {
  readonly world: EstateParts;
  /** Scripted faults; the world's own registry unless given. */
  readonly faults?: FaultSource;
  /** Made at start unless given. */
  readonly tls?: TlsMaterial;
  /** Who may call. Default: one application and one managed identity, both Contributor everywhere. */
  readonly principals?: readonly Principal[];
  readonly limits?: ThrottleLimits;
  /** Signs tokens; made at start unless given. */
  readonly tokens?: TokenIssuer;
}

/** A request as it came over the wire. */
export type ReceivedRequest = Pick<HttpRequest, 'method' | 'target' | 'headers' | 'body'>;

export interface AzureEndpoint {
  readonly port: number;
  /** `https://127.0.0.1:PORT`: resource manager endpoint and authority host. */
  readonly endpoint: string;
  /** Certificate authority to trust, PEM. */
  readonly caPem: string;
}

export const DEFAULT_TENANT = '11111111-1111-1111-1111-111111111111';

export const DEFAULT_PRINCIPALS: readonly [Principal, Principal] = [
  {
    name: 'ferry-app',
    tenantId: DEFAULT_TENANT,
    clientId: '22222222-2222-2222-2222-222222222222',
    objectId: '33333333-3333-3333-3333-333333333333',
    clientSecret: 'ferry-secret',
    roles: [ROLES.contributor],
  },
  {
    name: 'ferry-identity',
    tenantId: DEFAULT_TENANT,
    clientId: '44444444-4444-4444-4444-444444444444',
    objectId: '55555555-5555-5555-5555-555555555555',
    roles: [ROLES.contributor],
  },
];

export class AzureServer {
  readonly directory: Directory;
  /** Value for IDENTITY_HEADER; IDENTITY_ENDPOINT is `{endpoint}/msi/token`. */
  readonly identityHeader = newIdentityHeader();
  readonly #tokens: TokenIssuer;
  readonly #tls: TlsMaterial;
  readonly #identity: IdentityProvider;
  readonly #manager: ResourceManager;
  readonly #faults: FaultSource;
  readonly #world: EstateParts;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  constructor(options: AzureServerOptions) {
    this.directory = new Directory(options.principals ?? DEFAULT_PRINCIPALS);
    this.#tls = options.tls ?? makeTlsMaterial();
    this.#world = options.world;
    this.#faults = options.faults ?? options.world.faults;
    this.#tokens = options.tokens ?? new TokenIssuer();
    this.#identity = new IdentityProvider({
      directory: this.directory,
      tokens: this.#tokens,
      identityHeader: this.identityHeader,
    });
    this.#manager = new ResourceManager({
      world: options.world,
      directory: this.directory,
      tokens: this.#tokens,
      throttle: new Throttle(options.limits),
    });
  }

  /** @param port 0 = any free one. */
  async listen(port = 0, host = '127.0.0.1'): Promise<AzureEndpoint> {
    const server = createServer({ key: this.#tls.keyPem, cert: this.#tls.certPem }, (incoming, outgoing) => {
      void this.#serve(incoming, outgoing);
    });
    this.#server = server;
    // Azure keeps idle connections for 4 minutes; node's 5 s would reset SDKs that poll at longer intervals.
    server.keepAliveTimeout = 240_000;
    server.on('connection', (socket) => this.#track(socket));
    // Broken TLS handshakes and broken HTTP are the client's affair; the server goes on.
    server.on('tlsClientError', () => undefined);
    server.on('clientError', (_error, socket) => answerBrokenHttp(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
    const address = server.address() as AddressInfo;
    return {
      port: address.port,
      endpoint: `https://127.0.0.1:${address.port}`,
      caPem: this.#tls.caPem,
    };
  }

  /** Stops listening and ends open connections. */
  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  get caPem(): string {
    return this.#tls.caPem;
  }

  /** Issues a token without going through the token endpoint. */
  issueToken(request: Pick<TokenRequest, 'audience'> & Partial<TokenRequest>): string {
    const [application] = DEFAULT_PRINCIPALS;
    return this.#tokens.issue({
      name: application.name,
      tenantId: application.tenantId,
      appId: application.clientId,
      objectId: application.objectId,
      ...request,
    });
  }

  /** For Entra logins on the SQL side: audience `https://database.windows.net/`. */
  verifyToken(token: string, audience: string): TokenVerdict {
    return this.#tokens.verify(token, audience);
  }

  #track(socket: Duplex): void {
    if (!(socket instanceof Socket)) return;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const outcome = await this.#receive(incoming);
    if (outcome.kind === 'drop') return this.#drop(incoming, outcome.how);
    send(incoming, outgoing, outcome.response);
  }

  async #receive(incoming: IncomingMessage): Promise<Outcome> {
    const { headers, method = 'GET', url: target = '/' } = incoming;
    try {
      // Its path is judged first: of a request that is none, no body is read.
      parseTarget(target);
      const body = await readBody(incoming);
      return await this.answer({ method, target, headers, body }, originOf(incoming));
    } catch (error) {
      return { kind: 'answer', response: withCommonHeaders(failure(error), headers) };
    }
  }

  /**
   * Answers one request, however it came.
   * @param origin scheme and authority under which the client reaches this server
   * @returns the answer with all its headers, or what becomes of the connection instead
   */
  async answer(received: ReceivedRequest, origin: string): Promise<Outcome> {
    try {
      const outcome = await this.#respond({ ...received, ...parseTarget(received.target), origin });
      if (outcome.kind === 'drop') return outcome;
      return { kind: 'answer', response: withCommonHeaders(outcome.response, received.headers) };
    } catch (error) {
      return { kind: 'answer', response: withCommonHeaders(failure(error), received.headers) };
    }
  }

  #respond({ method, ...rest }: HttpRequest): Promise<Outcome> {
    const request = { ...rest, method: method.toUpperCase() };
    return throughFaults(
      this.#faults,
      request,
      async (each, failed) =>
        this.#identity.handle(each) ?? cloudMetadata(each) ?? this.#manager.handle(each, failed),
      (reason) => this.#recordRefused(request, reason),
    );
  }

  #drop(incoming: IncomingMessage, how: Drop): void {
    switch (how) {
      case 'fin':
        incoming.socket.end();
        return;
      case 'rst': {
        // Only the TCP socket under the TLS one can send a reset.
        const { remotePort } = incoming.socket;
        const tcp = [...this.#sockets].find((socket) => socket.remotePort === remotePort);
        (tcp ?? incoming.socket).resetAndDestroy();
        return;
      }
      case 'hang':
        return;
      default:
        how satisfies never;
    }
  }

  /** Requests that a fault swallowed stand in the journal too, as refused. */
  async #recordRefused(request: HttpRequest, reason: string): Promise<void> {
    if (!['PUT', 'PATCH', 'POST', 'DELETE'].includes(request.method)) return;
    const text = `${request.method} ${request.target.split('?', 1)[0] ?? ''}`;
    const instance = request.segments[request.segments.findIndex(isInstances) + 1] ?? '';
    const refusal = new Error(`scripted fault: ${reason}`);
    await this.#world.journal
      .run({ surface: 'arm', instance, actor: 'fault', text }, () => Promise.reject(refusal))
      .catch((error: unknown) => {
        if (error !== refusal) throw error;
      });
  }
}

const isInstances = (segment: string): boolean => segment.toLowerCase() === 'managedinstances';

/** Only hosts that look like one are repeated in links; anything else gets the listening address. */
function originOf(incoming: IncomingMessage): string {
  const host = incoming.headers.host ?? '';
  if (/^([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d{1,5})?$/i.test(host)) return `https://${host.toLowerCase()}`;
  return `https://127.0.0.1:${incoming.socket.localPort ?? 443}`;
}

function failure(error: unknown): HttpResponse {
  if (error instanceof BadRequest)
    return {
      status: error.status,
      headers: { connection: 'close' },
      body: { error: { code: error.code, message: error.message } },
    };
  // The client went away while it sent its body, or the estate itself has a defect: the message helps to find it.
  const message = error instanceof Error ? error.message : String(error);
  return { status: 500, headers: {}, body: { error: { code: 'InternalServerError', message } } };
}

/** [R] headers that every answer carries. */
const COMMON_HEADERS = {
  'cache-control': 'no-cache',
  pragma: 'no-cache',
  expires: '-1',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-cache': 'CONFIG_NOCACHE',
} as const;

function withCommonHeaders(response: HttpResponse, headers: IncomingMessage['headers']): HttpResponse {
  return { ...response, headers: { ...COMMON_HEADERS, ...requestIds(headers), ...response.headers } };
}

function send(incoming: IncomingMessage, outgoing: ServerResponse, response: HttpResponse): void {
  if (outgoing.headersSent || outgoing.destroyed) return;
  const text = response.body === undefined ? '' : JSON.stringify(response.body);
  const hasBody = response.body !== undefined && response.status !== 204;
  outgoing.writeHead(response.status, {
    ...(hasBody ? { 'content-type': 'application/json; charset=utf-8' } : {}),
    ...(response.status === 204 ? {} : { 'content-length': Buffer.byteLength(text) }),
    ...response.headers,
  });
  outgoing.end(incoming.method === 'HEAD' || !hasBody ? undefined : text);
}

function requestIds(headers: IncomingMessage['headers']): Record<string, string> {
  const id = randomUUID();
  const client = headers['x-ms-client-request-id'];
  const wantsClientId = headers['x-ms-return-client-request-id']?.toString().toLowerCase() === 'true';
  const stamp = new Date().toISOString().replace(/[-:]/g, '').slice(0, 15);
  return {
    'x-ms-request-id': id,
    'x-ms-correlation-request-id': correlationId(headers),
    'x-ms-routing-request-id': `ESTATE:${stamp}Z:${id}`,
    'x-msedge-ref': `Ref A: ${randomBytes(16).toString('hex').toUpperCase()} Ref B: ESTATE Ref C: ${new Date().toISOString().slice(0, 19)}Z`,
    ...(wantsClientId && typeof client === 'string' ? { 'x-ms-client-request-id': client } : {}),
  };
}

/** ARM keeps the caller's correlation id when it is a GUID. */
function correlationId(headers: IncomingMessage['headers']): string {
  const given = headers['x-ms-correlation-request-id'];
  return typeof given === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(given)
    ? given
    : randomUUID();
}

function answerBrokenHttp(socket: { writable: boolean; end(text: string): void; destroy(): void }): void {
  if (socket.writable)
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  else socket.destroy();
}
