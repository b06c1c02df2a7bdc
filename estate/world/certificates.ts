/** Master keys, certificates and trust, on SQL Server and on the managed instance. */
import { SqlError } from '../sql/errors';
import type { ArmOperation, Certificates } from './api';
import { startArm } from './arm';
import { ArmRefusal, type Certificate, type ServerTrustCertificate, type ServerVersion } from './model';
import { authorities, derivedKey, derivedRandom, issueManagedCertificate } from './pki';
import { linkRefusals, refusals } from './refusals';
import {
  instanceOf,
  key,
  type Mutable,
  type MutableInstance,
  type MutableManaged,
  type WorldState,
} from './state';
import { chainProblem } from './trust';
import { atLeast } from './versions';
import { makeCertificate, parseCertificate } from './x509';

const YEAR_MS = 365 * 86_400_000;

export class WorldCertificates implements Certificates {
  constructor(private readonly state: WorldState) {}

  createMasterKey(instanceName: string): void {
    const instance = instanceOf(this.state, instanceName);
    if (instance.masterKey) {
      throw new SqlError(
        15578,
        'There is already a master key in the database. Please drop it before performing this statement.',
      );
    }
    instance.masterKey = { createdAt: this.state.clock.now(), open: true };
    this.state.journal.mark(`create master key on ${instance.name}`);
  }

  dropMasterKey(instanceName: string): void {
    const instance = instanceOf(this.state, instanceName);
    if (!instance.masterKey) return;
    delete instance.masterKey;
    this.state.journal.mark(`drop master key on ${instance.name}`);
  }

  create(
    instanceName: string,
    request: { name: string; subject: string; startDate?: number; expiryDate?: number },
  ): Certificate {
    const instance = instanceOf(this.state, instanceName);
    if (!instance.masterKey) {
      throw new SqlError(
        15581,
        'Please create a master key in the database or open the master key in the session before performing this operation.',
      );
    }
    this.refuseTakenName(instance, request.name);
    // Certificates count in whole seconds; without EXPIRY_DATE they last one year (CREATE CERTIFICATE).
    const startDate = wholeSeconds(request.startDate ?? this.state.clock.now());
    const expiryDate = wholeSeconds(request.expiryDate ?? startDate + YEAR_MS);
    if (expiryDate <= startDate) {
      throw new SqlError(15297, 'The certificate expiry date must be later than its start date.');
    }
    const purpose = `${instance.name}/${request.name}#${instance.nextCertificateId}`;
    const keyPair = derivedKey(this.state.seed, purpose);
    const subject = { CN: request.subject.replace(/^CN\s*=\s*/i, '') };
    const der = makeCertificate(derivedRandom(this.state.seed, `serial ${purpose}`), {
      subject,
      issuer: subject,
      notBefore: startDate,
      notAfter: expiryDate,
      key: keyPair,
      issuerKey: keyPair,
      isAuthority: false,
    });
    const certificate = this.keep(instance, request.name, der, 'MK');
    certificate.subject = request.subject;
    certificate.issuer = request.subject;
    this.state.journal.mark(`create certificate ${request.name} on ${instance.name}`);
    return certificate;
  }

  createFromBinary(instanceName: string, name: string, der: Uint8Array): Certificate {
    const instance = instanceOf(this.state, instanceName);
    this.refuseTakenName(instance, name);
    const same = [...instance.certificates.values()].find((one) => Buffer.compare(one.der, der) === 0);
    if (same) {
      throw new SqlError(
        15297,
        `The certificate, asymmetric key, or private key data is invalid, or it is already in the database as '${same.name}'.`,
      );
    }
    if (!isReadable(der)) {
      throw new SqlError(
        15468,
        'An error occurred during the generation of the certificate: the binary is not a valid certificate.',
      );
    }
    const certificate = this.keep(instance, name, der, 'NA');
    this.state.journal.mark(`create certificate ${name} from binary on ${instance.name}`);
    return certificate;
  }

