/**
 * X.509 certificates as real DER, made from the world's seed: the same seed gives the same bytes (RSA keys from seeded
 * primes, PKCS #1 v1.5 signatures, which have no randomness).
 */
import {
  checkPrimeSync,
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  X509Certificate,
} from 'node:crypto';
import type { Random } from './api';

export interface DistinguishedName {
  readonly C?: string;
  readonly O?: string;
  readonly CN: string;
}

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export interface CertificateContent {
  readonly subject: DistinguishedName;
  readonly issuer: DistinguishedName;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly key: KeyPair;
  readonly issuerKey: KeyPair;
  readonly isAuthority: boolean;
  readonly dnsNames?: readonly string[];
}

/** RSA 2048 from seeded primes. */
export function makeKeyPair(random: Random): KeyPair {
  const exponent = 65537n;
  const p = makePrime(random, exponent);
  let q = makePrime(random, exponent);
  while (q === p) q = makePrime(random, exponent);
  const d = inverse(exponent, (p - 1n) * (q - 1n));
  const jwk = {
    kty: 'RSA',
    n: base64url(p * q),
    e: base64url(exponent),
    d: base64url(d),
    p: base64url(p),
    q: base64url(q),
    dp: base64url(d % (p - 1n)),
    dq: base64url(d % (q - 1n)),
    qi: base64url(inverse(q, p)),
  };
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

/** Signs and encodes one certificate. */
export function makeCertificate(random: Random, content: CertificateContent): Uint8Array {
  const algorithm = sequence(oid('1.2.840.113549.1.1.11'), NULL);
  const serial = random.bytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40; // positive and never short
  const body = sequence(
    explicit(0, integer(Uint8Array.of(2))),
    integer(serial),
    algorithm,
    encodeName(content.issuer),
    sequence(time(content.notBefore), time(content.notAfter)),
    encodeName(content.subject),
    content.key.publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions(content))),
  );
  const signature = sign('sha256', body, content.issuerKey.privateKey);
  return Uint8Array.from(sequence(body, algorithm, tlv(0x03, Buffer.from([0]), signature)));
}

export interface ParsedCertificate {
  readonly subject: string;
  readonly issuer: string;
  readonly serialNumber: string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly thumbprint: Uint8Array;
}

/** @throws Error when the bytes are no certificate */
export function parseCertificate(der: Uint8Array): ParsedCertificate {
  const parsed = new X509Certificate(Buffer.from(der));
  return {
    subject: oneLine(parsed.subject),
    issuer: oneLine(parsed.issuer),
    serialNumber: parsed.serialNumber,
    notBefore: Date.parse(parsed.validFrom),
    notAfter: Date.parse(parsed.validTo),
    thumbprint: createHash('sha1').update(der).digest(),
  };
}

/** True when the holder of `issuer` signed `certificate`. */
export function isSignedBy(certificate: Uint8Array, issuer: Uint8Array): boolean {
  return new X509Certificate(Buffer.from(certificate)).verify(
    new X509Certificate(Buffer.from(issuer)).publicKey,
  );
}

/** As sys.certificates shows names: most specific part last in X.509 order, `C=US, O=..., CN=...`. */
const oneLine = (name: string): string => name.split('\n').join(', ');

function extensions(content: CertificateContent): Buffer[] {
  const list = [
    extension('2.5.29.19', true, content.isAuthority ? sequence(tlv(0x01, Buffer.from([0xff]))) : sequence()),
  ];
  if (content.isAuthority) list.push(extension('2.5.29.15', true, tlv(0x03, Buffer.from([1, 0x06]))));
  if (content.dnsNames && content.dnsNames.length > 0) {
    const names = content.dnsNames.map((name) => tlv(0x82, Buffer.from(name, 'ascii')));
    list.push(extension('2.5.29.17', false, sequence(...names)));
  }
  return list;
}

const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
  sequence(oid(id), ...(critical ? [tlv(0x01, Buffer.from([0xff]))] : []), tlv(0x04, value));

function encodeName(name: DistinguishedName): Buffer {
  const parts: Buffer[] = [];
  const part = (id: string, tag: number, value: string) =>
    parts.push(tlv(0x31, sequence(oid(id), tlv(tag, Buffer.from(value, 'utf8')))));
  if (name.C !== undefined) part('2.5.4.6', 0x13, name.C);
  if (name.O !== undefined) part('2.5.4.10', 0x0c, name.O);
  part('2.5.4.3', 0x0c, name.CN);
  return sequence(...parts);
}

/** UTCTime until 2049, GeneralizedTime from 2050 (RFC 5280, 4.1.2.5). */
function time(ms: number): Buffer {
  const date = new Date(ms);
  const digits = date.toISOString().replace(/[-:T]/g, '').slice(0, 14);
  if (date.getUTCFullYear() < 2050) return tlv(0x17, Buffer.from(`${digits.slice(2)}Z`, 'ascii'));
  return tlv(0x18, Buffer.from(`${digits}Z`, 'ascii'));
}

function tlv(tag: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length = minimalBytes(BigInt(body.length));
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, body]);
}

const sequence = (...parts: Uint8Array[]): Buffer => tlv(0x30, ...parts);
const explicit = (number: number, part: Uint8Array): Buffer => tlv(0xa0 | number, part);
const integer = (bytes: Uint8Array): Buffer => tlv(0x02, bytes);
const NULL = Buffer.from([0x05, 0x00]);

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tlv(0x06, Buffer.from(bytes));
}

function makePrime(random: Random, exponent: bigint): bigint {
  for (;;) {
    const bytes = random.bytes(128);
    bytes[0] = (bytes[0] ?? 0) | 0xc0; // the product of two such has 2048 bits
    bytes[127] = (bytes[127] ?? 0) | 1;
    const candidate = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
    if (candidate % exponent !== 1n && checkPrimeSync(candidate)) return candidate;
  }
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b] = [modulus, value % modulus];
  let [x, y] = [0n, 1n];
  while (b !== 0n) {
    const quotient = a / b;
    [a, b] = [b, a - quotient * b];
    [x, y] = [y, x - quotient * y];
  }
  return ((x % modulus) + modulus) % modulus;
}

function minimalBytes(value: bigint): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}

const base64url = (value: bigint): string => minimalBytes(value).toString('base64url');
