import { createHash } from 'node:crypto';
import type { CertificateFacts } from '../../../model/sql-server/observation';
import type { Effect } from '../../../model/statement';
import { sameName } from '../../../rules/names';
import { isRotationOf } from '../../../rules/sql-server/certificate-name';
import { AZURE_AUTHORITIES, AZURE_DNS_NAME } from '../../../tsql/azure-authorities';
import { trustAzureAuthority } from '../../../tsql/azure-trust';
import {
  createCertificate,
  createCertificateFromBinary,
  dropCertificate,
  validateCertificateChain,
} from '../../../tsql/certificates';
import { createMasterKey, dropMasterKey } from '../../../tsql/master-key';
import { readCertificatePublicKey, readCertificates } from '../../../tsql/queries/certificates';
import { readServer } from '../../../tsql/queries/server';
import { FactMissing, NeedsPerson } from '../../run/failures';
import { certificateInUse } from './certificate-in-use';
import { defineTrustStep, type EndpointContext, queryServer } from './endpoint-context';
import { unlessInUse } from './shared-trust';

export const masterKey = defineTrustStep({
  id: 'server.master-key',
  async observe(context) {
    return { exists: (await oneServer(context)).hasMasterKey };
  },
  settled: (facts) => (facts.exists ? 'the master database has a master key' : undefined),
  async effects(_facts, context) {
    const reference = context.spec.server.masterKeyPassword;
    if (reference === undefined) {
      throw new NeedsPerson(
        'MasterKeyPasswordMissing',
        'the master database has no master key, and the inventory names no masterKeyPassword',
        'set masterKeyPassword of the SQL Server in the inventory to a secret reference, for example env:MASTER_KEY_PASSWORD',
      );
    }
    const password = await context.secret(reference);
    return [
      { kind: 'tsql', on: 'server', statement: createMasterKey({ password }), undo: dropMasterKey().display },
    ];
  },
  async undo(before, now) {
    return !before.exists && now.exists ? [{ kind: 'tsql', on: 'server', statement: dropMasterKey() }] : [];
  },
});

interface CertificateState {
  readonly name: string;
  readonly certificate: CertificateFacts | null;
  /** Certificates that rotations made of it since. */
  readonly rotations: readonly string[];
  readonly serverTime: string;
}

export const endpointCertificate = defineTrustStep<CertificateState>({
  id: 'server.endpoint-certificate',
  async observe(context) {
    const { name, wanted, certificates, serverTime } = await certificateInUse(context);
    const certificate = certificates.find((row) => sameName(row.name, name)) ?? null;
    const rotations = certificates.map((row) => row.name).filter((row) => isRotationOf(wanted, row));
    return { name, certificate, rotations, serverTime };
  },
  settled({ name, certificate, serverTime }) {
    if (certificate === null) return undefined;
    if (Date.parse(certificate.expiryDate) > Date.parse(serverTime)) {
      return `certificate ${name} exists and is valid until ${certificate.expiryDate}`;
    }
    throw new NeedsPerson(
      'CertificateExpired',
      `certificate ${name} expired on ${certificate.expiryDate}`,
      'rotate it: sqlferry certificates rotate MIGRATION-FILE',
    );
  },
  async effects({ name, serverTime }, context) {
    const expiry = new Date(Date.parse(serverTime) + context.spec.settings.certificate.validFor);
    const statement = createCertificate({
      name,
      subject: `Certificate for ${name}`,
      expiryDate: expiry.toISOString().slice(0, 10),
    });
    return [{ kind: 'tsql', on: 'server', statement, undo: dropCertificate(name).display }];
  },
  async undo(before, now, context) {
    if (before.certificate !== null) return [];
    const made = [
      ...(now.certificate === null ? [] : [now.name]),
      ...rotatedSince(before, now).filter((name) => name !== now.name),
    ];
    const drops = made.map((name): Effect => {
      return { kind: 'tsql', on: 'server', statement: dropCertificate(name) };
    });
    return unlessInUse(drops, context);
  },
});

