/** Azure's pipeline over the simulated network: what its requests and their answers meet on the way. */
import {
  createHttpHeaders,
  type HttpClient,
  type PipelineRequest,
  type PipelineResponse,
  RestError,
} from '@azure/core-rest-pipeline';
import type { HttpResponse } from '../../estate/azure/http';
import type { ReceivedRequest } from '../../estate/azure/server';
import type { InProcessEstate } from '../../estate/in-process';
import type { Fault, FaultOffer, Faults } from './faults';
import type { Network } from './network';
import type { Party } from './virtual-time';

const REQUEST_FAULTS: readonly FaultOffer[] = [
  { kind: 'delay', weight: 4, ms: [50, 60_000] },
  { kind: 'lost-request', weight: 4, ms: [1, 5_000] },
  { kind: 'lost-answer', weight: 6, ms: [1, 5_000] },
  { kind: 'stall', weight: 2, ms: [1, 1] },
  { kind: 'throttled', weight: 3, ms: [1_000, 120_000] },
  { kind: 'unavailable', weight: 3, ms: [1, 1] },
  { kind: 'server-error', weight: 3, ms: [1, 1] },
];

const CHANGE_FAULTS: readonly FaultOffer[] = [{ kind: 'operation-fails', weight: 6, ms: [0, 1] }];

export interface HttpParts {
  readonly network: Network;
  readonly faults: Faults;
  readonly estate: InProcessEstate;
  readonly azure: Party;
}

/** The client of one machine. */
export function httpClientOf(client: Party, parts: HttpParts): HttpClient {
  return { sendRequest: (request) => new Exchange(client, request, parts).run() };
}

class Exchange {
  private settle: { resolve(response: PipelineResponse): void; reject(error: unknown): void } | undefined;

  constructor(
    private readonly client: Party,
    private readonly request: PipelineRequest,
    private readonly parts: HttpParts,
  ) {}

  run(): Promise<PipelineResponse> {
    const { request } = this;
    return new Promise((resolve, reject) => {
      const { abortSignal } = request;
      const abort = (): void => reject(abortError());
      const over = (): void => abortSignal?.removeEventListener('abort', abort);
      this.settle = {
        resolve: (response) => {
          over();
          resolve(response);
        },
        reject: (error) => {
          over();
          reject(error);
        },
      };
      if (abortSignal?.aborted) {
        abort();
        return;
      }
      abortSignal?.addEventListener('abort', abort);
      this.send(this.fault());
    });
  }

  private fault(): Fault | undefined {
    const { method, url } = this.request;
    const isChange = method !== 'GET' && !url.includes('/oauth2/');
    const offers = isChange ? [...REQUEST_FAULTS, ...CHANGE_FAULTS] : REQUEST_FAULTS;
    return this.parts.faults.at(`http ${this.client.name} ${method}`, offers);
  }

  private send(fault: Fault | undefined): void {
    const { network, azure } = this.parts;
    const there = (run: () => void, extraMs = 0): void => network.send(this.client, azure, run, extraMs);
    const answer = (): void => void this.answer(() => undefined);
    switch (fault?.kind) {
      case undefined:
        there(answer);
        break;
      case 'delay':
        there(answer, fault?.ms);
        break;
      case 'lost-request':
        network.send(azure, this.client, () => this.fail('ECONNRESET'), fault?.ms);
        break;
      case 'lost-answer':
        there(() => void this.loseAnswer(fault?.ms ?? 0));
        break;
      case 'stall':
        break;
      case 'operation-fails':
        there(() => void this.answerFailing(fault?.ms === 0));
        break;
      default:
        if (fault !== undefined) there(() => this.reply(refusalOf(fault)));
    }
  }

  private async answer(before: () => void): Promise<void> {
    before();
    const outcome = await this.parts.estate.request(received(this.request));
    if (outcome.kind === 'answer') this.reply(outcome.response);
    else if (outcome.how !== 'hang') this.sendBack(() => this.fail('ECONNRESET'));
  }

  private async loseAnswer(afterMs: number): Promise<void> {
    await this.parts.estate.request(received(this.request));
    this.sendBack(() => this.fail('ECONNRESET'), afterMs);
  }

  /** Azure accepts it, and its operation comes to nothing, or fails although it took effect. */
  private answerFailing(takesEffect: boolean): Promise<void> {
    return this.answer(() => {
      this.parts.estate.world.faults.add({
        surface: 'arm',
        method: changeMethod(this.request.method),
        count: 1,
        action: {
          kind: 'failed-operation',
          code: 'InternalServerError',
          message: 'An unexpected error occured while processing the request.',
          takesEffect,
        },
      });
    });
  }

  private reply(response: HttpResponse): void {
    this.sendBack(() => this.settle?.resolve(pipelineResponse(this.request, response)));
  }

  private sendBack(run: () => void, extraMs = 0): void {
    this.parts.network.send(this.parts.azure, this.client, run, extraMs);
  }

  private fail(code: string): void {
    this.settle?.reject(new RestError(`socket: ${code}`, { code, request: this.request }));
  }
}

function changeMethod(method: string): 'PUT' | 'PATCH' | 'POST' | 'DELETE' {
  if (method === 'PUT' || method === 'PATCH' || method === 'POST' || method === 'DELETE') return method;
  throw new Error(`${method} changes nothing`);
}

function refusalOf({ kind, ms }: Fault): HttpResponse {
  const error = (status: number, code: string, headers: Record<string, string> = {}): HttpResponse => ({
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: { error: { code, message: `${code}: the service is unable to process the request at this time.` } },
  });
  switch (kind) {
    case 'throttled':
      return error(429, 'TooManyRequests', { 'retry-after': String(Math.ceil(ms / 1_000)) });
    case 'unavailable':
      return error(503, 'ServiceUnavailable');
    default:
      return error(500, 'InternalServerError');
  }
}

function received(request: PipelineRequest): ReceivedRequest {
  const { pathname, search } = new URL(request.url);
  const body = request.body;
  return {
    method: request.method,
    target: `${pathname}${search}`,
    headers: request.headers.toJSON(),
    body: Buffer.from(typeof body === 'string' ? body : ''),
  };
}

const pipelineResponse = (request: PipelineRequest, response: HttpResponse): PipelineResponse => ({
  request,
  status: response.status,
  headers: createHttpHeaders({ ...response.headers }),
  bodyAsText: response.body === undefined ? '' : JSON.stringify(response.body),
});

function abortError(): Error {
  const error = new Error('The operation was aborted.');
  error.name = 'AbortError';
  return error;
}
