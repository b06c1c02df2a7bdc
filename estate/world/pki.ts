/**
 * The certificate authorities of the simulated cloud, and keys by seed. The roots bear the names of the real ones
 * (Microsoft RSA Root 2017, DigiCert Global Root G2), because trust is decided by issuer; their keys are the estate's
 * own. Managed instances get their endpoint certificate from an issuing authority below the DigiCert-named root, as
 * the Azure RSA TLS issuing authorities are.
 */
import { createHash } from 'node:crypto';
import { SeededRandom } from './random';
import { type DistinguishedName, type KeyPair, makeCertificate, makeKeyPair } from './x509';

const MICROSOFT_ROOT: DistinguishedName = {
  C: 'US',
  O: 'Microsoft Corporation',
  CN: 'Microsoft RSA Root Certificate Authority 2017',
};
const DIGICERT_ROOT: DistinguishedName = { C: 'US', O: 'DigiCert Inc', CN: 'DigiCert Global Root G2' };
const ISSUING: DistinguishedName = {
  C: 'US',
  O: 'Microsoft Corporation',
  CN: 'Microsoft Azure RSA TLS Issuing CA 03',
};

/** CN of the root under which managed instances' certificates stand. */
export const MANAGED_ROOT_CN = DIGICERT_ROOT.CN;

const FROM = Date.UTC(2019, 11, 18);
const UNTIL = Date.UTC(2042, 6, 18);

interface Authorities {
  readonly microsoftPki: Uint8Array;
  readonly digiCertPki: Uint8Array;
  readonly issuing: Uint8Array;
  readonly issuingKey: KeyPair;
}

let cached: Authorities | undefined;
const keys = new Map<string, KeyPair>();

/** Random values of their own for one purpose: what is made lazily does not disturb the rest of the world. */
export function derivedRandom(seed: number, purpose: string): SeededRandom {
  const digest = createHash('sha256').update(`${seed}|${purpose}`).digest();
  return new SeededRandom(digest.readUInt32LE(0));
}

export function derivedKey(seed: number, purpose: string): KeyPair {
  const id = `${seed}|${purpose}`;
  const known = keys.get(id);
  if (known) return known;
  const made = makeKeyPair(derivedRandom(seed, `key ${purpose}`));
  keys.set(id, made);
  return made;
}

export function authorities(): Authorities {
  if (cached) return cached;
  const [microsoft, digiCert, issuingKey] = ['microsoft', 'digicert', 'issuing'].map((name) =>
    derivedKey(0, name),
  );
  if (!microsoft || !digiCert || !issuingKey) throw new Error('unreachable');
  const root = (name: DistinguishedName, key: KeyPair) =>
    makeCertificate(derivedRandom(0, `serial ${name.CN}`), {
      subject: name,
      issuer: name,
      notBefore: FROM,
      notAfter: UNTIL,
      key,
      issuerKey: key,
      isAuthority: true,
    });
  cached = {
    microsoftPki: root(MICROSOFT_ROOT, microsoft),
    digiCertPki: root(DIGICERT_ROOT, digiCert),
    issuing: makeCertificate(derivedRandom(0, 'serial issuing'), {
      subject: ISSUING,
      issuer: DIGICERT_ROOT,
      notBefore: FROM,
      notAfter: UNTIL,
      key: issuingKey,
      issuerKey: digiCert,
      isAuthority: true,
    }),
    issuingKey,
  };
  return cached;
}

/** Endpoint certificate of a managed instance. */
export function issueManagedCertificate(
  seed: number,
  fqdn: string,
  notBefore: number,
  notAfter: number,
): Uint8Array {
  return makeCertificate(derivedRandom(seed, `serial ${fqdn}`), {
    subject: { C: 'US', O: 'Microsoft Corporation', CN: fqdn },
    issuer: ISSUING,
    notBefore,
    notAfter,
    key: derivedKey(seed, fqdn),
    issuerKey: authorities().issuingKey,
    isAuthority: false,
    dnsNames: [fqdn, fqdn.replace(/^[^.]+/, '*')],
  });
}
