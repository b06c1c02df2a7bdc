/**
 * Seals the state of a long-running operation. It holds a signed URL of Azure, and travels in heartbeats, which anybody
 * who may read the namespace can read: so it is encrypted (AES-256-GCM), and bound to the instance it belongs to.
 *
 * Form: `v1.<key id>.<base64url of iv, tag and ciphertext>`.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import type { SealedOperation } from '../../ports/managed-instance';

const VERSION = 'v1';
const KEY_BYTES = 32;
/** 96 bits, the length that GCM is made for (NIST SP 800-38D 5.2.1.1). */
const IV_BYTES = 12;
const TAG_BYTES = 16;

export interface StateKey {
  /** Stands in the envelope; tells nothing about the key. */
  readonly id: string;
  readonly bytes: Buffer;
}

export interface OpenedOperation {
  /** Where to ask: `status` = Azure-AsyncOperation, `location` = Location header. */
  readonly mode: 'status' | 'location';
  /** Signed, to be used exactly as it came. */
  readonly url: string;
  /** Operation of the request, for messages. */
  readonly operation: string;
}

export type Unsealed =
  | { readonly opened: OpenedOperation }
  | { readonly opened: undefined; readonly reason: string };

/** Makes a key from a secret of any length, the same one in every worker that has the secret. */
export function stateKeyFrom(secret: string): StateKey {
  const bytes = Buffer.from(hkdfSync('sha256', secret, '', 'sqlferry operation state', KEY_BYTES));
  return toKey(bytes);
}

/** A key for this process alone: a worker that takes over has to look at the resources instead. */
export const randomStateKey = (): StateKey => toKey(randomBytes(KEY_BYTES));

function toKey(bytes: Buffer): StateKey {
  const id = createHash('sha256').update('key id').update(bytes).digest('hex').slice(0, 8);
  return { id, bytes };
}

/** @param owner what the state belongs to; it opens only under the same owner. */
export function seal(state: OpenedOperation, key: StateKey, owner: string): SealedOperation {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key.bytes, iv);
  cipher.setAAD(additionalData(key.id, owner));
  const text = Buffer.concat([cipher.update(JSON.stringify(state), 'utf8'), cipher.final()]);
  const body = Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64url');
  return `${VERSION}.${key.id}.${body}` as SealedOperation;
}

/**
 * Never throws: what cannot be opened is lost, and the caller looks at the resource.
 * @param keys the current one and older ones.
 */
export function unseal(sealed: SealedOperation, keys: readonly StateKey[], owner: string): Unsealed {
  const [version, keyId, body, ...rest] = String(sealed).split('.');
  if (version !== VERSION || keyId === undefined || body === undefined || rest.length > 0)
    return lost('it has an unknown form');
  const key = keys.find((one) => one.id === keyId);
  if (key === undefined) return lost('it was sealed with a key that this worker does not have');
  try {
    const opened = decode(JSON.parse(decrypt(Buffer.from(body, 'base64url'), key, owner)));
    return opened === undefined ? lost('its content is not understood') : { opened };
  } catch {
    return lost('it was changed, or belongs to another instance');
  }
}

const lost = (why: string): Unsealed => ({
  opened: undefined,
  reason: `the operation's state cannot be opened: ${why}`,
});

function decrypt(bytes: Buffer, key: StateKey, owner: string): string {
  const decipher = createDecipheriv('aes-256-gcm', key.bytes, bytes.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(additionalData(key.id, owner));
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  const text = bytes.subarray(IV_BYTES + TAG_BYTES);
  return Buffer.concat([decipher.update(text), decipher.final()]).toString('utf8');
}

const additionalData = (keyId: string, owner: string): Buffer =>
  Buffer.from(`${VERSION}.${keyId}.${owner.toLowerCase()}`);

function decode(value: unknown): OpenedOperation | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { mode, url, operation } = value as Partial<Record<keyof OpenedOperation, unknown>>;
  if (mode !== 'status' && mode !== 'location') return undefined;
  if (typeof url !== 'string' || typeof operation !== 'string') return undefined;
  return { mode, url, operation };
}
