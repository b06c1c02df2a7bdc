/** A scripted HTTPS server in the place of Azure: Entra ID's token endpoint, and whatever a test answers elsewhere. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeTlsMaterial } from '../../../estate/azure/tls';
import type { AzureAccess } from '../../../src/model/inventory';
import { azureSchema } from '../../../src/model/inventory';

export interface FakeRequest {
  readonly method: string;
  /** Path and query exactly as sent. */
  readonly url: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

export interface FakeAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Closes the connection instead of answering. */
  readonly drop?: boolean;
  /** Never answers. */
  readonly hang?: boolean;
}

export type Handler = (request: FakeRequest) => FakeAnswer;

export const TENANT = '11111111-1111-1111-1111-111111111111';
const CLIENT = '22222222-2222-2222-2222-222222222222';
export const SECRET = 'only-for-this-test';
export const TOKEN = 'token-of-the-fake';

export class FakeAzure {
  /** Requests beside those for tokens. */
  readonly requests: FakeRequest[] = [];
  readonly tokenRequests: FakeRequest[] = [];
  handler: Handler = () => ({
    status: 404,
    body: { error: { code: 'ResourceNotFound', message: 'no handler' } },
  });
  /** Set to refuse token requests. */
  tokenError: FakeAnswer | undefined;

  private constructor(
    private readonly server: Server,
    private readonly folder: string,
    readonly origin: string,
    readonly caFile: string,
    readonly caPem: string,
  ) {}

  static async start(): Promise<FakeAzure> {
    const tls = makeTlsMaterial();
    const folder = await mkdtemp(join(tmpdir(), 'sqlferry-azure-'));
    const caFile = join(folder, 'ca.pem');
    await writeFile(caFile, tls.caPem);
    const server = createServer({ key: tls.keyPem, cert: tls.certPem });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const fake = new FakeAzure(server, folder, origin, caFile, tls.caPem);
    fake.#serve();
    return fake;
  }

  /** How the product is told of this server. */
  access(change: Partial<Record<'caFile', undefined>> = {}): AzureAccess {
    return azureSchema.parse({
      endpoint: this.origin,
      authorityHost: this.origin,
      caFile: this.caFile,
      credential: {
        type: 'client-secret',
        tenantId: TENANT,
        clientId: CLIENT,
        clientSecret: 'env:CLIENT_SECRET',
      },
      ...change,
    });
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
    await rm(this.folder, { recursive: true, force: true });
  }

  #serve(): void {
    this.server.on('request', (incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const url = incoming.url ?? '';
        const request: FakeRequest = {
          method: incoming.method ?? '',
          url,
          path: decodeURIComponent(url.split('?')[0] ?? ''),
          headers: incoming.headers,
          body: parse(Buffer.concat(chunks).toString('utf8')),
        };
        const answer = this.#answer(request);
        if (answer.hang === true) return;
        if (answer.drop === true) {
          incoming.socket.destroy();
          return;
        }
        outgoing.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
        outgoing.end(answer.body === undefined ? undefined : JSON.stringify(answer.body));
      });
    });
  }

  #answer(request: FakeRequest): FakeAnswer {
    if (request.path.includes('/.well-known/')) return { body: this.#openIdConfiguration() };
    if (request.path.endsWith('/oauth2/v2.0/token')) {
      this.tokenRequests.push(request);
      return this.tokenError ?? { body: { token_type: 'Bearer', expires_in: 3600, access_token: TOKEN } };
    }
    this.requests.push(request);
    return this.handler(request);
  }

  #openIdConfiguration() {
    const base = `${this.origin}/${TENANT}`;
    return {
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      token_endpoint: `${base}/oauth2/v2.0/token`,
      end_session_endpoint: `${base}/oauth2/v2.0/logout`,
      jwks_uri: `${base}/discovery/v2.0/keys`,
      issuer: `${base}/v2.0`,
    };
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
