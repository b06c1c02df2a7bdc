import { formatDuration } from '../../model/duration';
import type { CertificateFacts, EndpointFacts } from '../../model/sql-server/observation';
import { sameName } from '../names';
import { type Finding, failed, notApplicable, passed, unknown } from '../preflight';
import { certificateNameToUse, endpointCertificateName } from '../sql-server/certificate-name';
import { DOC, type LinkCheck, type LinkPreflightContext } from './preflight-context';

/** Long enough to rotate a certificate without haste, and longer than seeding may take (6 days). */
const EXPIRES_SOON_MS = 30 * 86_400_000;
/** A certificate made a moment ago is no certificate of the future, even by a clock that is a little behind. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

/** Trust between the two ends: the mirroring endpoint and the certificates. */
export const TRUST_CHECKS: readonly LinkCheck[] = [
  {
    id: 'endpoint.started',
    title: 'The mirroring endpoint that exists is started',
    severity: 'warning',
    remedy: 'The run starts it; or do so yourself: ALTER ENDPOINT [name] STATE = STARTED.',
    source: `${DOC.scripts}; ${DOC.errors} (35204)`,
    preventsError: '35204',
    run: ofEndpoint((endpoint) =>
      says(endpoint.stateDesc === 'STARTED', `${endpoint.name} is ${endpoint.stateDesc}.`),
    ),
  },
  {
    id: 'endpoint.authentication',
    title: 'The mirroring endpoint that exists accepts certificates',
    severity: 'warning',
    remedy:
      'The run adds CERTIFICATE to its authentication; partners that use Windows authentication keep it.',
    source: DOC.scripts,
    preventsError: '41976',
    run: ofEndpoint((endpoint) =>
      says(
        endpoint.connectionAuthDesc.toUpperCase().includes('CERTIFICATE'),
        `${endpoint.name} authenticates by ${endpoint.connectionAuthDesc}.`,
      ),
    ),
  },
  {
    id: 'endpoint.certificate',
    title:
      'The mirroring endpoint that exists uses the certificate of this migration, or one that took its place',
    severity: 'warning',
    remedy:
      'The run gives it the certificate of this migration: every other partner of the endpoint must trust that one too. To keep the present one, name it in certificate.name.',
    source: `${DOC.scripts}; effect on other partners inferred`,
    preventsError: '28035',
    run: ofEndpoint((endpoint, context) => {
      const wanted = certificateName(context);
      if (endpoint.certificateName === null) return failed(`${endpoint.name} has no certificate.`);
      return says(
        sameName(endpoint.certificateName, wanted),
        `${endpoint.name} uses ${endpoint.certificateName}.`,
      );
    }),
  },
  {
    id: 'endpoint.encryption',
    title: 'The mirroring endpoint that exists is encrypted',
    severity: 'warning',
    remedy:
      'The run sets ENCRYPTION = REQUIRED ALGORITHM AES; partners that cannot encrypt lose their connection.',
    source: `${DOC.scripts}; ${DOC.errors} (41998)`,
    preventsError: '41998',
    run: ofEndpoint((endpoint) =>
      says(
        endpoint.isEncryptionEnabled,
        `Encryption of ${endpoint.name} is ${endpoint.isEncryptionEnabled ? 'on' : 'off'}.`,
      ),
    ),
  },
  {
    id: 'endpoint.algorithm',
    title: 'The mirroring endpoint that exists encrypts with AES',
    severity: 'warning',
    remedy: 'The run sets ALGORITHM AES; partners that know only RC4 lose their connection.',
    source: DOC.scripts,
    preventsError: '41976',
    run: ofEndpoint((endpoint) =>
      says(
        endpoint.encryptionAlgorithmDesc.toUpperCase().includes('AES'),
        `${endpoint.name} encrypts with ${endpoint.encryptionAlgorithmDesc}.`,
      ),
    ),
  },
  {
    id: 'endpoint.role',
    title: 'The mirroring endpoint that exists can be a partner',
    severity: 'blocker',
    remedy: 'ALTER ENDPOINT [name] FOR DATABASE_MIRRORING (ROLE = ALL).',
    source: DOC.scripts,
    preventsError: '1418',
    run: ofEndpoint((endpoint) =>
      says(
        endpoint.roleDesc.toUpperCase() !== 'WITNESS',
        `The role of ${endpoint.name} is ${endpoint.roleDesc}.`,
      ),
    ),
  },
  {
    id: 'endpoint.port',
    title: 'The mirroring endpoint that exists listens on the port in the inventory',
    severity: 'warning',
    remedy: 'Correct endpoint.port in the inventory, unless a firewall translates the port on the way.',
    source: `${DOC.errors} (35250)`,
    preventsError: '41986',
    run: ofEndpoint((endpoint, { spec }) =>
      says(
        endpoint.port === spec.server.endpoint.port,
        `${endpoint.name} listens on ${endpoint.port}; the inventory says ${spec.server.endpoint.port}.`,
      ),
    ),
  },
  {
    id: 'certificate.name',
    title: 'The name of the endpoint certificate has no backslash',
    severity: 'blocker',
    remedy: 'Set certificate.name in the migration to a name without a backslash.',
    source: DOC.scripts,
    preventsError: 'MissingCertificateName',
    run(context) {
      const name = certificateName(context);
      return says(!name.includes('\\'), `The certificate is named ${name}.`);
    },
  },
  {
    id: 'certificate.valid',
    title: 'The endpoint certificate that exists is valid today',
    severity: 'blocker',
    remedy:
      'sqlferry certificates rotate MIGRATION-FILE: it makes a new certificate, gives it to the endpoint, and drops the old one.',
    source: `${DOC.bestPractices}; ${DOC.errors} (28035)`,
    preventsError: '28035',
    run: ofOwnCertificate((certificate, context) => {
      // The server judges by its own clock.
      const today = Date.parse(context.facts.server.serverTime);
      const { name, startDate, expiryDate } = certificate;
      const starts = Date.parse(startDate);
      const ends = Date.parse(expiryDate);
      const remedy = remedyWithoutRotation(context, name);
      if (Number.isNaN(ends) || Number.isNaN(today))
        return unknown(`The dates of ${name} are not understood.`, remedy);
      if (ends <= today) return failed(`${name} expired on ${expiryDate}.`, remedy);
      if (starts > today + CLOCK_TOLERANCE_MS) {
        const wait = remedy === undefined ? undefined : `${remedy} Or wait until ${startDate}.`;
        return failed(`${name} is valid only from ${startDate}.`, wait);
      }
      return passed(`${name} is valid until ${expiryDate}.`);
    }),
  },
  {
    id: 'certificate.expires-soon',
    title: 'The endpoint certificate that exists stays valid for the migration',
    severity: 'warning',
    remedy: 'Rotate it before the migration: a link cannot reconnect with an expired certificate.',
    source: DOC.bestPractices,
    preventsError: '28035',
    run: ofOwnCertificate((certificate, { facts }) => {
      const left = Date.parse(certificate.expiryDate) - Date.parse(facts.server.serverTime);
      if (Number.isNaN(left)) return unknown(`The expiry of ${certificate.name} is not understood.`);
      if (left <= 0) return failed(`${certificate.name} has expired.`);
      return says(left > EXPIRES_SOON_MS, `${certificate.name} expires in ${formatDuration(left)}.`);
    }),
  },
  {
    id: 'certificate.private-key',
    title: 'The private key of the endpoint certificate that exists is protected by the master key',
    severity: 'blocker',
    remedy:
      'Drop the certificate, or name another in certificate.name: the run then makes one with a private key.',
    source: DOC.scripts,
    preventsError: '28037',
    run: ofOwnCertificate(({ name, privateKeyEncryptionType }) =>
      says(
        privateKeyEncryptionType.trim().toUpperCase() === 'MK',
        `The private key of ${name} is encrypted by ${privateKeyEncryptionType}.`,
      ),
    ),
  },
  {
    id: 'certificate.name-on-instance',
    title: 'No other certificate stands on the instance under the same name',
    severity: 'blocker',
    remedy:
      'Delete it there if no other link needs it (az sql mi partner-cert delete), or set certificate.name.',
    source: 'Azure REST: serverTrustCertificates, CertificateAlreadyExists',
    preventsError: 'CertificateAlreadyExists',
    run(context) {
      const { facts } = context;
      const name = certificateName(context);
      const there = facts.trustCertificates.find((certificate) => sameName(certificate.name, name));
      if (there === undefined) return passed(`The instance has no certificate named ${name}.`);
      const own = ownCertificate(context);
      const isSame = own !== undefined && plainHex(own.thumbprint) === plainHex(there.thumbprint);
      if (isSame) return passed(`The instance already trusts ${name}.`);
      return failed(`The instance has another certificate named ${name}, thumbprint ${there.thumbprint}.`);
    },
  },
  {
    id: 'certificate.of-instance',
    title: 'A certificate of the instance that was imported before is still valid',
    severity: 'warning',
    remedy: 'Azure rotates it; the run imports the present one in its place.',
    source: `${DOC.scripts}; ${DOC.bestPractices}`,
    preventsError: '28035',
    run({ facts }) {
      const fqdn = facts.instance.fullyQualifiedDomainName;
      const certificate = facts.certificates.find(({ name }) => sameName(name, fqdn));
      if (certificate === undefined) return notApplicable('It is not imported yet; the run does so.');
      const left = Date.parse(certificate.expiryDate) - Date.parse(facts.server.serverTime);
      if (Number.isNaN(left)) return unknown(`The expiry of ${fqdn} is not understood.`);
      return says(
        left > 0,
        `${fqdn} ${left > 0 ? 'is valid until' : 'expired on'} ${certificate.expiryDate}.`,
      );
    },
  },
  {
    id: 'certificate.instance-name',
    title: 'The certificate of the instance is imported under the FQDN of the instance, if at all',
    severity: 'warning',
    remedy: 'Nothing: the run imports it under the FQDN; drop the other one when no link uses it.',
    source: DOC.scripts,
    preventsError: '41974',
    run({ facts }) {
      const fqdn = facts.instance.fullyQualifiedDomainName;
      const misnamed = facts.certificates.filter(
        ({ name, subject }) => !sameName(name, fqdn) && subject.toLowerCase().includes(fqdn.toLowerCase()),
      );
      if (misnamed.length === 0) return passed(`No certificate of ${fqdn} stands under another name.`);
      return failed(
        `A certificate of ${fqdn} stands under the name ${misnamed.map(({ name }) => name).join(', ')}.`,
      );
    },
  },
  {
    id: 'certificate.authorities',
    title: 'SQL Server already trusts the certificate authorities of Azure',
    severity: 'info',
    remedy: 'Nothing: the run imports MicrosoftPKI and DigiCertPKI.',
    source: DOC.scripts,
    preventsError: '28035',
    run({ facts }) {
      const missing = ['MicrosoftPKI', 'DigiCertPKI'].filter(
        (wanted) => !facts.certificates.some(({ name }) => sameName(name, wanted)),
      );
      return missing.length === 0
        ? passed('MicrosoftPKI and DigiCertPKI are there.')
        : failed(`${missing.join(' and ')} will be imported.`);
    },
  },
];