  drop(instanceName: string, name: string): void {
    const instance = instanceOf(this.state, instanceName);
    const certificate = this.existing(instance, name, 'drop');
    if (key(instance.endpoint?.certificateName ?? '') === key(certificate.name)) {
      throw new SqlError(
        15352,
        `The certificate '${certificate.name}' cannot be dropped because one or more entities are either signed or encrypted using it.`,
      );
    }
    instance.certificates.delete(key(name));
    this.state.journal.mark(`drop certificate ${name} on ${instance.name}`);
  }

  byId(instanceName: string, certificateId: number): Certificate | undefined {
    const instance = instanceOf(this.state, instanceName);
    return [...instance.certificates.values()].find((one) => one.certificateId === certificateId);
  }

  addIssuer(instanceName: string, certificateId: number, dnsPattern: string): void {
    const instance = instanceOf(this.state, instanceName);
    if (!linkIsPatchedIn(instance.version)) throw refusals.noProcedure('sp_certificate_add_issuer');
    const certificate = this.requireId(instance, certificateId);
    if (certificate.issuerFor.some((pattern) => key(pattern) === key(dnsPattern))) return;
    certificate.issuerFor = [...certificate.issuerFor, dnsPattern];
    this.state.journal.mark(`trust ${certificate.name} for ${dnsPattern} on ${instance.name}`);
  }

  validateChain(instanceName: string, certificateId: number): void {
    const instance = instanceOf(this.state, instanceName);
    // The procedure came with 2022 CU5 (KB5026806).
    if (!atLeast(instance.version, '16.0.4045.3'))
      throw refusals.noProcedure('sp_validate_certificate_ca_chain');
    const certificate = this.requireId(instance, certificateId);
    const problem = chainProblem(instance, certificate, this.state.clock.now());
    // Its error numbers are not published (inferred: certificate verification failed).
    if (problem)
      throw new SqlError(28038, `Certificate chain validation of '${certificate.name}' failed: ${problem}.`);
  }

  endpointCertificate(managedInstance: string): Certificate {
    const { managed } = instanceOf(this.state, managedInstance);
    if (!managed) throw linkRefusals.endpointCertificateMissing();
    return managed.endpointCertificate;
  }

  authorities() {
    const { microsoftPki, digiCertPki } = authorities();
    return { microsoftPki, digiCertPki };
  }

  putTrust(managedInstance: string, name: string, der: Uint8Array): ArmOperation<ServerTrustCertificate> {
    const instance = instanceOf(this.state, managedInstance);
    const managed = requireManaged(instance);
    if (name.trim() === '')
      throw new ArmRefusal(400, 'MissingCertificateName', 'The certificate name is missing.');
    if (der.length === 0) throw new ArmRefusal(400, 'MissingPublicBlob', 'The public blob is missing.');
    if (!isReadable(der))
      throw new ArmRefusal(400, 'InvalidPublicBlob', 'The public blob is not a valid certificate.');
    const parsed = parseCertificate(der);
    const thumbprint = Buffer.from(parsed.thumbprint).toString('hex').toUpperCase();
    const known = managed.trustCertificates.get(key(name));
    if (known && known.thumbprint !== thumbprint) {
      throw new ArmRefusal(
        400,
        'CertificateAlreadyExists',
        `Certificate '${name}' already exists with another key.`,
      );
    }
    const effective = known === undefined;
    const operation = startArm(
      this.state,
      'trust-certificate-put',
      `${instance.name}/${name}`,
      this.state.rates.trustCertificateMs,
      () => {
        const uploaded = {
          name,
          der,
          thumbprint,
          expiryDate: parsed.notAfter,
          uploadedAt: this.state.clock.now(),
        };
        if (!managed.trustCertificates.has(key(name))) managed.trustCertificates.set(key(name), uploaded);
      },
    );
    if (effective) this.state.journal.mark(`upload trust certificate ${name} to ${instance.name}`);
    const result = (): ServerTrustCertificate =>
      managed.trustCertificates.get(key(name)) ?? {
        name,
        der,
        thumbprint,
        expiryDate: parsed.notAfter,
        uploadedAt: 0,
      };
    return { operation, effective, result };
  }