/** A history that began before there were rotations has no such fact. */
const rotatedSince = (
  before: { readonly rotations?: readonly string[] },
  now: { readonly rotations: readonly string[] },
): readonly string[] => now.rotations.filter((name) => !(before.rotations ?? []).includes(name));

interface TrustState {
  readonly name: string;
  readonly publicKey: string | null;
  readonly trustedThumbprint: string | null;
  /** Keys of certificates that rotations made of it since. */
  readonly rotations: readonly string[];
}

export const trustServerCertificate = defineTrustStep<TrustState>({
  id: 'instance.trust-server-certificate',
  async observe(context) {
    const { name, wanted, certificates } = await certificateInUse(context);
    const [publicKey, trusted] = await Promise.all([
      publicKeyOf(context, name),
      context.ports.azure.readTrustCertificates(context.signal),
    ]);
    const match = trusted.find((candidate) => sameName(candidate.name, name));
    // Another server may use names of the same form on this instance: the key tells them apart.
    const isOurs = (thumbprint: string): boolean =>
      certificates.some((certificate) => sameName(certificate.thumbprint, thumbprint));
    const rotations = trusted.filter((one) => isRotationOf(wanted, one.name) && isOurs(one.thumbprint));
    return {
      name,
      publicKey,
      trustedThumbprint: match?.thumbprint ?? null,
      rotations: rotations.map((one) => one.name),
    };
  },
  settled({ name, publicKey, trustedThumbprint }) {
    if (trustedThumbprint === null || publicKey === null) return undefined;
    if (trustedThumbprint.toUpperCase() === thumbprint(publicKey)) return `the instance trusts ${name}`;
    throw new NeedsPerson(
      'TrustCertificateNameTaken',
      `the instance holds another certificate under the name ${name} (thumbprint ${trustedThumbprint})`,
      'delete it if nothing else needs it (az sql mi partner-cert delete), or set certificate.name in the migration',
    );
  },
  async effects({ name, publicKey }) {
    return [
      {
        kind: 'arm',
        request: {
          operation: 'put-server-trust-certificate',
          certificateName: name,
          publicBlob: publicKey ?? '',
        },
        display: `PUT serverTrustCertificates/${name} {"publicBlob":"<public key of ${name}>"}`,
        undo: `DELETE serverTrustCertificates/${name}`,
      },
    ];
  },
  async undo(before, now, context) {
    if (before.trustedThumbprint !== null) return [];
    const made = [
      ...(now.trustedThumbprint === null ? [] : [now.name]),
      ...rotatedSince(before, now).filter((name) => name !== now.name),
    ];
    const removals = made.map((certificateName): Effect => {
      return {
        kind: 'arm',
        request: { operation: 'delete-server-trust-certificate', certificateName },
        display: `DELETE serverTrustCertificates/${certificateName}`,
      };
    });
    if (removals.length === 0) return [];
    const { fullyQualifiedDomainName } = await context.ports.azure.readInstance(context.signal);
    return unlessInUse(removals, context, fullyQualifiedDomainName);
  },
});

interface ImportedState {
  readonly fqdn: string;
  readonly instanceKey: string;
  readonly importedKey: string | null;
}

