/**
 * The estate's own certificate authority: one root that a client trusts, and below it one certificate for each server.
 * It exists as long as the estate runs; its private key never leaves the process. It is the authority of the sockets
 * (TLS of TDS and HTTPS), by the wall clock; the certificates of mirroring endpoints belong to the world.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import * as der from './tds/der';

export interface ServerNames {
  readonly dnsNames: readonly string[];
  /** IPv4 only: the estate listens nowhere else. A client that connects to an address looks for it here. */
  readonly ipAddresses: readonly string[];
}

export interface IssuedCertificate {
  /** PKCS #8, PEM. */
  readonly keyPem: string;
  /** Server certificate followed by the authority's, PEM. */
  readonly certPem: string;
}

const Oid = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuthentication: '1.3.6.1.5.5.7.3.1',
} as const;

/** Bits of KeyUsage (RFC 5280 §4.2.1.3), each with the number of unused bits behind it. */
const KeyUsage = {
  digitalSignature: der.bitString(Buffer.from([0b1000_0000]), 7),
  certificateAndRevocationSigning: der.bitString(Buffer.from([0b0000_0110]), 1),
} as const;

const GeneralName = { dns: 2, ip: 7 } as const;
const SIGNATURE_ALGORITHM = der.sequence(der.objectIdentifier(Oid.ecdsaWithSha256));
const VERSION_3 = Buffer.from([2]);
const DAY_MS = 86_400_000;
/** Apple's and Chrome's limit for server certificates is 398 days; a year stays below it. */
const LIFETIME_DAYS = 365;

interface Request {
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

export class CertificateAuthority {
  readonly #name = `sqlferry estate authority ${randomBytes(4).toString('hex')}`;
  readonly #key: KeyObject;
  /** The root to trust, PEM. */
  readonly caPem: string;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = privateKey;
    this.caPem = this.#issue({
      subject: this.#name,
      publicKey,
      extensions: [
        extension(Oid.basicConstraints, true, der.sequence(der.boolean(true))),
        extension(Oid.keyUsage, true, KeyUsage.certificateAndRevocationSigning),
      ],
    });
  }

  /** A certificate with a fresh EC P-256 key for a server that is reached under these names. */
  issueServerCertificate(commonName: string, names: ServerNames): IssuedCertificate {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const certificate = this.#issue({
      // X.520 allows 64 characters; clients look at the alternative names only.
      subject: commonName.slice(0, 64),
      publicKey,
      extensions: [
        extension(Oid.basicConstraints, true, der.sequence()),
        extension(Oid.keyUsage, true, KeyUsage.digitalSignature),
        extension(Oid.extendedKeyUsage, false, der.sequence(der.objectIdentifier(Oid.serverAuthentication))),
        extension(Oid.subjectAlternativeName, false, der.sequence(...alternativeNames(names))),
      ],
    });
    return {
      keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      certPem: `${certificate}${this.caPem}`,
    };
  }

  #issue(request: Request): string {
    const now = Date.now();
    const body = der.sequence(
      der.explicit(0, der.integer(VERSION_3)),
      der.integer(serialNumber()),
      SIGNATURE_ALGORITHM,
      distinguishedName(this.#name),
      // A day back, so that a client whose clock is behind accepts it, too.
      der.sequence(
        der.generalizedTime(new Date(now - DAY_MS)),
        der.generalizedTime(new Date(now + LIFETIME_DAYS * DAY_MS)),
      ),
      distinguishedName(request.subject),
      request.publicKey.export({ type: 'spki', format: 'der' }),
      der.explicit(3, der.sequence(...request.extensions)),
    );
    const signature = sign('sha256', body, this.#key);
    return pem(der.sequence(body, SIGNATURE_ALGORITHM, der.bitString(signature)));
  }
}

function distinguishedName(commonName: string): Buffer {
  return der.sequence(
    der.set(der.sequence(der.objectIdentifier(Oid.commonName), der.utf8String(commonName))),
  );
}

function alternativeNames({ dnsNames, ipAddresses }: ServerNames): Buffer[] {
  return [
    ...dnsNames.map((name) => der.implicit(GeneralName.dns, Buffer.from(name, 'ascii'))),
    ...ipAddresses.map((address) =>
      der.implicit(GeneralName.ip, Buffer.from(address.split('.').map(Number))),
    ),
  ];
}

/** `critical` has a default, which DER leaves out. */
function extension(id: string, critical: boolean, value: Buffer): Buffer {
  const flag = critical ? [der.boolean(true)] : [];
  return der.sequence(der.objectIdentifier(id), ...flag, der.octetString(value));
}

/** Random, positive, and without leading zeros, which DER forbids. */
function serialNumber(): Buffer {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
