/** Shapes of the start inputs of the workflows around certificates. */
import type { CertificateSpec } from '../../activities/sql-server/certificate-spec';
import {
  anyText,
  duration,
  exactly,
  type Fields,
  list,
  name,
  nullable,
  type Shape,
  yesOrNo,
} from '../run/shapes';
import type { CertificateCheckInput, CertificateRotationInput, EndpointSpecs } from './certificate-messages';

const endpoint = (spec: Shape<CertificateSpec>): Fields<EndpointSpecs> => ({ spec, others: list(spec) });

/** @param spec shape of the specs whose certificates are looked at */
export const certificateCheckShape = (spec: Shape<CertificateSpec>): Shape<CertificateCheckInput> =>
  exactly<CertificateCheckInput>({
    ...endpoint(spec),
    rotateBeforeMs: nullable(duration()),
    connectWithinMs: duration(1),
  });

export const rotationShape = (spec: Shape<CertificateSpec>): Shape<CertificateRotationInput> =>
  exactly<CertificateRotationInput>({
    ...endpoint(spec),
    by: name(),
    // A check makes it of what it found: names and dates of certificates.
    reason: nullable(anyText),
    rotateEndpoint: yesOrNo,
    reimportInstance: yesOrNo,
    connectWithinMs: duration(1),
  });
