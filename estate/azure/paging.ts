/** Lists in pages: `{"value":[...],"nextLink":"..."}` with an opaque `$skiptoken`, as ARM's collections. */
import { badRequest } from './errors';
import type { HttpRequest, HttpResponse } from './http';

const PAGE_SIZE = 100;

/** @returns one page of `items` in their order, with an absolute nextLink when more follow. */
export function page<T>(
  request: HttpRequest,
  items: readonly T[],
  render: (item: T) => unknown,
): HttpResponse {
  const start = offset(request.query.get('$skiptoken'));
  const value = items.slice(start, start + PAGE_SIZE).map(render);
  const next = start + PAGE_SIZE;
  const more = next < items.length ? { nextLink: link(request, next) } : {};
  return { status: 200, headers: {}, body: { value, ...more } };
}

function offset(token: string | undefined): number {
  if (token === undefined) return 0;
  const text = Buffer.from(token, 'base64url').toString('utf8');
  if (!/^from:\d{1,9}$/.test(text))
    throw badRequest('InvalidSkipToken', 'The $skiptoken query parameter is not valid.');
  return Number(text.slice('from:'.length));
}

function link(request: HttpRequest, next: number): string {
  const url = new URL(request.target, request.origin);
  url.searchParams.set('$skiptoken', Buffer.from(`from:${next}`).toString('base64url'));
  return url.href;
}
