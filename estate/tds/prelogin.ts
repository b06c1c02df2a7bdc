/** PRELOGIN, MS-TDS 2.2.6.5: what client and server can do, and whether they encrypt. */
import { ByteReader, ByteWriter, ProtocolError } from './bytes';

const Option = {
  version: 0,
  encryption: 1,
  instance: 2,
  threadId: 3,
  mars: 4,
  traceId: 5,
  fedAuthRequired: 6,
} as const;
const TERMINATOR = 0xff;

export const Encryption = { off: 0, on: 1, notSupported: 2, required: 3 } as const;

/** What the server is set to: no certificate at all, a certificate to use when asked, or "Force Encryption". */
export type EncryptionPolicy = 'optional' | 'required' | 'off';

/** What part of the connection TLS covers, inside PRELOGIN packets. */
export type TlsScope = 'none' | 'login' | 'all';

export interface PreloginRequest {
  readonly encryption: number;
  readonly fedAuthRequired: boolean;
}

/** @throws ProtocolError */
export function parsePrelogin(data: Buffer): PreloginRequest {
  const reader = new ByteReader(data);
  let encryption: number = Encryption.notSupported;
  let fedAuthRequired = false;
  for (let token = reader.u8(); token !== TERMINATOR; token = reader.u8()) {
    const value = reader.at(reader.u16be(), reader.u16be());
    // The high bit asks for client certificates, which SQL Server only does for its own services.
    if (token === Option.encryption) encryption = requireByte(value) & 0x7f;
    if (token === Option.fedAuthRequired) fedAuthRequired = requireByte(value) === 1;
  }
  return { encryption, fedAuthRequired };
}

function requireByte(value: Buffer): number {
  const [byte] = value;
  if (byte === undefined) throw new ProtocolError('empty PRELOGIN option');
  return byte;
}

/** The matrix of MS-TDS 2.2.6.5, "ENCRYPTION": answer and consequence. */
export function negotiateEncryption(
  client: number,
  policy: EncryptionPolicy,
): { answer: number; scope: TlsScope } {
  if (policy === 'off') return { answer: Encryption.notSupported, scope: 'none' };
  switch (client) {
    case Encryption.on:
    case Encryption.required:
      return { answer: Encryption.on, scope: 'all' };
    case Encryption.off:
      return policy === 'required'
        ? { answer: Encryption.required, scope: 'all' }
        : { answer: Encryption.off, scope: 'login' };
    default:
      // A client that cannot encrypt and is told that it must goes away by itself.
      return policy === 'required'
        ? { answer: Encryption.required, scope: 'all' }
        : { answer: Encryption.notSupported, scope: 'none' };
  }
}

/** Inside TDS 8.0 the transport is encrypted already: the answer only has to please the client. */
export function strictEncryptionAnswer(client: number): number {
  return client === Encryption.on || client === Encryption.required ? Encryption.on : Encryption.notSupported;
}

export interface PreloginResponse {
  readonly version: { readonly major: number; readonly minor: number; readonly build: number };
  readonly encryption: number;
  /** undefined = option left out, because the client did not ask or the server has no Entra logins */
  readonly fedAuthRequired?: boolean;
}

export function writePrelogin(response: PreloginResponse): Buffer {
  const { major, minor, build } = response.version;
  const options: { token: number; data: Buffer }[] = [
    { token: Option.version, data: Buffer.from([major, minor, build >> 8, build & 0xff, 0, 0]) },
    { token: Option.encryption, data: Buffer.from([response.encryption]) },
    { token: Option.instance, data: Buffer.from([0]) },
    { token: Option.threadId, data: Buffer.alloc(0) },
    { token: Option.mars, data: Buffer.from([0]) }, // MARS is never granted
  ];
  if (response.fedAuthRequired !== undefined) {
    options.push({ token: Option.fedAuthRequired, data: Buffer.from([response.fedAuthRequired ? 1 : 0]) });
  }
  const writer = new ByteWriter();
  let offset = options.length * 5 + 1;
  for (const { token, data } of options) {
    writer.u8(token).u16be(offset).u16be(data.length);
    offset += data.length;
  }
  writer.u8(TERMINATOR);
  for (const { data } of options) writer.bytes(data);
  return Buffer.from(writer.view());
}
