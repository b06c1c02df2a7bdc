/** Shapes of the start inputs of all workflow types. */
import type { Slots } from '../../rules/link/failover-turns';
import {
  anyObject,
  anyText,
  duration,
  exactly,
  type Fields,
  including,
  list,
  name,
  nullable,
  optional,
  wholeNumber,
  yesOrNo,
} from '../shapes';
import type { CertificateCheckInput, CertificateRotationInput, EndpointLinks } from './certificate-messages';
import type { FailoverInput } from './disaster-recovery-messages';
import { failoverOfRunShape } from './request-shapes';
import { turnRequest } from './signal-shapes';
import { specShape } from './spec-shape';
import type { RunInput } from './state';
import { health } from './state-shape';
import type { SlotsInput } from './turn-messages';

const maxHistoryEvents = optional(wholeNumber(1, 1_000_000));

export const linkInputShape = exactly<RunInput>({
  spec: specShape,
  visibility: yesOrNo,
  maxHistoryEvents,
  state: optional(anyObject()),
});

export const failoverInputShape = exactly<FailoverInput>({
  spec: specShape,
  request: failoverOfRunShape,
  lastHealth: nullable(health),
});

const turns = including<Slots>({
  holders: list(turnRequest, 0, 100_000),
  queue: list(turnRequest, 0, 100_000),
});

export const turnsInputShape = exactly<SlotsInput>({
  instance: name('a resource id', 1_000),
  first: optional(turnRequest),
  maxHistoryEvents,
  state: optional(turns),
});

const ENDPOINT: Fields<EndpointLinks> = { spec: specShape, others: list(specShape) };

export const certificateCheckShape = exactly<CertificateCheckInput>({
  ...ENDPOINT,
  rotateBeforeMs: nullable(duration()),
  connectWithinMs: duration(1),
});

export const rotationShape = exactly<CertificateRotationInput>({
  ...ENDPOINT,
  by: name(),
  // A check makes it of what it found: names and dates of certificates.
  reason: nullable(anyText),
  rotateEndpoint: yesOrNo,
  reimportInstance: yesOrNo,
  connectWithinMs: duration(1),
});
