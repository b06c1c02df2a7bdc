/**
 * Self-signed X.509 certificates for the simulated servers (RFC 5280); the certificate itself is the `ca` of its
 * clients. node:crypto signs but does not build certificates.
 */
import { createHash, generateKeyPair, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { promisify } from 'node:util';
import * as der from './der';

export interface ServerCertificateOptions {
  readonly commonName: string;
  readonly dnsNames: readonly string[];
  /** IPv4 or IPv6; a client that connects to an address looks for it here and not among the DNS names. */
  readonly ipAddresses: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface ServerCertificate {
  readonly certPem: string;
  /** PKCS #8. */
  readonly keyPem: string;
  readonly certDer: Uint8Array;
}

const Oid = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuthentication: '1.3.6.1.5.5.7.3.1',
} as const;

/** digitalSignature (bit 0) and keyCertSign (bit 5). */
const KEY_USAGE = der.bitString(Buffer.from([0b1000_0100]), 2);
const VERSION_3 = Buffer.from([2]);
const SERIAL_BYTES = 16;

const GeneralName = { dns: 2, ip: 7 } as const;

const generate = promisify(generateKeyPair);

/** An EC P-256 certificate. @throws RangeError when an address is none */
export async function createServerCertificate(options: ServerCertificateOptions): Promise<ServerCertificate> {
  const { publicKey, privateKey } = await generate('ec', { namedCurve: 'P-256' });
  const algorithm = der.sequence(der.objectIdentifier(Oid.ecdsaWithSha256));
  const toBeSigned = certificateBody(options, publicKey, algorithm);
  const signature = sign('sha256', toBeSigned, privateKey);
  const certificate = der.sequence(toBeSigned, algorithm, der.bitString(signature));
  return {
    certPem: pem('CERTIFICATE', certificate),
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certDer: new Uint8Array(certificate),
  };
}

function certificateBody(options: ServerCertificateOptions, publicKey: KeyObject, algorithm: Buffer): Buffer {
  const keyInfo = publicKey.export({ type: 'spki', format: 'der' });
  const name = der.sequence(
    der.set(der.sequence(der.objectIdentifier(Oid.commonName), der.utf8String(options.commonName))),
  );
  return der.sequence(
    der.explicit(0, der.integer(VERSION_3)),
    der.integer(serialNumber()),
    algorithm,
    name,
    der.sequence(der.generalizedTime(options.notBefore), der.generalizedTime(options.notAfter)),
    name,
    keyInfo,
    der.explicit(3, extensions(options, keyInfo)),
  );
}

function extensions(options: ServerCertificateOptions, keyInfo: Buffer): Buffer {
  const keyId = createHash('sha256').update(keyInfo).digest().subarray(0, 20);
  return der.sequence(
    // A certificate authority, so that clients can be given it as their root.
    extension(Oid.basicConstraints, true, der.sequence(der.boolean(true))),
    extension(Oid.keyUsage, true, KEY_USAGE),
    extension(Oid.extendedKeyUsage, false, der.sequence(der.objectIdentifier(Oid.serverAuthentication))),
    extension(Oid.subjectAlternativeName, false, der.sequence(...alternativeNames(options))),
    extension(Oid.subjectKeyIdentifier, false, der.octetString(keyId)),
  );
}

/** `critical` has a default, which DER leaves out. */
function extension(id: string, critical: boolean, value: Buffer): Buffer {
  const flag = critical ? [der.boolean(true)] : [];
  return der.sequence(der.objectIdentifier(id), ...flag, der.octetString(value));
}

function alternativeNames({ dnsNames, ipAddresses }: ServerCertificateOptions): Buffer[] {
  return [
    ...dnsNames.map((name) => der.implicit(GeneralName.dns, Buffer.from(name, 'ascii'))),
    ...ipAddresses.map((address) => der.implicit(GeneralName.ip, addressBytes(address))),
  ];
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  if (!isIPv6(address)) throw new RangeError(`'${address}' is no IP address`);
  const [head = '', tail] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const before = groups(head);
  const after = groups(tail ?? '');
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const all = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** Random, positive, and without leading zeros, which DER forbids. */
function serialNumber(): Buffer {
  const serial = randomBytes(SERIAL_BYTES);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

function pem(label: string, content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
