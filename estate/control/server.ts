/**
 * Control API of the estate: plain HTTP with JSON on the loopback interface, for tests and the command line. It is
 * no part of what is simulated: through it a person looks into the world, moves its clock and scripts its faults.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { z } from 'zod';
import { FaultRuleError } from '../faults/registry';
import type { FaultRuleInput } from '../faults/rules';
import type { EstateParts } from '../world/world';
import {
  CommandRefused,
  clockBody,
  commandConnection,
  commandInstance,
  connectionBody,
  INSTANCE_COMMANDS,
  instanceBody,
  setClock,
} from './commands';
import { summarize } from './summary';

export interface ControlServerOptions {
  readonly world: EstateParts;
  /** Shown by `GET /endpoints`: how to connect to the estate's servers. */
  readonly endpoints?: () => unknown;
}

export interface ControlEndpoint {
  readonly port: number;
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
}

interface ControlRequest {
  readonly method: string;
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly body: unknown;
}

interface ControlResponse {
  readonly status: number;
  readonly body: unknown;
}

class ControlError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const BODY_LIMIT_BYTES = 1024 * 1024;
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

export class ControlServer {
  #server: Server | undefined;

  constructor(private readonly options: ControlServerOptions) {}

  /** Listens on the loopback interface. @param port 0 = any free one. */
  async listen(port = 0): Promise<ControlEndpoint> {
    const server = createServer((incoming, outgoing) => {
      void this.#serve(incoming, outgoing);
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
    const { port: bound } = server.address() as AddressInfo;
    return { port: bound, endpoint: `http://127.0.0.1:${bound}` };
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const response = await this.#answer(incoming);
    const text = `${JSON.stringify(response.body)}\n`;
    outgoing.writeHead(response.status, { 'content-type': 'application/json; charset=utf-8' });
    outgoing.end(text);
  }

  async #answer(incoming: IncomingMessage): Promise<ControlResponse> {
    try {
      return { status: 200, body: await this.#route(await read(incoming)) };
    } catch (error) {
      return {
        status: statusOf(error),
        body: { error: error instanceof Error ? error.message : String(error) },
      };
    }
  }

  async #route(request: ControlRequest): Promise<unknown> {
    const [first = '', second, third] = request.segments;
    const { world } = this.options;
    switch (`${request.method} ${first}`) {
      case 'GET health':
        return { status: 'ok', now: new Date(world.clock.now()).toISOString() };
      case 'GET endpoints':
        return this.options.endpoints?.() ?? {};
      case 'GET world':
        return summarize(world);
      case 'GET effects':
        return { effects: world.journal.all().filter((each) => each.sequence > since(request)) };
      case 'GET platform-timeline':
        return { operations: world.timeline.all(), busy: world.timeline.busy() };
      case 'GET faults':
        return { faults: world.faults.list() };
      case 'POST faults':
        return { ids: addFaults(world, request.body) };
      case 'DELETE faults':
        return removeFault(world, second);
      case 'POST clock':
        return setClock(world, parse(clockBody, request.body));
      case 'POST instances':
        return this.#instance(request, second, third);
      case 'POST connections':
        return this.#connection(request, second);
      default:
        throw new ControlError(404, `no such resource: ${request.method} /${request.segments.join('/')}`);
    }
  }

  #instance(request: ControlRequest, instance = '', action = ''): unknown {
    const { world } = this.options;
    const command = INSTANCE_COMMANDS.find((each) => each === action);
    if (command === undefined)
      throw new ControlError(404, `no such command '${action}': use ${INSTANCE_COMMANDS.join(', ')}`);
    const known = world.instances.find(instance);
    if (known === undefined) throw new ControlError(404, `no instance named '${instance}'`);
    const body = parse(instanceBody, request.body ?? {});
    this.#journal(known.name, `${command} ${known.name}`, () =>
      commandInstance(world, known.name, command, body),
    );
    return { instance: known.name, state: world.instances.get(known.name).state };
  }

  #connection(request: ControlRequest, action = ''): unknown {
    if (action !== 'cut' && action !== 'heal')
      throw new ControlError(404, `no such command '${action}': use cut, heal`);
    const { world } = this.options;
    const body = parse(connectionBody, request.body);
    const unknown = body.between.find((each) => world.instances.find(each) === undefined);
    if (unknown !== undefined) throw new ControlError(404, `no instance named '${unknown}'`);
    const [a, b] = body.between;
    this.#journal(a, `${action} ${a} - ${b}`, () => commandConnection(world, action, body));
    return { path: world.network.path(a, b) };
  }

  #journal(instance: string, text: string, action: () => void): void {
    const { journal } = this.options.world;
    journal.runSync({ surface: 'control', instance, actor: 'control', text }, () => {
      action();
      journal.mark(text);
    });
  }
}

function since(request: ControlRequest): number {
  const value = request.query.get('since');
  if (value === null) return Number.NEGATIVE_INFINITY;
  if (!/^\d{1,15}$/.test(value))
    throw new ControlError(400, 'since: expected the sequence number of an effect');
  return Number(value);
}

/** One rule or a list of rules; the world validates each, and none is added unless all are valid. */
function addFaults(world: EstateParts, body: unknown): readonly string[] {
  const rules: readonly unknown[] = Array.isArray(body) ? body : [body];
  const ids: string[] = [];
  try {
    for (const rule of rules) ids.push(world.faults.add(rule as FaultRuleInput));
    return ids;
  } catch (error) {
    for (const id of ids) world.faults.remove(id);
    throw error;
  }
}

function removeFault(world: EstateParts, id: string | undefined): unknown {
  if (id === undefined) {
    world.faults.clear();
    return { removed: 'all' };
  }
  if (!world.faults.remove(id)) throw new ControlError(404, `no fault with id '${id}'`);
  return { removed: id };
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  throw new ControlError(400, issues.join('; '));
}

async function read(incoming: IncomingMessage): Promise<ControlRequest> {
  refuseForeign(incoming);
  const url = new URL(incoming.url ?? '/', 'http://control');
  const segments = url.pathname
    .split('/')
    .filter((each) => each !== '')
    .map(decodeSegment);
  return {
    method: incoming.method ?? 'GET',
    segments,
    query: url.searchParams,
    body: json(await readText(incoming)),
  };
}

/** Pages in a browser could reach a loopback port (also by DNS rebinding): only loopback names are answered. */
function refuseForeign(incoming: IncomingMessage): void {
  const host = (incoming.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  if (!LOOPBACK.includes(host) || incoming.headers.origin !== undefined)
    throw new ControlError(403, 'the control API answers on loopback names only, and not to web pages');
}

async function readText(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    size += bytes.length;
    if (size > BODY_LIMIT_BYTES) throw new ControlError(413, 'body too large');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function json(text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ControlError(400, `body is not JSON: ${error instanceof Error ? error.message : 'unreadable'}`);
  }
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new ControlError(400, 'the path is not valid percent-encoding');
  }
}

function statusOf(error: unknown): number {
  if (error instanceof ControlError) return error.status;
  if (error instanceof FaultRuleError) return 400;
  if (error instanceof CommandRefused) return 409;
  return 500;
}
