/**
 * Operation URLs with the signed query that Microsoft.Sql puts on them: `&t=<ticks>&c=<certificate>&s=<signature>
 * &h=<hash>`, about 3.5 kB in all. Clients must send them back byte for byte.
 *
 * What the service does with a changed query is not documented. Here a present but altered signature is refused
 * with 403, so that a client which re-encodes or cuts these URLs is noticed, while a URL without any of the four is
 * accepted: the operation resources can also be read by id with a token alone (inferred).
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { UNIX_EPOCH_TICKS } from '../sql/types';
import { gateway } from './errors';
import type { QueryString } from './http';

const SIGNED_PARAMETERS = ['t', 'c', 's', 'h'] as const;

export class UrlSigner {
  readonly #secret = randomBytes(32);
  /** As long as the certificate that the service puts there (about 2.5 kB of base64url). */
  readonly #certificate = randomBytes(1880).toString('base64url');

  /** @returns the query of an operation URL, from `api-version` on. */
  query(path: string, apiVersion: string): string {
    const t = String(UNIX_EPOCH_TICKS + BigInt(Date.now()) * 10_000n);
    const s = this.#signature(path, apiVersion, t);
    return `api-version=${apiVersion}&t=${t}&c=${this.#certificate}&s=${s}&h=${digest(s)}`;
  }

  /** Throws 403 when the query carries a signature that is not the one given out for this path. */
  check(path: string, query: QueryString): void {
    if (SIGNED_PARAMETERS.every((name) => query.get(name) === undefined)) return;
    const [t = '', c = '', s = '', h = ''] = SIGNED_PARAMETERS.map((name) => query.get(name));
    const expected = this.#signature(path, query.get('api-version') ?? '', t);
    if (c === this.#certificate && equal(s, expected) && h === digest(s)) return;
    throw gateway(
      403,
      'InvalidOperationUrlSignature',
      'The signature of the operation URL is not valid. Send the URL exactly as it was given.',
    );
  }

  #signature(path: string, apiVersion: string, ticks: string): string {
    return createHash('shake256', { outputLength: 256 })
      .update(this.#secret)
      .update(`${path.toLowerCase()}\n${apiVersion}\n${ticks}\n${this.#certificate}`)
      .digest('base64url');
  }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');

function equal(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