  deleteTrust(managedInstance: string, name: string): ArmOperation<undefined> {
    const instance = instanceOf(this.state, managedInstance);
    const managed = requireManaged(instance);
    const effective = managed.trustCertificates.has(key(name));
    const operation = startArm(
      this.state,
      'trust-certificate-delete',
      `${instance.name}/${name}`,
      this.state.rates.trustCertificateMs,
      () => {
        managed.trustCertificates.delete(key(name));
      },
    );
    if (effective) this.state.journal.mark(`delete trust certificate ${name} of ${instance.name}`);
    return { operation, effective, result: () => undefined };
  }

  expireNow(instanceName: string, name: string): void {
    const instance = instanceOf(this.state, instanceName);
    const past = wholeSeconds(this.state.clock.now()) - 1000;
    const { managed } = instance;
    if (managed && key(managed.fullyQualifiedDomainName) === key(name))
      managed.endpointCertificate.expiryDate = past;
    else this.existing(instance, name, 'alter').expiryDate = past;
    this.state.journal.mark(`certificate ${name} on ${instance.name} expired`);
  }

  private keep(instance: MutableInstance, name: string, der: Uint8Array, privateKey: 'MK' | 'NA') {
    const certificate = describeCertificate(instance.nextCertificateId++, name, der, privateKey);
    instance.certificates.set(key(name), certificate);
    return certificate;
  }

  private refuseTakenName(instance: MutableInstance, name: string): void {
    if (instance.certificates.has(key(name))) {
      throw new SqlError(
        15232,
        `A certificate with name '${name}' already exists or this certificate already has been added to the database.`,
      );
    }
  }

  private existing(instance: MutableInstance, name: string, verb: string): Mutable<Certificate> {
    const certificate = instance.certificates.get(key(name));
    if (!certificate) throw refusals.cannotAlterMissing('certificate', name, verb);
    return certificate;
  }

  private requireId(instance: MutableInstance, certificateId: number): Mutable<Certificate> {
    const found = [...instance.certificates.values()].find((one) => one.certificateId === certificateId);
    if (!found) throw refusals.cannotAlterMissing('certificate', String(certificateId), 'find');
    return found;
  }
}

/** The managed instance's own certificate, made when it is first looked at (keys are slow). */
export function lazyEndpointCertificate(seed: number, managed: MutableManaged, now: number): void {
  let made: Mutable<Certificate> | undefined;
  Object.defineProperty(managed, 'endpointCertificate', {
    enumerable: true,
    get: () => {
      const fqdn = managed.fullyQualifiedDomainName;
      made ??= describeCertificate(
        300,
        fqdn,
        issueManagedCertificate(seed, fqdn, wholeSeconds(now) - 30 * 86_400_000, wholeSeconds(now) + YEAR_MS),
        'MK',
      );
      return made;
    },
  });
}

function describeCertificate(
  id: number,
  name: string,
  der: Uint8Array,
  privateKey: 'MK' | 'NA',
): Mutable<Certificate> {
  const parsed = parseCertificate(der);
  return {
    certificateId: id,
    name,
    subject: parsed.subject,
    issuer: parsed.issuer,
    serialNumber: parsed.serialNumber,
    der,
    thumbprint: parsed.thumbprint,
    startDate: parsed.notBefore,
    expiryDate: parsed.notAfter,
    privateKey,
    issuerFor: [],
  };
}

/** 2022 and later have the link built in; older builds got it with an update (overview page). */
export function linkIsPatchedIn(version: ServerVersion): boolean {
  const needed = {
    2016: '13.0.7000.253',
    2017: '14.0.3490.10',
    2019: '15.0.4312.2',
    2022: '16.0.1000.6',
    2025: '17.0.1000.7',
  };
  return atLeast(version, needed[version.year]);
}

function isReadable(der: Uint8Array): boolean {
  try {
    parseCertificate(der);
    return true;
  } catch {
    return false;
  }
}

export function requireManaged(instance: MutableInstance): MutableManaged {
  if (!instance.managed)
    throw new ArmRefusal(404, 'ResourceNotFound', `'${instance.name}' is no managed instance.`);
  return instance.managed;
}

const wholeSeconds = (ms: number): number => Math.floor(ms / 1000) * 1000;
