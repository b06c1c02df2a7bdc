/** What handlers of the simulated Azure see of HTTP: a parsed request in, a plain value out. */
import type { IncomingMessage } from 'node:http';

export interface HttpRequest {
  readonly method: string;
  /** Path and query as sent, for absolute links and for the journal (its query may hold signatures). */
  readonly target: string;
  /** Decoded path segments, empty ones dropped. */
  readonly segments: readonly string[];
  readonly query: QueryString;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** Scheme and authority under which the client reached this server, for example `https://127.0.0.1:50000`. */
  readonly origin: string;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON value; undefined = no body. */
  readonly body?: unknown;
}

/** Query parameters with names compared case-insensitively, as ARM does (`api-version`, `API-Version`). */
export class QueryString {
  readonly #values = new Map<string, string>();

  constructor(search: string) {
    for (const [key, value] of new URLSearchParams(search)) {
      const name = key.toLowerCase();
      if (!this.#values.has(name)) this.#values.set(name, value);
    }
  }

  get(name: string): string | undefined {
    return this.#values.get(name.toLowerCase());
  }
}

/** A request that cannot be understood as HTTP; answered with this status before any handler sees it. */
export class BadRequest extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** ARM refuses bodies over 4 MB with 413 RequestContentTooLarge (Azure subscription limits page). */
export const BODY_LIMIT_BYTES = 4 * 1024 * 1024;

/** Reads the body; throws BadRequest 413 as soon as it grows over `limit` bytes. */
export async function readBody(incoming: IncomingMessage, limit = BODY_LIMIT_BYTES): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    size += bytes.length;
    if (size > limit) throw new BadRequest(413, 'RequestContentTooLarge', tooLarge(limit));
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

const tooLarge = (limit: number): string =>
  `The request content size exceeds the maximum size of ${Math.floor(limit / 1024 / 1024)} MB.`;

/** Splits a request target. Throws BadRequest 400 when the path is not valid percent-encoding. */
export function parseTarget(target: string): { segments: string[]; query: QueryString } {
  const path = target.startsWith('/') ? target : pathOfAbsolute(target);
  const mark = path.indexOf('?');
  const pathname = mark < 0 ? path : path.slice(0, mark);
  try {
    const segments = pathname
      .split('/')
      .filter((segment) => segment !== '')
      .map(decodeURIComponent);
    return { segments, query: new QueryString(mark < 0 ? '' : path.slice(mark + 1)) };
  } catch {
    throw new BadRequest(400, 'BadRequest', 'The request URI is not valid.');
  }
}

/** Absolute-form targets (`GET https://host/path`) are legal in HTTP/1.1 (RFC 9112 §3.2.2). */
function pathOfAbsolute(target: string): string {
  try {
    const url = new URL(target);
    return `${url.pathname}${url.search}`;
  } catch {
    throw new BadRequest(400, 'BadRequest', 'The request URI is not valid.');
  }
}
