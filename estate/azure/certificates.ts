/** serverTrustCertificates (public keys of SQL Servers, uploaded) and endpointCertificates (the instance's own). */
import { X509Certificate } from 'node:crypto';
import type { ServerTrustCertificate } from '../world/model';
import {
  type ArmContext,
  bodyProperties,
  type ManagedInstance,
  managedInstance,
  member,
  NO_CONTENT,
  nameAt,
  ok,
} from './context';
import { startEffect } from './effects';
import { badRequest, childNotFound } from './errors';
import type { HttpResponse } from './http';
import { running } from './links';
import { page } from './paging';

const TRUST_TYPE = 'Microsoft.Sql/managedInstances/serverTrustCertificates';
const ENDPOINT_TYPE = 'Microsoft.Sql/managedInstances/endpointCertificates';
/** The one endpoint type that the specification's examples show. */
const MIRRORING = 'DATABASE_MIRRORING';

export function listTrust(context: ArmContext): HttpResponse {
  const target = managedInstance(context);
  const certificates = [...target.managed.trustCertificates.values()];
  return page(context.request, certificates, (each) => renderTrust(target, each));
}

export function getTrust(context: ArmContext): HttpResponse {
  const target = managedInstance(context);
  const name = nameAt(context, 1);
  const certificate = target.managed.trustCertificates.get(name.toLowerCase());
  if (certificate === undefined) throw childNotFound(TRUST_TYPE, name);
  return ok(renderTrust(target, certificate));
}

export function putTrust(context: ArmContext): HttpResponse {
  const target = running(context);
  const name = nameAt(context, 1);
  if (name.trim() === '')
    throw badRequest('MissingCertificateName', 'The certificate name parameter value is missing.');
  const der = readPublicBlob(context);
  refuseTakenName(target, name, der);
  return startEffect(context, target, {
    type: 'serverTrustCertificates',
    name: 'UpsertServerTrustCertificate',
    perform: () => context.world.certificates.putTrust(target.instance.name, name, der),
    result: () => getTrust(context),
  });
}

export function deleteTrust(context: ArmContext): HttpResponse {
  const target = running(context);
  const name = nameAt(context, 1);
  // The specification lists 204 for DELETE: nothing was there (ARM's convention for DELETE).
  if (!target.managed.trustCertificates.has(name.toLowerCase())) return NO_CONTENT;
  return startEffect(context, target, {
    type: 'serverTrustCertificates',
    name: 'DropServerTrustCertificate',
    perform: () => context.world.certificates.deleteTrust(target.instance.name, name),
    result: () => NO_CONTENT,
  });
}

/** Hex with or without 0x: the specification shows it without, `CERTENCODED` gives it with (both accepted, inferred). */
function readPublicBlob(context: ArmContext): Uint8Array {
  const properties = bodyProperties(context);
  const blob = properties === undefined ? undefined : member(properties, 'publicBlob');
  if (blob === undefined || blob === null || blob === '')
    throw badRequest('MissingPublicBlob', 'The public blob parameter value is missing.');
  const hex = typeof blob === 'string' ? blob.replace(/^0x/i, '') : '';
  if (hex === '' || hex.length % 2 !== 0 || !/^[0-9a-f]+$/i.test(hex)) throw invalidPublicBlob();
  const der = Buffer.from(hex, 'hex');
  try {
    // Trailing bytes, private keys and anything else that is not one certificate are refused.
    if (new X509Certificate(der).raw.length !== der.length) throw invalidPublicBlob();
  } catch {
    throw invalidPublicBlob();
  }
  return der;
}

const invalidPublicBlob = () =>
  badRequest(
    'InvalidPublicBlob',
    'The specified public blob is invalid: it must be an X.509 certificate in hexadecimal form.',
  );

/** CertificateAlreadyExists: another certificate has this name, or this certificate another name (inferred). */
function refuseTakenName({ managed }: ManagedInstance, name: string, der: Uint8Array): void {
  const key = name.toLowerCase();
  const clash = [...managed.trustCertificates.values()].some((each) => {
    const sameBlob = Buffer.compare(each.der, der) === 0;
    return (each.name.toLowerCase() === key) !== sameBlob;
  });
  if (clash)
    throw badRequest(
      'CertificateAlreadyExists',
      'The certificate with the specified name or the same public key already exists.',
    );
}

/** [S] the answer carries thumbprint and name, not the blob that was put. */
function renderTrust({ managed }: ManagedInstance, certificate: ServerTrustCertificate): unknown {
  return {
    properties: {
      certificateName: certificate.name,
      thumbprint: certificate.thumbprint,
    },
    id: `${managed.resourceId}/serverTrustCertificates/${certificate.name}`,
    name: certificate.name,
    type: TRUST_TYPE,
  };
}

export function listEndpoint(context: ArmContext): HttpResponse {
  const target = managedInstance(context);
  return ok({ value: [renderEndpoint(context, target)] });
}

export function getEndpoint(context: ArmContext): HttpResponse {
  const target = managedInstance(context);
  const type = nameAt(context, 1);
  if (type.toUpperCase() !== MIRRORING) throw childNotFound(ENDPOINT_TYPE, type);
  return ok(renderEndpoint(context, target));
}

function renderEndpoint(context: ArmContext, { instance, managed }: ManagedInstance): unknown {
  const { der } = context.world.certificates.endpointCertificate(instance.name);
  return {
    // [S] hex with 0x here, unlike in serverTrustCertificates.
    properties: { publicBlob: `0x${Buffer.from(der).toString('hex').toUpperCase()}` },
    id: `${managed.resourceId}/endpointCertificates/${MIRRORING}`,
    name: MIRRORING,
    type: ENDPOINT_TYPE,
  };
}
