import type {
  CertificateFacts,
  EndpointFacts,
  TrustCertificateFacts,
} from '../../model/sql-server/observation';
import { includesName, sameName } from '../names';

/** sysname */
const LONGEST_NAME = 128;

/** Of a spec, what names the certificate. */
interface NamesCertificate {
  readonly settings: { readonly certificate: { readonly name?: string | undefined } };
}

/** Name of the SQL Server's endpoint certificate; a backslash (named instance) is not allowed in it. */
export function endpointCertificateName(spec: NamesCertificate, serverName: string): string {
  return spec.settings.certificate.name ?? `Cert_${serverName.replaceAll('\\', '_')}_endpoint`;
}

/**
 * Name for the certificate that takes the place of another one: the first name with the day, and a number where that
 * day has one already. The documented script makes nothing when its fixed name exists, so a rotation needs a new one.
 * @param base name without a day, as `endpointCertificateName` gives it
 * @param today ISO 8601; @param taken names that exist, on the server or on the instance
 */
export function rotatedCertificateName(base: string, today: string, taken: readonly string[]): string {
  const day = today.slice(0, 10).replaceAll('-', '');
  for (let number = 1; ; number += 1) {
    const suffix = number === 1 ? `_${day}` : `_${day}_${number}`;
    const name = `${base.slice(0, LONGEST_NAME - suffix.length)}${suffix}`;
    if (!includesName(taken, name)) return name;
  }
}

/** True for names that `rotatedCertificateName` gives for this base. */
export function isRotationOf(base: string, name: string): boolean {
  const suffix = /_\d{8}(_\d+)?$/.exec(name)?.[0];
  if (suffix === undefined) return false;
  const stem = name.slice(0, -suffix.length);
  return stem !== '' && sameName(stem, base.slice(0, LONGEST_NAME - suffix.length));
}

export interface EndpointCertificateFacts {
  readonly endpoint: EndpointFacts | null;
  readonly certificates: readonly CertificateFacts[];
  /** Public keys that the instance trusts. */
  readonly trusted: readonly TrustCertificateFacts[];
  /** Time of the server, ISO 8601. */
  readonly serverTime: string;
  /** The endpoint also serves the other replicas of an availability group, which may know its certificate. */
  readonly servesReplicas?: boolean;
}

/**
 * Name of the certificate that the endpoint shall use: the one that the endpoint has, when it is valid and either came
 * from a rotation, or is trusted by the instance already, or serves the other replicas of a group; else the one of the
 * spec. Without this a rotation and the steps of a run would take the endpoint from each other, and replicas that
 * authenticate each other by certificate would lose each other.
 */
export function certificateNameToUse(
  wanted: string,
  explicit: boolean,
  facts: EndpointCertificateFacts,
): string {
  const used = facts.endpoint?.certificateName ?? null;
  if (used === null || sameName(used, wanted)) return wanted;
  const certificate = facts.certificates.find(({ name }) => sameName(name, used));
  if (certificate === undefined || certificate.privateKeyEncryptionType.toUpperCase() !== 'MK') return wanted;
  if (Date.parse(certificate.expiryDate) <= Date.parse(facts.serverTime)) return wanted;
  if (isRotationOf(wanted, used)) return certificate.name;
  const isTrusted = facts.trusted.some(({ thumbprint }) => sameName(thumbprint, certificate.thumbprint));
  // A name in the spec is a wish of its own: it is kept, unless that very certificate was rotated.
  return (isTrusted || facts.servesReplicas === true) && !explicit ? certificate.name : wanted;
}