/**
 * A rotation works on the certificate that an endpoint has: where none has one it is refused, and told to start the
 * migration.
 * @returns undefined where a rotation can be had
 */
function remedyWithoutRotation({ facts }: LinkPreflightContext, name: string): string | undefined {
  const used = facts.endpoints[0]?.certificateName ?? null;
  if (used !== null && facts.certificates.some((certificate) => sameName(certificate.name, used)))
    return undefined;
  return `Drop the certificate ${name}, unless something else needs it: no endpoint uses it, and the run makes a new one. Or name another in certificate.name.`;
}

const says = (isRight: boolean, evidence: string): Finding => (isRight ? passed(evidence) : failed(evidence));

const plainHex = (hex: string): string => hex.replace(/^0x/i, '').toUpperCase();

/** An instance has at most one endpoint for database mirroring. */
function ofEndpoint(
  look: (endpoint: EndpointFacts, context: LinkPreflightContext) => Finding,
): (context: LinkPreflightContext) => Finding {
  return (context) => {
    const [endpoint] = context.facts.endpoints;
    return endpoint === undefined
      ? notApplicable('There is no mirroring endpoint; the run makes one.')
      : look(endpoint, context);
  };
}

/** The certificate that the steps of the run will work with: after a rotation, the one that the endpoint has. */
function certificateName({ facts, spec }: LinkPreflightContext): string {
  const wanted = endpointCertificateName(spec, facts.server.serverName);
  return certificateNameToUse(wanted, spec.settings.certificate.name !== undefined, {
    endpoint: facts.endpoints[0] ?? null,
    certificates: facts.certificates,
    trusted: facts.trustCertificates,
    serverTime: facts.server.serverTime,
    servesReplicas: spec.settings.link.replicas !== undefined,
  });
}

function ownCertificate(context: LinkPreflightContext): CertificateFacts | undefined {
  const { facts } = context;
  const name = certificateName(context);
  return facts.certificates.find((certificate) => sameName(certificate.name, name));
}

function ofOwnCertificate(
  look: (certificate: CertificateFacts, context: LinkPreflightContext) => Finding,
): (context: LinkPreflightContext) => Finding {
  return (context) => {
    const certificate = ownCertificate(context);
    return certificate === undefined
      ? notApplicable('The certificate does not exist yet; the run makes it.')
      : look(certificate, context);
  };
}