/** The name must be the FQDN of the instance, or the instance cannot connect (link-with-scripts). */
export const trustInstanceCertificate = defineTrustStep<ImportedState>({
  id: 'server.trust-instance-certificate',
  async observe(context) {
    const [instance, instanceKey] = await Promise.all([
      context.ports.azure.readInstance(context.signal),
      context.ports.azure.readEndpointCertificate(context.signal),
    ]);
    const fqdn = instance.fullyQualifiedDomainName;
    return { fqdn, instanceKey, importedKey: await publicKeyOf(context, fqdn) };
  },
  settled({ fqdn, instanceKey, importedKey }) {
    if (importedKey === null || !sameHex(importedKey, instanceKey)) return undefined;
    return `certificate ${fqdn} holds the public key of the instance`;
  },
  async effects({ fqdn, instanceKey, importedKey }) {
    const create = createCertificateFromBinary({
      name: fqdn,
      binaryHex: instanceKey,
      label: `public key of ${fqdn}`,
    });
    const drop = dropCertificate(fqdn);
    return [
      ...(importedKey === null ? [] : [{ kind: 'tsql' as const, on: 'server' as const, statement: drop }]),
      { kind: 'tsql', on: 'server', statement: create, undo: drop.display },
    ];
  },
  async undo(before, now, context) {
    if (
      now.importedKey === null ||
      (before.importedKey !== null && sameHex(before.importedKey, now.importedKey))
    ) {
      return [];
    }
    const drop = { kind: 'tsql' as const, on: 'server' as const, statement: dropCertificate(now.fqdn) };
    if (before.importedKey === null) return unlessInUse([drop], context, now.fqdn);
    const restore = createCertificateFromBinary({
      name: now.fqdn,
      binaryHex: before.importedKey,
      label: `former public key of ${now.fqdn}`,
    });
    return unlessInUse([drop, { kind: 'tsql', on: 'server', statement: restore }], context, now.fqdn);
  },
});

export const trustAzureAuthorities = defineTrustStep<{ readonly present: readonly string[] }>({
  id: 'server.trust-azure-authorities',
  async observe(context) {
    const names = new Set(
      (await queryServer(context, readCertificates())).map((row) => row.name.toLowerCase()),
    );
    return {
      present: AZURE_AUTHORITIES.map((authority) => authority.name).filter((name) =>
        names.has(name.toLowerCase()),
      ),
    };
  },
  settled: ({ present }) =>
    present.length === AZURE_AUTHORITIES.length ? `${present.join(' and ')} are trusted` : undefined,
  async effects({ present }) {
    return AZURE_AUTHORITIES.filter((authority) => !present.includes(authority.name)).map((authority) => ({
      kind: 'tsql',
      on: 'server',
      statement: trustAzureAuthority({ authority, dnsName: AZURE_DNS_NAME }),
      undo: dropCertificate(authority.name).display,
    }));
  },
  async undo(before, now, context) {
    const made = now.present.filter((name) => !before.present.includes(name)).reverse();
    const drops = made.map((name): Effect => {
      return { kind: 'tsql', on: 'server', statement: dropCertificate(name) };
    });
    return unlessInUse(drops, context);
  },
});

export const validateChain = defineTrustStep<{ readonly possible: boolean; readonly fqdn: string }>({
  id: 'server.validate-certificate-chain',
  always: true,
  async observe(context) {
    const [server, instance] = await Promise.all([
      oneServer(context),
      context.ports.azure.readInstance(context.signal),
    ]);
    return { possible: server.canValidateCertificateChain, fqdn: instance.fullyQualifiedDomainName };
  },
  settled: ({ possible }) =>
    possible
      ? undefined
      : 'this build has no sp_validate_certificate_ca_chain (SQL Server 2022 CU5 and later)',
  async effects({ fqdn }) {
    return [{ kind: 'tsql', on: 'server', statement: validateCertificateChain({ certificateName: fqdn }) }];
  },
});

async function oneServer(context: EndpointContext) {
  const [server] = await queryServer(context, readServer());
  if (server === undefined) throw new FactMissing(context.ports.server.name, 'its properties');
  return server;
}

async function publicKeyOf(context: EndpointContext, name: string): Promise<string | null> {
  const [row] = await queryServer(context, readCertificatePublicKey(name));
  return row?.publicKey ?? null;
}

const plainHex = (hex: string): string => hex.replace(/^0x/i, '').toUpperCase();
const sameHex = (a: string, b: string): boolean => plainHex(a) === plainHex(b);

/** SHA-1 of the DER, as Azure and sys.certificates show it. */
const thumbprint = (hex: string): string =>
  createHash('sha1')
    .update(Buffer.from(plainHex(hex), 'hex'))
    .digest('hex')
    .toUpperCase();
