/**
 * TLS material of the simulated Azure: a certificate authority made at start and a server certificate under it.
 * The real Azure SDKs refuse bearer tokens over plain HTTP, so the estate must speak TLS, and a client is pointed
 * at it with nothing changed but the endpoint and the trusted authority.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import * as der from './der';

export interface TlsMaterial {
  /** Private key of the server certificate, PEM. */
  readonly keyPem: string;
  /** Server certificate followed by the authority's, PEM. */
  readonly certPem: string;
  /** Authority to trust, PEM. */
  readonly caPem: string;
}

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

const SIGNATURE_ALGORITHM = der.sequence(der.oid(OID.ecdsaWithSha256));
const DAY_MS = 86_400_000;

interface CertificateRequest {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly issuerKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

/** Makes a fresh authority and a server certificate for `localhost`, `127.0.0.1` and `::1`, good for a year. */
export function makeTlsMaterial(): TlsMaterial {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = `sqlferry estate authority ${randomBytes(4).toString('hex')}`;
  const caPem = issue({
    subject: issuer,
    issuer,
    publicKey: authority.publicKey,
    issuerKey: authority.privateKey,
    // keyUsage bits: keyCertSign (5) and cRLSign (6).
    extensions: [
      extension(OID.basicConstraints, der.sequence(der.boolean(true)), true),
      extension(OID.keyUsage, der.bits(Buffer.from([0x06]), 1), true),
    ],
  });
  const serverPem = issue({
    subject: 'localhost',
    issuer,
    publicKey: server.publicKey,
    issuerKey: authority.privateKey,
    extensions: [
      extension(OID.basicConstraints, der.sequence(), true),
      extension(OID.keyUsage, der.bits(Buffer.from([0x80]), 7), true),
      extension(OID.extendedKeyUsage, der.sequence(der.oid(OID.serverAuth)), false),
      extension(OID.subjectAltName, alternativeNames(), false),
    ],
  });
  const keyPem = server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { keyPem, certPem: `${serverPem}${caPem}`, caPem };
}

function alternativeNames(): Buffer {
  const dns = der.context(2, Buffer.from('localhost'), true);
  const ipv4 = der.context(7, Buffer.from([127, 0, 0, 1]), true);
  const ipv6 = der.context(7, Buffer.from([...new Array<number>(15).fill(0), 1]), true);
  return der.sequence(dns, ipv4, ipv6);
}

function extension(id: string, value: Buffer, critical: boolean): Buffer {
  const flag = critical ? [der.boolean(true)] : [];
  return der.sequence(der.oid(id), ...flag, der.octets(value));
}

function name(commonName: string): Buffer {
  return der.sequence(der.set(der.sequence(der.oid(OID.commonName), der.utf8(commonName))));
}

function issue(request: CertificateRequest): string {
  const now = Date.now();
  // The first bit cleared keeps the serial number positive in DER.
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const body = der.sequence(
    der.context(0, der.integer(Buffer.from([2]))),
    der.integer(serial),
    SIGNATURE_ALGORITHM,
    name(request.issuer),
    der.sequence(der.time(new Date(now - DAY_MS)), der.time(new Date(now + 365 * DAY_MS))),
    name(request.subject),
    request.publicKey.export({ type: 'spki', format: 'der' }),
    der.context(3, der.sequence(...request.extensions)),
  );
  const signature = sign('sha256', body, request.issuerKey);
  return pem(der.sequence(body, SIGNATURE_ALGORITHM, der.bits(signature)));
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
